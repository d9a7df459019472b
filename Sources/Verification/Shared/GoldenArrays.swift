import Checkpoint
import Foundation
import Tensor

/// An HDF5 file of expected values, which remembers what was looked at: whatever nobody asked for is unknown.
final class GoldenArrays {
  private let file: HDF5File
  let name: String
  /// Every dataset of the file, in order.
  let paths: [String]
  private var seen: Set<String> = []

  init(_ url: URL) throws {
    file = try HDF5File(reading: url)
    name = url.lastPathComponent
    paths = try file.datasets()
  }

  func has(_ path: String) -> Bool { paths.contains(path) }

  /// The last components of the datasets and groups directly in a group.
  func names(in group: String) -> [String] {
    var result: [String] = []
    let prefix = group.isEmpty ? "" : group + "/"
    for path in paths where path.hasPrefix(prefix) {
      let name = String(path.dropFirst(prefix.count).prefix { $0 != "/" })
      if result.last != name && !result.contains(name) { result.append(name) }
    }
    return result
  }

  /// The rest of the paths of all datasets in a group and its groups.
  func paths(under group: String) -> [String] {
    paths.filter { $0.hasPrefix(group + "/") }.map { String($0.dropFirst(group.count + 1)) }
  }

  func tensor(_ path: String) throws -> Tensor {
    seen.insert(path)
    return try file.tensor(path)
  }

  func integers(_ path: String) throws -> [Int32] { try tensor(path).array(of: Int32.self) }

  /// An attribute that is a number or a truth value.
  func number(_ name: String, on path: String) throws -> Double? {
    switch try file.attribute(name, on: path.isEmpty ? "/" : path) {
    case .real(let value)?: value
    case .integer(let value)?: Double(value)
    case .boolean(let value)?: value ? 1 : 0
    default: nil
    }
  }

  /// An attribute that must be there.
  func requiredNumber(_ attribute: String, on path: String) throws -> Double {
    guard let value = try number(attribute, on: path) else {
      throw CheckpointError(
        .missing, file: file.url.path, at: path, found: "no number \(attribute)", expected: "this attribute")
    }
    return value
  }

  func numbers(_ name: String, on path: String) throws -> [Double]? {
    guard case .reals(let values)? = try file.attribute(name, on: path) else { return nil }
    return values
  }

  func text(_ name: String, on path: String) throws -> String? {
    guard case .string(let text)? = try file.attribute(name, on: path) else { return nil }
    return text
  }

  /// Compares a result with the dataset at `path`.
  ///
  /// Allowed is `max(8 · f32_err, 2e-6 · max|expected|, 1e-7)`. `f32_err` is one draw of the noise of single
  /// precision, and a result that is sensitive to it can be further off: where `found` is, the same
  /// computation in double precision has to hold the bound, and `found` sixteen times it. Where a dataset has
  /// no `f32_err` the noise is measured instead: how far `found` is from the result in double precision, but
  /// not more than 1e-5 of the largest expected value.
  /// - Parameters:
  ///   - exact: the result in double precision; asked for only when it is needed.
  ///   - floor: the smallest bound that makes sense for this quantity.
  func compare(
    _ found: Tensor, _ path: String, exact: @autoclosure () throws -> Tensor? = nil, floor: Double = 0,
    in report: inout VerificationReport
  ) throws {
    let expected = try tensor(path)
    let label = "\(name) \(path)"
    guard found.count == expected.count else {
      report.fail(label, "found shape \(found.shape), expected \(expected.shape)")
      return
    }
    let (single, values) = (found.array(of: Double.self), expected.array(of: Double.self))
    let scale = values.reduce(0) { max($0, abs($1)) }
    let stored = try number("f32_err", on: path)
    var noise = stored ?? 0
    if stored == nil, let exact = try exact()?.array(of: Double.self) {
      noise = min(zip(single, exact).reduce(0) { max($0, abs($1.0 - $1.1)) }, 1e-5 * scale)
    }
    let allowed = max(8 * noise, 2e-6 * scale, 1e-7, floor)
    var result = Self.comparison(label, single, values, allowed: allowed)
    if !result.isPassed, stored != nil, result.error <= 16 * allowed, let exact = try exact() {
      let double = Self.comparison(label, exact.array(of: Double.self), values, allowed: allowed)
      if double.isPassed {
        result.note = "in double precision; \(Comparison.short(result.error)) in single"
        result.error = double.error
      }
    }
    report.add(result)
  }

  /// The largest difference of two lists.
  static func comparison(
    _ label: String, _ found: [Double], _ expected: [Double], allowed: Double
  ) -> Comparison {
    var worst = (index: 0, error: 0.0)
    for index in found.indices {
      let error = abs(found[index] - expected[index])
      if !(error <= worst.error) { worst = (index, error.isNaN ? .infinity : error) }
    }
    var comparison = Comparison(name: label, error: worst.error, allowed: allowed)
    if !comparison.isPassed {
      comparison.note =
        "at \(worst.index): found \(found[worst.index]), expected \(expected[worst.index])"
    }
    return comparison
  }

  /// Records every dataset that nobody looked at as unknown.
  func reportUnknown(in report: inout VerificationReport) {
    for path in paths where !seen.contains(path) {
      report.fail("\(name) \(path)", "unknown dataset, nothing to compare it with")
    }
  }

  /// Marks a dataset as used for something else than a comparison.
  func acknowledge(_ path: String) { seen.insert(path) }
}
