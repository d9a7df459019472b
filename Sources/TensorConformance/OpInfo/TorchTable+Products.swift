import Tensor

extension TorchTable {
  static let products: [String: TorchOperation] = [
    "matmul": two { $0.matmul($1) }, "mm": two { $0.matmul($1) }, "bmm": two { $0.matmul($1) },
    "mv": two { $0.matmul($1) }, "dot": two { $0.matmul($1) }, "vdot": two { $0.matmul($1) },
    "inner": two { $0.rank == 0 || $1.rank == 0 ? $0 * $1 : tensordot($0, $1, axes: (a: [-1], b: [-1])) },
    "outer": two { $0.outer($1) },
    "addmm": adding { $0.matmul($1) }, "addmv": adding { $0.matmul($1) },
    "addbmm": adding { $0.matmul($1).sum(axis: 0).to($0.dtype) }, "baddbmm": adding { $0.matmul($1) },
    "addr": adding { $0.outer($1) },
    "einsum": { call in
      guard case .text(let equation)? = call[1, "equation"] else {
        throw TorchCallError.unwritable("no equation")
      }
      return [einsum(equation, try call.tensors())]
    },
    "tensordot": { call in
      let (a, b) = (try call.tensor(), try call.tensor(1, "other"))
      if case .list(let sides)? = call[2, "dims"] {
        guard sides.count == 2, let left = sides[0].integers, let right = sides[1].integers else {
          throw TorchCallError.unwritable("axes \(sides)")
        }
        return [tensordot(a, b, axes: (a: left, b: right))]
      }
      return [tensordot(a, b, axes: try call.integer(2, "dims", default: 2))]
    },
    "linalg.multi_dot": { call in
      let factors = try call.tensors()
      guard let first = factors.first else { throw TorchCallError.unwritable("a product of nothing") }
      return [factors.dropFirst().reduce(first) { $0.matmul($1) }]
    },
    "nn.functional.linear": { call in
      [
        linear(
          try call.tensor(), weight: try call.tensor(1, "weight"), bias: try call.optionalTensor(2, "bias"))
      ]
    },
  ]

  /// `beta` times a tensor and `alpha` times a product; with a `beta` of 0 the tensor is not read.
  private static func adding(_ product: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> TorchOperation {
    { call in
      let found = try scaled(
        product(try call.tensor(1, "mat1"), try call.tensor(2, "mat2")), call[4, "alpha"])
      let term = try call.tensor()
      if let beta = call[3, "beta"]?.number, beta.asDouble == 0 { return [found] }
      return [try scaled(term, call[3, "beta"]) + found]
    }
  }
}
