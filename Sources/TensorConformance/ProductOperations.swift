import Checkpoint
import Tensor

extension OperationTable {
  static let products: [String: Operation] = [
    "matmul.heads": binary { $0.matmul($1.transposed()) },
    "matmul": binary { $0.matmul($1) },
    "linear": { _, x in [linear(x[0], weight: x[1], bias: x.count > 2 ? x[2] : nil)] },
    "outer": binary { $0.outer($1) },
    "einsum": { item, x in
      guard let equation = item.attributes["equation"]?.text else { throw ConformanceError("no `equation`") }
      return [einsum(equation, x)]
    },
    "tensordot": { item, x in
      if case .array(let sides)? = item.attributes["dims"], sides.count == 2, let a = sides[0].integers,
        let b = sides[1].integers
      {
        return [tensordot(x[0], x[1], axes: (a, b))]
      }
      return [tensordot(x[0], x[1], axes: try item.integer("dims", default: 2))]
    },
  ]
}
