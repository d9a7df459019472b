import LVLM
import Tensor

/// Results by name that one computation gives in single precision at once and in double precision when asked.
final class PrecisionPair {
  /// In single precision.
  let single: [String: Tensor]
  private let compute: (DType) throws -> [String: Tensor]
  private var double: [String: Tensor]?

  init(_ compute: @escaping (DType) throws -> [String: Tensor]) throws {
    self.compute = compute
    single = try compute(.float32)
  }

  /// The result of this name in double precision.
  func exact(_ name: String) throws -> Tensor? {
    if double == nil { double = try compute(.float64) }
    return double?[name]
  }

  /// Compares every result with the dataset `prefix/name`, in the order of the names.
  func compare(
    with arrays: GoldenArrays, under prefix: String, in report: inout VerificationReport
  ) throws {
    for name in single.keys.sorted() {
      let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
      guard let found = single[name] else { continue }
      guard arrays.has(path) else {
        report.fail("\(arrays.name) \(path)", "missing, expected for this model")
        continue
      }
      try arrays.compare(found, path, exact: try exact(name), in: &report)
    }
  }
}

/// The model in both precisions.
struct ModelPair {
  let single: VisionLanguageModel
  let double: VisionLanguageModel

  init(_ load: (DType) throws -> VisionLanguageModel) throws {
    single = try load(.float32)
    double = try load(.float64)
  }

  subscript(dtype: DType) -> VisionLanguageModel { dtype == .float64 ? double : single }
}
