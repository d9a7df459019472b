import Checkpoint
import Foundation
import Tensor
import TestSupport

/// The cases of `opinfo.json`: PyTorch's own samples of its operators, and the calls that it refuses.
enum TorchSuite: ConformanceSuite {
  static let files = ["opinfo.json", "opinfo.h5"]

  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws -> [String] {
    let url = directory.appendingPathComponent("opinfo.json")
    let data = try Data(contentsOf: url)
    let json = try data.withUnsafeBytes { try JSONReader.read($0) }
    guard case .array(let cases)? = json["cases"] else {
      throw ConformanceError("\(url.path): expected cases")
    }
    let arrays = try TorchArrays(directory.appendingPathComponent("opinfo.h5"))
    let exclusions = try TorchExclusions(directory.appendingPathComponent("exclusions.txt"))
    var tally = TorchTally()
    for element in cases {
      let item = try TorchCase(element)
      var found = CaseReport(name: item.name) { result in
        guard let operation = TorchTable.operation(for: item.entry) else {
          throw ConformanceError("no such entry")
        }
        if item.refusal == nil {
          try compare(item, operation, arrays, &result)
        } else {
          result.note = try refuse(item, operation, arrays).rawValue
        }
      }
      if !found.hasPassed {
        let call = try item.call(with: try item.inputs.map { try arrays.tensor($0.array) })
        let text = "\(call) -> \(item.refusal ?? "") => \(found.problem)"
        found.note = "\(call)\(item.refusal.map { " -> \($0)" } ?? "")"
        found.exclusion = exclusions.reason(entry: item.entry, isError: item.refusal != nil, text: text)
      }
      tally.add(item, found)
      report(found)
    }
    return tally.lines(exclusions.reasons)
  }

  /// Runs a call and compares its results, their types and the gradients.
  private static func compare(
    _ item: TorchCase, _ operation: TorchOperation, _ arrays: TorchArrays, _ report: inout CaseReport
  ) throws {
    let tensors = try item.inputs.map { input in
      let tensor = try arrays.tensor(input.array)
      return input.requiresGradient ? tensor.requiringGradient() : tensor
    }
    let results = try operation(item.call(with: tensors))
    guard results.count == item.outputs.count else {
      throw ConformanceError("\(results.count) results, expected \(item.outputs.count)")
    }
    var gradients = Gradients()
    for (index, (output, result)) in zip(item.outputs, results).enumerated() {
      guard result.dtype == output.array.dtype else {
        report.fail("result \(index): type \(result.dtype), expected \(output.array.dtype)")
        continue
      }
      let expected = try arrays.tensor(output.array)
      report.add(
        "values",
        Deviation(
          of: result, from: expected, allowed: output.array.tolerance(expected), name: "result \(index)"))
      if result.dtype == .int64, result.shape == expected.shape,
        result.array(of: Int64.self) != expected.array(of: Int64.self)
      {
        report.fail("result \(index): integers that differ where no Double shows it")
      }
      // Without a record every gradient counts as zeros below.
      guard let cotangent = output.cotangent, result.requiresGradient else { continue }
      let seed = try arrays.tensor(cotangent).to(result.dtype)
      guard seed.shape == result.shape else { continue }
      gradients.add(result.backward(from: seed, keepingGraph: results.count > 1))
    }
    for (index, (input, tensor)) in zip(item.inputs, tensors).enumerated() {
      guard let array = input.gradient else { continue }
      let expected = try arrays.tensor(array)
      let found = gradients[tensor] ?? Tensor.zeros(tensor.shape, dtype: tensor.dtype)
      report.add(
        "gradients",
        Deviation(
          of: found, from: expected, allowed: array.tolerance(expected), name: "gradient \(index)"))
    }
  }

  /// How a call is refused.
  enum Refusal: String {
    /// A check of an operation failed.
    case refused
    /// No Swift program can contain it.
    case unwritable = "cannot be written in Swift"
  }

  /// Runs a call that PyTorch refuses.
  /// - Throws: when it is accepted, and where the library has no such feature.
  private static func refuse(
    _ item: TorchCase, _ operation: @escaping TorchOperation, _ arrays: TorchArrays
  ) throws -> Refusal {
    let results: [Tensor]
    do {
      results = try withTensorErrors {
        try operation(item.call(with: try item.inputs.map { try arrays.tensor($0.array) }))
      }
    } catch TorchCallError.unwritable {
      return .unwritable
    } catch is TensorError {
      return .refused
    } catch is LinearAlgebraError {
      return .refused
    }
    let shapes = results.map { "\($0.dtype)\($0.shape)" }.joined(separator: ", ")
    throw ConformanceError("accepted, with \(shapes)")
  }
}

/// Counts by entry, kind of case and verdict.
private struct TorchTally {
  private var entries: Set<String> = []
  private var samples = (passed: 0, failed: 0, excluded: 0)
  private var errors = (refused: 0, unwritable: 0, failed: 0, excluded: 0)
  private var exclusions: [String: Int] = [:]

  mutating func add(_ item: TorchCase, _ report: CaseReport) {
    entries.insert(item.entry)
    if let reason = report.exclusion { exclusions[reason, default: 0] += 1 }
    if item.refusal == nil {
      if report.hasPassed {
        samples.passed += 1
      } else if report.exclusion == nil {
        samples.failed += 1
      } else {
        samples.excluded += 1
      }
    } else if report.hasPassed {
      if report.note == TorchSuite.Refusal.refused.rawValue {
        errors.refused += 1
      } else {
        errors.unwritable += 1
      }
    } else if report.exclusion == nil {
      errors.failed += 1
    } else {
      errors.excluded += 1
    }
  }

  func lines(_ reasons: [String]) -> [String] {
    var lines = [
      "\(entries.count) entries of PyTorch's OpInfo",
      "samples: \(samples.passed) passed, \(samples.failed) failed, \(samples.excluded) excluded",
      "errors: \(errors.refused) refused, \(errors.unwritable) cannot be written in Swift, "
        + "\(errors.failed) failed, \(errors.excluded) excluded",
    ]
    for reason in reasons {
      if let count = exclusions[reason] { lines.append("excluded: \(count) x \(reason)") }
    }
    return lines
  }
}
