import Tensor

/// The shape that a resize leads to, and how many elements of the result stand for one.
struct ResizeGoal {
  private(set) var size: [Int]
  private(set) var scale: [Double]
  /// The axes that are named, or whose extent changes.
  let axes: [Int]

  /// - Parameters:
  ///   - scales: the input that has the scales.
  ///   - sizes: the input that has extents in their place.
  init(_ call: NodeCall, _ shape: [Int], scales: Int, sizes: Int?) throws {
    (size, scale) = (shape, shape.map { _ in 1 })
    let named = try call.integers("axes").map { try $0.map { try call.axis($0, rank: shape.count) } }
    axes = named ?? Array(shape.indices)
    let given = call.optional(scales).flatMap { $0.count > 0 ? $0.flattened().array(of: Double.self) : nil }
    if let given {
      try call.require(given.count == axes.count, "\(given.count) scales for \(axes.count) axes")
      for (axis, factor) in zip(axes, given) {
        let extent = (Double(shape[axis]) * factor).rounded(.down)
        try call.require(factor > 0 && extent < 0x1p28, "scale \(factor)")
        (scale[axis], size[axis]) = (factor, Int(extent))
      }
    } else {
      guard let sizes, let wanted = try call.numbers(sizes), wanted.count == axes.count,
        axes.allSatisfy({ shape[$0] > 0 })
      else { throw OnnxError("\(call.node.operation): no scales and no sizes") }
      let ratios = zip(axes, wanted).map { Double($1) / Double(shape[$0]) }
      let policy = try call.text("keep_aspect_ratio_policy", default: "stretch")
      let common = policy == "stretch" ? nil : policy == "not_larger" ? ratios.min() : ratios.max()
      for (index, axis) in axes.enumerated() {
        scale[axis] = common ?? ratios[index]
        size[axis] = common.map { Int((Double(shape[axis]) * $0).rounded()) } ?? wanted[index]
      }
    }
    _ = try call.shape(size)
  }

  /// The input as pictures or sequences whose last axes are all that change, with their sizes; nil where more
  /// than two do.
  func split(_ x: Tensor) -> (head: Tensor, tail: (size: [Int], scale: [Double]))? {
    let first = x.shape.indices.first { size[$0] != x.shape[$0] || scale[$0] != 1 } ?? max(x.rank - 1, 0)
    // A picture's two axes stay together, also where one of them keeps its extent.
    let kept = x.rank >= 3 ? min(first, max(x.rank - 2, 2)) : first
    guard x.rank - kept <= 2, kept < x.rank else { return nil }
    let rows = x.shape[..<kept].reduce(1, *)
    return (x.reshaped([1, rows] + x.shape[kept...]), (Array(size[kept...]), Array(scale[kept...])))
  }
}
