import Tensor

/// Computes the results of a call of PyTorch's with the library.
typealias TorchOperation = @Sendable (TorchCall) throws -> [Tensor]

/// Which code of ours stands for which entry of OpInfo.
enum TorchTable {
  private static let operations: [String: TorchOperation] = [
    unary, binary, comparisons, fused, reductions, scansAndSorts, shapes, pieces, gathering, writing,
    products, factorizations, matrixNumbers, creation, conversions, activations, normalizations, losses,
    convolutions, pooling, resampling, arrayFunctions, orderedElements,
  ]
  .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  /// The code for an entry, by its full name, else by the part before the variant.
  static func operation(for entry: String) -> TorchOperation? {
    if let found = operations[entry] { return found }
    guard let dot = entry.lastIndex(of: ".") else { return nil }
    return operation(for: String(entry[..<dot]))
  }

  /// An operator of one tensor and nothing else.
  static func one(_ body: @escaping @Sendable (Tensor) -> Tensor) -> TorchOperation {
    { call in [body(try call.tensor())] }
  }

  /// An operator of two tensors and nothing else.
  static func two(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> TorchOperation {
    { call in [body(try call.tensor(), try call.tensor(1, "other"))] }
  }
}
