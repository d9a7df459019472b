import Checkpoint
import Tensor

/// A step from a stored array to the view that an operator sees.
enum ViewStep {
  case transpose(Int, Int)
  case permute([Int])
  case slice(axis: Int, start: Int, stop: Int, step: Int)
  case expand([Int])
  case unsqueeze(Int)
  case squeeze(Int)
  case flip([Int])
  case reshape([Int])

  init(_ json: JSONValue) throws {
    guard case .array(let parts) = json, let kind = parts.first?.text, let numbers = Self.numbers(parts)
    else { throw ConformanceError("expected a view step such as [\"transpose\", 0, 1]") }
    switch (kind, numbers.count) {
    case ("transpose", 2): self = .transpose(numbers[0], numbers[1])
    case ("permute", _): self = .permute(numbers)
    case ("slice", 4): self = .slice(axis: numbers[0], start: numbers[1], stop: numbers[2], step: numbers[3])
    case ("expand", _): self = .expand(numbers)
    case ("unsqueeze", 1): self = .unsqueeze(numbers[0])
    case ("squeeze", 1): self = .squeeze(numbers[0])
    case ("flip", _): self = .flip(numbers)
    case ("reshape", _), ("view", _): self = .reshape(numbers)
    default: throw ConformanceError("unknown view step `\(kind)` of \(numbers.count) numbers")
    }
  }

  /// The numbers behind the kind of a step, alone or as one list.
  private static func numbers(_ parts: [JSONValue]) -> [Int]? {
    if parts.count == 2, let list = parts[1].integers { return list }
    return JSONValue.array(Array(parts.dropFirst())).integers
  }

  /// The view of a tensor.
  /// - Throws: ``ConformanceError`` when the step does not fit the tensor's shape.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    guard fits(x.shape) else { throw ConformanceError("the view step \(self) does not fit shape \(x.shape)") }
    switch self {
    case .transpose(let a, let b): return x.transposed(a, b)
    case .permute(let order): return x.permuted(order)
    case .slice(let axis, let start, let stop, let step): return slice(x, axis, start, stop, step)
    case .expand(let shape):
      let lead = shape.count - x.rank
      return x.expanded(to: shape.indices.map { shape[$0] == -1 ? x.shape[$0 - lead] : shape[$0] })
    case .unsqueeze(let axis): return x.expandedDimensions(axis: axis)
    case .squeeze(let axis): return x.squeezed(axis: axis)
    case .flip(let axes): return x.flipped(axes: axes)
    case .reshape(let shape): return x.reshaped(shape)
    }
  }

  /// Python's `x[start:stop:step]` along an axis: negative bounds count from the end, all are cut to the
  /// axis.
  private func slice(_ x: Tensor, _ axis: Int, _ start: Int, _ stop: Int, _ step: Int) -> Tensor {
    let extent = x.shape[axis < 0 ? axis + x.rank : axis]
    func bound(_ value: Int) -> Int { min(max(value < 0 ? value + extent : value, 0), extent) }
    if step > 0 { return x.slice(axis: axis, bound(start)..<max(bound(start), bound(stop)), step: step) }
    let last = min(bound(start) + 1, extent)
    return x.slice(axis: axis, min(bound(stop) + 1, last)..<last, step: step)
  }

  /// Whether the step makes sense for a shape.
  private func fits(_ shape: [Int]) -> Bool {
    let rank = shape.count
    func isAxis(_ axis: Int) -> Bool { (-rank..<rank).contains(axis) }
    switch self {
    case .transpose(let a, let b): return isAxis(a) && isAxis(b)
    case .permute(let order):
      return order.allSatisfy(isAxis)
        && order.map { $0 < 0 ? $0 + rank : $0 }.sorted() == Array(shape.indices)
    case .slice(let axis, _, _, let step): return isAxis(axis) && step != 0
    case .expand(let target):
      let lead = target.count - rank
      return lead >= 0
        && target.indices.allSatisfy { index in
          index < lead
            ? target[index] >= 0 : target[index] == -1 || [target[index], 1].contains(shape[index - lead])
        }
    case .unsqueeze(let axis): return (-rank - 1...rank).contains(axis)
    case .squeeze(let axis): return isAxis(axis) && shape[axis < 0 ? axis + rank : axis] == 1
    case .flip(let axes): return axes.allSatisfy(isAxis)
    case .reshape(let target):
      let known = target.filter { $0 != -1 }.reduce(1, *)
      let count = shape.reduce(1, *)
      return target.contains(-1) ? known > 0 && count % known == 0 : known == count
    }
  }
}
