#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// How an element between the elements of the input is found; PyTorch's names.
public enum InterpolationMode: String, Sendable, CaseIterable {
  /// The element whose cell the point's corner lies in.
  case nearest
  /// The element whose cell the point's centre lies in.
  case nearestExact = "nearest-exact"
  /// A straight line between two elements of a sequence.
  case linear
  /// Straight lines in both directions.
  case bilinear
  /// Cubic convolution of four elements in each direction (Keys, 1981), with a = −0.75, or −0.5 when it
  /// antialiases.
  case bicubic
  /// The mean over the elements that an output element covers.
  case area
}

/// Sequences or pictures in another size, PyTorch's `interpolate`.
/// - Parameters:
///   - x: `[batch, channels, length]` or `[batch, channels, height, width]`.
///   - size: the new length, or height and width.
///   - mode: how elements between elements are found.
///   - alignsCorners: whether the first and last elements keep their place, instead of the outer edges; for
///     linear and cubic modes.
///   - antialiases: whether windows grow with the input's elements per output element when a picture shrinks;
///     for bilinear and bicubic.
///   - scale: output elements per input element for each direction, where that is not simply the ratio of the
///     sizes; ignored where corners are aligned.
/// - Returns: `x` with its last axes replaced by `size`.
public func interpolate(
  _ x: Tensor, size: [Int], mode: InterpolationMode = .nearest, alignsCorners: Bool = false,
  antialiases: Bool = false, scale: [Double]? = nil
) -> Tensor {
  tensorRequire(
    (x.rank == 3 || x.rank == 4) && size.count == x.rank - 2 && (scale?.count ?? size.count) == size.count,
    "interpolate", "size \(size) and scale \(scale ?? []) do not fit shape \(x.shape)")
  tensorRequire(
    size.allSatisfy(windowExtents.contains) && x.shape.suffix(size.count).allSatisfy { $0 > 0 }
      && (scale ?? []).allSatisfy { $0 > 0 && $0.isFinite && (1 / $0).isFinite }, "interpolate",
    "cannot bring shape \(x.shape) to size \(size)" + (scale.map { " by scale \($0)" } ?? ""))
  guard x.dtype == .float32 || x.dtype == .float64 else {
    let result = interpolate(
      x.to(.float32), size: size, mode: mode, alignsCorners: alignsCorners, antialiases: antialiases,
      scale: scale)
    return x.dtype.isFloatingPoint ? result.to(x.dtype) : result
  }
  if x.rank == 3 {
    return interpolate(
      x.expandedDimensions(axis: 2), size: [1] + size, mode: mode, alignsCorners: alignsCorners,
      antialiases: antialiases, scale: scale.map { [1] + $0 }
    ).squeezed(axis: 2)
  }
  if mode == .area {
    return x.averaged(.covering(x.shape[2], size[0]), .covering(x.shape[3], size[1]))
  }
  let windows = (0..<2).map { axis in
    WeightedWindows.interpolating(
      x.shape[2 + axis], size[axis], mode, alignsCorners: alignsCorners, antialiases: antialiases,
      scale: scale?[axis])
  }
  return x.resampled(windows[0], windows[1])
}

/// Sequences or pictures with `scale` output elements per input element in each direction; see
/// ``interpolate(_:size:mode:alignsCorners:antialiases:scale:)``.
public func interpolate(
  _ x: Tensor, scale: [Double], mode: InterpolationMode = .nearest, alignsCorners: Bool = false,
  antialiases: Bool = false
) -> Tensor {
  let extents = zip(x.shape.suffix(scale.count), scale).map { (Double($0) * $1).rounded(.down) }
  tensorRequire(
    x.rank == scale.count + 2 && extents.allSatisfy { $0 >= 1 && $0 <= Double(windowExtents.upperBound) },
    "interpolate",
    "cannot bring shape \(x.shape) to scale \(scale)")
  let size = extents.map { Int($0) }
  return interpolate(
    x, size: size, mode: mode, alignsCorners: alignsCorners, antialiases: antialiases, scale: scale)
}

extension WeightedWindows {
  /// The windows of an interpolation along one axis.
  fileprivate static func interpolating(
    _ input: Int, _ output: Int, _ mode: InterpolationMode, alignsCorners: Bool, antialiases: Bool,
    scale: Double?
  ) -> WeightedWindows {
    var result = WeightedWindows(inputCount: input)
    let ratio = scale.map { 1 / $0 } ?? Double(input) / Double(output)
    let step =
      alignsCorners ? (output > 1 ? Double(input - 1) / Double(output - 1) : 0) : ratio
    switch mode {
    case .area: break
    case .nearest, .nearestExact:
      // In single precision, as PyTorch finds the place.
      let shift: Float = mode == .nearest ? 0 : 0.5
      for i in 0..<output {
        let place = ((Float(i) + shift) * Float(ratio)).rounded(.down)
        result.append(start: min(Int(place), input - 1), weights: [1])
      }
    case .linear, .bilinear, .bicubic:
      let isCubic = mode == .bicubic
      for i in 0..<output {
        if antialiases {
          result.appendAntialiased(centre: step * (Double(i) + 0.5), step: step, isCubic: isCubic)
          continue
        }
        let place = alignsCorners ? step * Double(i) : step * (Double(i) + 0.5) - 0.5
        let point = isCubic ? place : max(place, 0)
        let first = Int(point.rounded(.down))
        let t = point - Double(first)
        if isCubic {
          let weights = [t + 1, t, 1 - t, 2 - t].map { cubic($0, a: -0.75) }
          result.appendClamped(first - 1, weights)
        } else {
          result.appendClamped(first, [1 - t, t])
        }
      }
    }
    return result
  }

  /// Adds a window whose elements beyond an end are the element at that end.
  private mutating func appendClamped(_ start: Int, _ window: [Double]) {
    let low = Swift.min(Swift.max(start, 0), inputCount - 1)
    let high = Swift.min(Swift.max(start + window.count - 1, 0), inputCount - 1)
    var weights = [Double](repeating: 0, count: high - low + 1)
    for (i, weight) in window.enumerated() {
      weights[Swift.min(Swift.max(start + i, low), high) - low] += weight
    }
    append(start: low, weights: weights)
  }

  /// Adds a window that is as wide as the input elements per output element demand, its weights adding up to
  /// 1.
  private mutating func appendAntialiased(centre: Double, step: Double, isCubic: Bool) {
    let stretch = Swift.max(step, 1)
    let support = (isCubic ? 2 : 1) * stretch
    let low = Swift.max(Int((centre - support + 0.5).rounded(.towardZero)), 0)
    let high = Swift.min(Int((centre + support + 0.5).rounded(.towardZero)), inputCount)
    let weights = (low..<Swift.max(high, low)).map { element in
      let distance = (Double(element) - centre + 0.5) / stretch
      return isCubic ? Self.cubic(distance, a: -0.5) : Swift.max(0, 1 - abs(distance))
    }
    let total = weights.reduce(0, +)
    append(start: low, weights: total == 0 ? weights : weights.map { $0 / total })
  }

  /// Keys' kernel at a distance.
  private static func cubic(_ distance: Double, a: Double) -> Double {
    let x = abs(distance)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return 0
  }
}
