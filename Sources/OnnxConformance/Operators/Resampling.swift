import Foundation
import Tensor

extension OperatorTable {
  static let resampling: [String: OnnxOperator] = [
    "Resize": { call in try resized(call, scales: call.version < 11 ? 1 : 2, sizes: 3) },
    "Upsample": { call in try resized(call, scales: 1, sizes: nil) },
    "GridSample": { call in
      let modes: [String: GridSampleMode] = [
        "linear": .bilinear, "bilinear": .bilinear, "nearest": .nearest, "cubic": .bicubic,
        "bicubic": .bicubic,
      ]
      let padding = try call.text("padding_mode", default: "zeros")
      guard let mode = modes[try call.text("mode", default: "linear")],
        let outside = GridSamplePadding(rawValue: padding)
      else { throw OnnxError("GridSample: unknown mode") }
      return [
        gridSample(
          try call.tensor(), grid: try call.tensor(1), mode: mode, padding: outside,
          alignsCorners: try call.flag("align_corners"))
      ]
    },
    "AffineGrid": { call in
      [
        affineGrid(
          try call.tensor(), size: try call.shape(try call.numbers(1) ?? []),
          alignsCorners: try call.flag("align_corners"))
      ]
    },
  ]

  private static func resized(_ call: NodeCall, scales: Int, sizes: Int?) throws -> [Tensor] {
    let x = try call.tensor()
    let goal = try ResizeGoal(call, x.shape, scales: scales, sizes: sizes)
    let mode = try call.text("mode", default: "nearest")
    let isOld = call.version < 11
    let places = try call.text("coordinate_transformation_mode", default: isOld ? "asymmetric" : "half_pixel")
    try call.require(!call.flag("exclude_outside"), "weights that leave out what is outside")
    if mode == "nearest" {
      let rounding = try call.text("nearest_mode", default: isOld ? "floor" : "round_prefer_floor")
      if let own = ownMode(places, rounding), let (head, tail) = goal.split(x) {
        let result = interpolate(head, size: tail.size, mode: own, scale: tail.scale)
        return [result.reshaped(goal.size)]
      }
      return [
        try goal.axes.reduce(x) { x, axis in
          let numbers = try nearest(places, rounding, goal.size[axis], x.shape[axis], goal.scale[axis])
          return x.indexSelect(axis: axis, Tensor(numbers))
        }
      ]
    }
    guard ["half_pixel", "pytorch_half_pixel", "align_corners"].contains(places) else {
      throw OnnxError("\(call.node.operation): \(mode) by `\(places)`")
    }
    guard let (head, tail) = goal.split(x) else {
      throw OnnxError("\(call.node.operation): axes of \(x.shape) to \(goal.size)")
    }
    if places == "pytorch_half_pixel" {
      try call.require(!tail.size.contains(1), "one element by `pytorch_half_pixel`")
    }
    let antialiases = try call.flag("antialias")
    let a = try call.real("cubic_coeff_a", default: -0.75)
    try call.require(
      mode != "cubic" || abs(a - (antialiases ? -0.5 : -0.75)) < 1e-6, "cubic coefficient \(a)")
    let own: InterpolationMode = mode == "cubic" ? .bicubic : tail.size.count == 1 ? .linear : .bilinear
    let result = interpolate(
      head, size: tail.size, mode: own, alignsCorners: places == "align_corners", antialiases: antialiases,
      scale: tail.scale)
    return [result.reshaped(goal.size)]
  }

  /// The nearest mode of ours that finds the same elements.
  private static func ownMode(_ places: String, _ rounding: String) -> InterpolationMode? {
    switch (places, rounding) {
    case ("asymmetric", "floor"): .nearest
    case ("half_pixel", "round_prefer_ceil"): .nearestExact
    default: nil
    }
  }

  /// The element of an axis that each element of the result is taken from, in the roundings that our
  /// interpolation does not have.
  private static func nearest(
    _ places: String, _ rounding: String, _ size: Int, _ extent: Int, _ scale: Double
  ) throws -> [Int] {
    try (0..<size).map { index in
      let position =
        switch places {
        case "asymmetric": Double(index) / scale
        case "half_pixel", "pytorch_half_pixel": (Double(index) + 0.5) / scale - 0.5
        case "align_corners": size == 1 ? 0 : Double(index * (extent - 1)) / Double(size - 1)
        case "half_pixel_symmetric":
          Double(extent) / 2 * (1 - Double(size) / (scale * Double(extent))) + (Double(index) + 0.5) / scale
            - 0.5
        default: throw OnnxError("nearest by `\(places)`")
        }
      let rounded =
        switch rounding {
        case "floor": position.rounded(.down)
        case "ceil": position.rounded(.up)
        case "round_prefer_ceil": (position + 0.5).rounded(.down)
        default: (position - 0.5).rounded(.up)
        }
      return min(max(Int(rounded), 0), extent - 1)
    }
  }
}
