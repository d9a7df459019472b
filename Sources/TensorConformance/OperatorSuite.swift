import Foundation
import Tensor
import TestSupport

/// The cases of `ops.json`: operators with their inputs, views, expected results and gradients.
enum OperatorSuite: ConformanceSuite {
  static let files = ["ops.json", "ops.h5"]

  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws -> [String] {
    let entries = try ConformanceCase.read(directory.appendingPathComponent("ops.json"))
    let golden = try GoldenFile(directory.appendingPathComponent("ops.h5"))
    for entry in entries {
      report(
        CaseReport(name: entry.name) { result in
          let item = try entry.content.get()
          guard let operation = OperationTable.operation(for: item) else {
            throw ConformanceError("no such operator (\(item.expression))")
          }
          if operation.isComposed { result.note = "composed" }
          try check(item, operation.run, golden, &result)
        })
    }
    return []
  }

  private static func check(
    _ item: ConformanceCase, _ operation: Operation, _ golden: GoldenFile, _ report: inout CaseReport
  ) throws {
    let stored = try item.inputs.map { input in
      let tensor = try golden.tensor(input.path)
      return input.gradient == nil ? tensor : tensor.requiringGradient()
    }
    let seen = try zip(item.inputs, stored).map { input, tensor in
      try input.views.reduce(tensor) { try $1($0) }
    }
    let results = try operation(item, seen)
    guard results.count == item.outputs.count else {
      throw ConformanceError("\(results.count) outputs, expected \(item.outputs.count)")
    }
    var gradients = Gradients()
    for (output, result) in zip(item.outputs, results) {
      report.add("values", try golden.deviation(of: result, from: output.path))
      guard let cotangent = output.cotangent else { continue }
      let seed = try golden.tensor(cotangent)
      guard result.requiresGradient, seed.shape == result.shape else {
        report.fail("\(output.path): no gradient of shape \(seed.shape) can be fed in")
        continue
      }
      gradients.add(result.backward(from: seed, keepingGraph: results.count > 1))
    }
    for (index, (input, tensor)) in zip(item.inputs, stored).enumerated() {
      guard let path = input.gradient else { continue }
      if let gradient = gradients[tensor] {
        report.add("gradient \(index)", try golden.deviation(of: gradient, from: path))
      } else {
        report.fail("\(path): no gradient")
      }
    }
  }
}
