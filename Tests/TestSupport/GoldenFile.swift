import Checkpoint
import Foundation
import Tensor

/// Expected values from an independent implementation, in an HDF5 file.
///
/// Values were computed in Float64 from Float32 inputs. The attribute `f32_err` of a dataset is how far a
/// plain Float32 run of that implementation was off: the scale of honest rounding noise.
public struct GoldenFile: Sendable {
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

  /// All attributes of a group or dataset.
  public func attributes(on path: String) throws -> [(name: String, value: HDF5Attribute)] {
    try file.attributes(on: path)
  }

  /// The names in a group, in the order of the file.
  public func names(in group: String) throws -> [String] { try file.entries(in: group).map(\.name) }

  /// How far a floating-point result may be off: `max(8 f32_err, 2e-6 max|golden|, 1e-7)`, without the first
  /// where the other implementation's Float32 run overflowed.
  public func tolerance(_ path: String) throws -> Double {
    let values = try tensor(path).array(of: Double.self)
    let scale = values.lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
    let noise = try attribute("f32_err", on: path) ?? 0
    return max(noise.isFinite ? 8 * noise : 0, 2e-6 * scale, 1e-7)
  }

  /// Compares a result with a stored array: floating point within ``tolerance(_:)``, all else exactly.
  public func deviation(of ours: Tensor, from path: String) throws -> Deviation {
    Deviation(of: ours, from: try tensor(path), allowed: try tolerance(path), name: path)
  }

  /// Compares a result with a stored array; see ``deviation(of:from:)``.
  /// - Returns: what differs, or nil when nothing does.
  public func difference(_ ours: Tensor, _ path: String) throws -> String? {
    try deviation(of: ours, from: path).problem
  }
}
