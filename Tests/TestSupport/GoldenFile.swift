import Checkpoint
import Foundation
import Tensor

/// Expected values from an independent implementation, in an HDF5 file.
///
/// Values were computed in Float64 from Float32 inputs. The attribute `f32_err` of a dataset is how far a plain Float32
/// run of that implementation was off: the scale of honest rounding noise.
public struct GoldenFile {
  private let file: HDF5File

  /// Opens a file.
  /// - Throws: ``CheckpointError``.
  public init(_ url: URL) throws { file = try HDF5File(reading: url) }

  /// A stored array.
  /// - Throws: ``CheckpointError``, naming file and path.
  public func tensor(_ path: String) throws -> Tensor { try file.tensor(path) }

  /// Whether there is something at a path.
  public func has(_ path: String) throws -> Bool { try file.exists(path) }

  /// A number attribute, or nil.
  public func attribute(_ name: String, on path: String) throws -> Double? {
    switch try file.attribute(name, on: path) {
    case .real(let value)?: value
    case .integer(let value)?: Double(value)
    default: nil
    }
  }

  /// The names in a group, in the order of the file.
  public func names(in group: String) throws -> [String] { try file.entries(in: group).map(\.name) }

  /// How far a floating-point result may be off: `max(8 f32_err, 2e-6 max|golden|, 1e-7)`.
  public func tolerance(_ path: String) throws -> Double {
    let values = try tensor(path).array(of: Double.self)
    let scale = values.lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
    return max(8 * (try attribute("f32_err", on: path) ?? 0), 2e-6 * scale, 1e-7)
  }

  /// Compares a result with a stored array: floating point within ``tolerance(_:)``, all else exactly.
  /// - Returns: what differs, or nil when nothing does.
  public func difference(_ ours: Tensor, _ path: String) throws -> String? {
    let golden = try tensor(path)
    guard ours.shape == golden.shape else { return "\(path): shape \(ours.shape), expected \(golden.shape)" }
    guard golden.dtype.isFloatingPoint else {
      let (a, b) = (ours.array(of: Int64.self), golden.array(of: Int64.self))
      guard let index = a.indices.first(where: { a[$0] != b[$0] }) else { return nil }
      return "\(path): element \(index) is \(a[index]), expected \(b[index])"
    }
    let (a, b) = (ours.array(of: Double.self), golden.array(of: Double.self))
    let tolerance = try tolerance(path)
    var worst = (index: 0, distance: -1.0)
    for index in a.indices where a[index] != b[index] && !(a[index].isNaN && b[index].isNaN) {
      let distance = abs(a[index] - b[index])
      if !(distance <= worst.distance) { worst = (index, distance.isNaN ? .infinity : distance) }
    }
    guard worst.distance > tolerance else { return nil }
    let value = "element \(worst.index) is \(a[worst.index]), expected \(b[worst.index])"
    return "\(path): \(value): off by \(worst.distance), allowed \(tolerance)"
  }
}
