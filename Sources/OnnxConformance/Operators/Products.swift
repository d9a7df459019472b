import Tensor

extension OperatorTable {
  static let products: [String: OnnxOperator] = [
    "MatMul": { call in [try call.tensor().matmul(validating: try call.tensor(1))] },
    "Gemm": { call in
      func operand(_ index: Int, _ key: String) throws -> Tensor {
        try call.flag(key) ? call.tensor(index).transposed() : call.tensor(index)
      }
      var product = try operand(0, "transA").matmul(validating: operand(1, "transB"))
      let (alpha, beta) = (try call.real("alpha", default: 1), try call.real("beta", default: 1))
      if alpha != 1 { product = product * alpha }
      guard let addend = call.optional(2) else { return [product] }
      return [product + (beta == 1 ? addend : addend * beta)]
    },
    "Einsum": { call in [try einsum(validating: try call.text("equation"), try call.tensors())] },
    "Det": one { $0.det() },
  ]
}
