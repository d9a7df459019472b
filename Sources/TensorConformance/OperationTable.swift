import Tensor

/// Computes the outputs of a case from its inputs.
typealias Operation = @Sendable (ConformanceCase, [Tensor]) throws -> [Tensor]

/// Which code computes which case.
enum OperationTable {
  /// Operators that the library has, by full name or by the part before the first dot.
  static let direct: [String: Operation] = [
    arithmetic, pointwise, reductions, scansAndSorts, layout, indexing, products, convolutions,
    normalizations,
    attentions, losses,
  ]
  .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  /// The code for a case, and whether it combines several operators of the library.
  static func operation(for item: ConformanceCase) -> (run: Operation, isComposed: Bool)? {
    for key in [item.name, item.family] {
      if let found = direct[key] { return (found, false) }
      if let found = composed[key] { return (found, true) }
    }
    return nil
  }

  /// An operator of one input and one output.
  static func unary(_ body: @escaping @Sendable (Tensor) -> Tensor) -> Operation { { _, x in [body(x[0])] } }

  /// An operator of two inputs and one output.
  static func binary(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> Operation {
    { _, x in [body(x[0], x[1])] }
  }

  /// An operator of one input and one axis.
  static func alongAxis(_ body: @escaping @Sendable (Tensor, Int) -> Tensor) -> Operation {
    { item, x in [body(x[0], try item.axis())] }
  }

  /// An operator that reduces some axes.
  static func reducing(_ body: @escaping @Sendable (Tensor, _ axes: [Int]?, _ keepDims: Bool) -> Tensor)
    -> Operation
  {
    { item, x in [body(x[0], item.axes(of: x[0].shape), item.keepsDimensions)] }
  }
}
