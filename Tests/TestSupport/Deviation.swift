import Tensor

/// How far a result is from what was expected.
public struct Deviation: Sendable {
  /// The largest difference between two elements; infinite when the shapes differ or a number stands against
  /// a NaN.
  public let absolute: Double
  /// ``absolute`` divided by the largest finite magnitude that was expected.
  public let relative: Double
  /// What is wrong, nil when nothing is.
  public let problem: String?

  /// Compares two tensors: floating point within `allowed`, all else exactly.
  /// - Parameters:
  ///   - ours: the result.
  ///   - expected: what it should be.
  ///   - allowed: the largest absolute difference that still passes.
  ///   - name: what the result is called in ``problem``.
  public init(of ours: Tensor, from expected: Tensor, allowed: Double, name: String) {
    guard ours.shape == expected.shape else {
      (absolute, relative) = (.infinity, .infinity)
      problem = "\(name): shape \(ours.shape), expected \(expected.shape)"
      return
    }
    let (a, b) = (ours.array(of: Double.self), expected.array(of: Double.self))
    var worst = (index: 0, distance: 0.0)
    for index in a.indices where a[index] != b[index] && !(a[index].isNaN && b[index].isNaN) {
      let distance = abs(a[index] - b[index])
      if !(distance <= worst.distance) { worst = (index, distance.isNaN ? .infinity : distance) }
    }
    let scale = b.lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
    absolute = worst.distance
    relative = worst.distance == 0 ? 0 : worst.distance / scale
    let limit = expected.dtype.isFloatingPoint ? allowed : 0
    if worst.distance <= limit {
      problem = nil
    } else {
      problem =
        "\(name): element \(worst.index) is \(a[worst.index]), expected \(b[worst.index]): "
        + "off by \(worst.distance), allowed \(limit)"
    }
  }
}
