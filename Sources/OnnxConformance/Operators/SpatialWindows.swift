import Tensor

/// Kernel, strides, dilations and padding of an operator that moves a window over the spatial axes.
struct SpatialWindows {
  let kernel, strides, dilations: [Int]
  /// What is put before and after every spatial axis.
  let before, after: [Int]
  /// Whether a window that is only partly inside counts at the end.
  let isRoundedUp: Bool

  /// - Parameter shape: that of the input, `[batch, channels, ...]`.
  init(_ call: NodeCall, _ shape: [Int], kernel: [Int]? = nil) throws {
    let axes = shape.count - 2
    try call.require(axes > 0, "shape \(shape)")
    self.kernel =
      if call.has("kernel_shape") || kernel == nil {
        try call.extents("kernel_shape", count: axes)
      } else {
        kernel!
      }
    strides = try call.extents("strides", count: axes, default: 1)
    dilations = try call.extents("dilations", count: axes, default: 1)
    isRoundedUp = try call.flag("ceil_mode")
    let pads = try call.integers("pads") ?? [Int](repeating: 0, count: 2 * axes)
    try call.require(
      pads.count == 2 * axes && pads.allSatisfy { 0..<1 << 24 ~= $0 } && self.kernel.count == axes,
      "pads \(pads)")
    let mode = try call.text("auto_pad", default: "NOTSET")
    guard mode.hasPrefix("SAME") else {
      before = mode == "VALID" ? [Int](repeating: 0, count: axes) : Array(pads[..<axes])
      after = mode == "VALID" ? before : Array(pads[axes...])
      return
    }
    var (before, after) = ([Int](), [Int]())
    for axis in 0..<axes {
      let extent = shape[axis + 2]
      let reach = (self.kernel[axis] - 1) * dilations[axis] + 1
      let output = (extent + strides[axis] - 1) / strides[axis]
      let total = max((output - 1) * strides[axis] + reach - extent, 0)
      before.append(mode == "SAME_UPPER" ? total / 2 : total - total / 2)
      after.append(total - before[axis])
    }
    (self.before, self.after) = (before, after)
  }

  /// Whether our functions, which pad both sides alike, can do the padding themselves.
  var isSymmetric: Bool { before == after }

  /// Whether our pooling takes the padding, which covers at most half of a window.
  var isWithinHalf: Bool { isSymmetric && zip(before, kernel).allSatisfy { $0 * 2 <= $1 } }

  var none: [Int] { before.map { _ in 0 } }

  /// The input with a value all around.
  func padded(_ x: Tensor, _ value: Double = 0) throws -> Tensor {
    try OperatorTable.padded(x, Array(2..<x.rank), before + after, "constant", value)
  }

  /// The two numbers of a picture.
  static func pair(_ numbers: [Int]) -> (Int, Int) { (numbers[0], numbers[1]) }

  /// The three numbers of a volume.
  static func triple(_ numbers: [Int]) -> (Int, Int, Int) { (numbers[0], numbers[1], numbers[2]) }
}
