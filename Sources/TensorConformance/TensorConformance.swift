import Checkpoint
import Foundation
import Tensor
import TestSupport

/// Checks operators, forward and backward, against stored results of another implementation:
/// `tensor-conformance DIR` with `ops.json` and `ops.h5` in DIR.
@main
struct TensorConformance {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 1, let directory = arguments.first, !directory.hasPrefix("-") else {
      FileHandle.standardError.write(Data("usage: tensor-conformance DIR (with ops.json and ops.h5)\n".utf8))
      exit(64)
    }
    do {
      exit(try run(URL(fileURLWithPath: directory)) ? 0 : 1)
    } catch {
      FileHandle.standardError.write(Data("error: \(error)\n".utf8))
      exit(66)
    }
  }

  /// Runs every case, prints a line for each, and returns whether all passed.
  static func run(_ directory: URL) throws -> Bool {
    let cases = try ConformanceCase.read(directory.appendingPathComponent("ops.json"))
    let golden = try GoldenFile(directory.appendingPathComponent("ops.h5"))
    var (passed, failed) = (0, 0)
    for item in cases {
      guard let operation = OperationTable.operation(for: item) else {
        failed += 1
        write("FAIL  \(item.name): no such operator (\(item.expression))")
        continue
      }
      let problems: [String]
      do {
        problems = try check(item, operation.run, golden)
      } catch {
        problems = ["\(error)"]
      }
      if problems.isEmpty {
        passed += 1
        write("ok    \(item.name)\(operation.isComposed ? " (composed)" : "")")
      } else {
        failed += 1
        write("FAIL  \(item.name): \(problems.joined(separator: "; "))")
      }
    }
    write("\(passed) passed, \(failed) failed")
    return failed == 0
  }

  /// Writes a line without buffering: a misused operator traps, and the lines before it must be out by then.
  private static func write(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

  private static func check(_ item: ConformanceCase, _ operation: Operation, _ golden: GoldenFile) throws
    -> [String]
  {
    let stored = try item.inputs.map { input in
      let tensor = try golden.tensor(input.path)
      return input.gradient == nil ? tensor : tensor.requiringGradient()
    }
    let seen = zip(item.inputs, stored).map { input, tensor in input.views.reduce(tensor) { $1($0) } }
    let results = try operation(item, seen)
    guard results.count == item.outputs.count else {
      return ["\(results.count) outputs, expected \(item.outputs.count)"]
    }
    var problems: [String] = []
    var gradients = Gradients()
    for (output, result) in zip(item.outputs, results) {
      if let problem = try golden.difference(result, output.path) { problems.append(problem) }
      if let cotangent = output.cotangent {
        let seed = try golden.tensor(cotangent)
        guard result.requiresGradient, seed.shape == result.shape else {
          problems.append("\(output.path): no gradient of shape \(seed.shape) can be fed in")
          continue
        }
        gradients.add(result.backward(from: seed, keepingGraph: results.count > 1))
      }
    }
    for (input, tensor) in zip(item.inputs, stored) {
      guard let path = input.gradient else { continue }
      guard let gradient = gradients[tensor] else {
        problems.append("\(path): no gradient")
        continue
      }
      if let problem = try golden.difference(gradient, path) { problems.append(problem) }
    }
    return problems
  }
}
