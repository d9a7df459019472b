import Checkpoint
import Foundation
import Tensor
import TestSupport

/// The cases of `linalg.h5`: decompositions, solvers and their gradients, each in double and in single
/// precision.
///
/// Where signs are free, absolute values are compared, and what the factors multiply back to. The double
/// precision run must agree within the rule of all cases. The file does not say how far honest single
/// precision is off, so that is measured: by how much the results move when the inputs move by a few rounding
/// errors of Float, relative to the largest element as in the error bounds of the algorithms.
enum LinearAlgebraSuite: ConformanceSuite {
  static let files = ["linalg.h5"]

  static func run(_ directory: URL, _ report: (CaseReport) -> Void) throws -> [String] {
    let golden = try GoldenFile(directory.appendingPathComponent("linalg.h5"))
    for name in try golden.names(in: "/") {
      guard let item = LinearAlgebraCase.named(name) else {
        report(CaseReport(name: "linalg.\(name)", failure: "no such operation"))
        continue
      }
      report(CaseReport(name: "linalg.\(name)") { try compare(item, try Stored(name, golden), &$0) })
    }
    return []
  }

  /// What the file holds for a case, in double precision.
  private struct Stored {
    let inputs: [Tensor]
    let outputs: [Tensor]
    let cotangents: [Tensor]
    /// By number of the input.
    let gradients: [Int: Tensor]
    /// The allowed deviation by name of a dataset.
    let tolerances: [String: Double]

    init(_ name: String, _ golden: GoldenFile) throws {
      var (arrays, tolerances): ([String: Tensor], [String: Double]) = ([:], [:])
      for entry in try golden.names(in: name) {
        let array = try golden.tensor("\(name)/\(entry)")
        arrays[entry] = array.dtype.isFloatingPoint ? array.to(.float64) : array
        tolerances[entry] = try golden.tolerance("\(name)/\(entry)")
      }
      self.tolerances = tolerances
      let found = arrays
      func sequence(_ prefix: String) -> [Tensor] {
        var tensors: [Tensor] = []
        while let next = found["\(prefix)\(tensors.count)"] { tensors.append(next) }
        return tensors
      }
      inputs = sequence("in")
      outputs = sequence("out")
      cotangents = sequence("gout")
      gradients = inputs.indices.reduce(into: [:]) { $0[$1] = found["grad_in\($1)"] }
      let known = inputs.count + outputs.count + cotangents.count + gradients.count
      guard known == arrays.count, !inputs.isEmpty, !outputs.isEmpty,
        cotangents.isEmpty || cotangents.count == outputs.count
      else { throw ConformanceError("found \(arrays.keys.sorted()), expected in*, out*, gout*, grad_in*") }
    }
  }

  /// Something to compare: values in comparable form, or a gradient.
  private struct Result {
    let name: String
    let value: Tensor
  }

  /// Runs a case on inputs: the values, then the gradients.
  private static func evaluate(_ item: LinearAlgebraCase, _ inputs: [Tensor], _ stored: Stored) throws
    -> (outputs: [Tensor], results: [Result])
  {
    let leaves = inputs.indices.map {
      stored.gradients[$0] == nil ? inputs[$0] : inputs[$0].requiringGradient()
    }
    let outputs = try item.run(leaves)
    guard outputs.map(\.shape) == stored.outputs.map(\.shape) else {
      throw ConformanceError(
        "outputs of shapes \(outputs.map(\.shape)), expected \(stored.outputs.map(\.shape))")
    }
    var results = item.form(outputs.map { $0.detached() }).map { Result(name: $0.name, value: $0.value) }
    guard !stored.cotangents.isEmpty else { return (outputs, results) }
    var found = Gradients()
    for (output, cotangent) in zip(outputs, stored.cotangents) {
      found.add(output.backward(from: cotangent.to(output.dtype), keepingGraph: outputs.count > 1))
    }
    for index in stored.gradients.keys.sorted() {
      guard let gradient = found[leaves[index]] else { throw ConformanceError("in\(index) has no gradient") }
      results.append(Result(name: "grad in\(index)", value: gradient.detached()))
    }
    return (outputs, results)
  }

  private static func compare(_ item: LinearAlgebraCase, _ stored: Stored, _ report: inout CaseReport) throws
  {
    let double = try evaluate(item, stored.inputs, stored)
    var expected = item.form(stored.outputs).map { Result(name: $0.name, value: $0.value) }
    expected += stored.gradients.sorted { $0.key < $1.key }.map {
      Result(name: "grad in\($0.key)", value: $0.value)
    }
    for (ours, theirs) in zip(double.results, expected) {
      let allowed = tolerance(theirs, stored)
      report.add(
        ours.name, Deviation(of: ours.value, from: theirs.value, allowed: allowed, name: ours.name))
    }
    let noise = try singlePrecisionNoise(item, stored, double.results)
    let single = try evaluate(item, stored.inputs.map { $0.to(.float32) }, stored)
    for (index, (ours, theirs)) in zip(single.results, expected).enumerated() {
      let name = "float32 \(ours.name)"
      let allowed = max(tolerance(theirs, stored), 8 * noise[index])
      report.add(name, Deviation(of: ours.value, from: theirs.value, allowed: allowed, name: name))
    }
    if let product = item.product {
      for (outputs, name) in [(double.outputs, "product"), (single.outputs, "float32 product")] {
        let input = stored.inputs[0]
        let allowed = 2e-6 * magnitude(input)
        report.add(
          name,
          Deviation(of: product(outputs.map { $0.detached() }), from: input, allowed: allowed, name: name))
      }
    }
  }

  /// The rule of all cases, with the measured noise of the other implementation where the file has it.
  private static func tolerance(_ expected: Result, _ stored: Stored) -> Double {
    let path = expected.name.hasPrefix("grad ") ? "grad_" + expected.name.dropFirst(5) : expected.name
    return max(stored.tolerances[path] ?? 0, 2e-6 * magnitude(expected.value), 1e-7)
  }

  private static func magnitude(_ x: Tensor) -> Double {
    x.array(of: Double.self).lazy.filter(\.isFinite).map { abs($0) }.max() ?? 0
  }

  /// How far each result moves when every element of the inputs moves up or down by a few rounding errors of
  /// the largest.
  private static func singlePrecisionNoise(
    _ item: LinearAlgebraCase, _ stored: Stored, _ results: [Result]
  ) throws -> [Double] {
    var generator = RandomGenerator(seed: 1)
    var noise = [Double](repeating: 0, count: results.count)
    for _ in 0..<6 {
      let moved = stored.inputs.map { input in
        let signs = Tensor.randomUniform(input.shape, in: -1..<1, dtype: .float64, using: &generator).sign()
        return input + signs * (2 * magnitude(input) * Double(Float.ulpOfOne))
      }
      for (index, result) in try evaluate(item, moved, stored).results.enumerated() {
        let distance = (result.value.to(.float64) - results[index].value.to(.float64)).abs()
        noise[index] = max(noise[index], magnitude(distance))
      }
    }
    return noise
  }
}
