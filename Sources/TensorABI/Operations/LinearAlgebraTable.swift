import Tensor

extension OperationTable {
  /// Matrices in the last two axes.
  static let linearAlgebra: [String: Operation] = [
    "matmul": binary({ $0.matmul($1) }, { $0.matmul($1) }),
    "vecdot": real { vecdot(try $0.real(0), try $0.real(1), axis: try $0.attributes.integer(ifAny: "axis") ?? -1) },
    "outer": binary({ $0.outer($1) }, { $0.expandedDimensions(axis: -1) * $1.expandedDimensions(axis: 0) }),
    "tensordot": real { call in
      if let count = try call.attributes.integer(ifAny: "count") {
        return tensordot(try call.real(0), try call.real(1), axes: count)
      }
      return tensordot(
        try call.real(0), try call.real(1),
        axes: (try call.attributes.integers("first"), try call.attributes.integers("second")))
    },
    "cross": real { cross(try $0.real(0), try $0.real(1), axis: try $0.attributes.integer(ifAny: "axis") ?? -1) },
    "kron": binary { kron($0, $1) },
    "cholesky": real { try $0.real().cholesky(upper: try $0.attributes.flag("upper")) },
    "det": real { try $0.real().det() },
    "slogdet": { call in
      let (sign, logarithm) = try call.real().slogdet()
      return [.real(sign), .real(logarithm)]
    },
    "eigh": { call in
      let (values, vectors) = try call.real().eigh()
      return [.real(values), .real(vectors)]
    },
    "eigvalsh": real { try $0.real().eigvalsh() },
    "eig": { call in
      let (values, vectors) = try call.real().eig()
      return [.complex(values), .complex(vectors)]
    },
    "eigvals": complex { try $0.real().eigvals() },
    "inv": real { try $0.real().inverse() },
    "solve": real { try $0.real(0).solve(try $0.real(1)) },
    "lstsq": real { try $0.real(0).lstsq(try $0.real(1)).solution },
    "matrix_norm": real { call in
      let norm: MatrixNorm? =
        switch call.attributes.word("ord") ?? "fro" {
        case "fro": .frobenius
        case "nuc": .nuclear
        case "2": .spectral
        case "1": .one
        case "inf": .infinity
        default: nil
        }
      guard let norm else { throw call.fail("ord: expected fro, nuc, 2, 1 or inf") }
      return try call.real().matrixNorm(norm)
    },
    "matrix_power": real { try $0.real().matrixPower(try $0.attributes.integer("n")) },
    "matrix_rank": real {
      try $0.real().matrixRank(relativeTolerance: try $0.attributes.number(ifAny: "rtol"))
    },
    "pinv": real { try $0.real().pinv(relativeTolerance: try $0.attributes.number(ifAny: "rtol")) },
    "qr": { call in
      let (q, r) = try call.real().qr(try call.attributes.flag("complete") ? .complete : .reduced)
      return [.real(q), .real(r)]
    },
    "svd": { call in
      let (u, s, vh) = try call.real().svd(fullMatrices: try call.attributes.flag("full"))
      return [.real(u), .real(s), .real(vh)]
    },
    "svdvals": real { try $0.real().svdvals() },
    "trace": { call in
      let offset = try call.attributes.integer(ifAny: "offset") ?? 0
      return [try call.value().moved { $0.trace(offset: offset) }]
    },
  ]
}
