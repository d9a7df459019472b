import Foundation
import Tensor
import TestSupport
import Testing

/// Every elementwise, reducing, fused and loss operation over signed zeros, infinities, NaN, denormals and
/// the ends of the types, against PyTorch (NumPy for integers).
struct SpecialTableTests {
  static let tables = [
    "unary_float16_bfloat16", "unary_float32", "unary_float64", "binary_float16", "binary_bfloat16",
    "binary_float32",
    "binary_float64", "rows_float16_bfloat16", "rows_float32", "rows_float64", "losses", "fused", "integers",
    "other_integers",
    "array_pairs", "array_orders", "array_sums", "array_modules", "array_integers", "wide_rows",
    "conversions",
    "complex_float32", "complex_float64",
  ]

  @Test(arguments: tables) func valuesAndGradients(table: String) throws {
    let cases = try SpecialTable(table).cases
    #expect(!cases.isEmpty)
    for row in cases {
      let operation = try #require(SpecialOperations.all[row.operation], "no operation \(row.operation)")
      let type = row.inputs[0].dtype
      let context = "\(row.operation)\(row.arguments.isEmpty ? "" : "\(row.arguments)") \(type)"
      let inputs = row.inputs.map { $0.dtype.isFloatingPoint ? $0.requiringGradient() : $0 }
      let result = operation(inputs, row.arguments)
      #expect(
        result.shape == row.shape && result.dtype == row.output.type,
        "\(context): \(result.shape) \(result.dtype)")
      expect(row.output.mismatches(result, context, inputs: row.inputs))
      guard row.gradients.contains(where: { $0 != nil }) else { continue }
      let weights = [1, 0.5, -2, 0.25, 3.0]
      let arriving = Tensor((0..<result.count).map { weights[$0 % 5] }, shape: result.shape).to(result.dtype)
      // Once through the gradient's kernels, once through the operations that can be differentiated again.
      for keepingGraph in Self.firstDerivativesOnly.contains(row.operation) ? [false] : [true, false] {
        let gradients = result.backward(from: arriving, keepingGraph: keepingGraph)
        for (index, expected) in row.gradients.enumerated() {
          guard let expected else { continue }
          let found = gradients[inputs[index]] ?? Tensor.zeros(inputs[index].shape, dtype: type)
          let name = "\(keepingGraph ? "recorded " : "")gradient \(index) of \(context)"
          expect(expected.mismatches(found, name, inputs: row.inputs))
        }
      }
    }
  }

  private static let firstDerivativesOnly: Set = ["scaledDotProductAttention", "targetLogProbabilities"]

  /// One issue per row, with its first mismatches.
  private func expect(_ mismatches: [String]) {
    if mismatches.isEmpty { return }
    Issue.record("\(mismatches.count) differ:\n\(mismatches.prefix(6).joined(separator: "\n"))")
  }
}
