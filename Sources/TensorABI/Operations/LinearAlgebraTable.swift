import Tensor

extension OperationTable {
  /// Matrices in the last two axes.
  static let linearAlgebra: [String: Operation] = [
    "matmul": binary({ $0.matmul($1) }, { $0.matmul($1) }),
    "vecdot": real {
      vecdot(try $0.real(0), try $0.real(1), axis: try $0.attributes.integer(ifAny: "axis") ?? -1)
    },
    "outer": binary({ $0.outer($1) }, { $0.expandedDimensions(axis: -1) * $1.expandedDimensions(axis: 0) }),
    "tensordot": real { call in
      if let count = try call.attributes.integer(ifAny: "count") {
        return tensordot(try call.real(0), try call.real(1), axes: count)
      }
      return tensordot(
        try call.real(0), try call.real(1),
        axes: (try call.attributes.integers("first"), try call.attributes.integers("second")))
    },
    "cross": real {
      cross(try $0.real(0), try $0.real(1), axis: try $0.attributes.integer(ifAny: "axis") ?? -1)
    },
    "kron": binary { kron($0, $1) },
    "cholesky": one { call in
      let upper = try call.attributes.flag("upper")
      switch try call.value() {
      case .real(let x): return .real(try x.cholesky(upper: upper))
      case .complex(let z): return .complex(try z.cholesky(upper: upper, call.name))
      }
    },
    "det": one { call in
      switch try call.value() {
      case .real(let x): return .real(x.det())
      case .complex(let z):
        let (signs, logarithms) = try z.signsAndLogarithms(call.name)
        return .complex(signs * logarithms.exp())
      }
    },
    "slogdet": { call in
      switch try call.value() {
      case .real(let x):
        let (sign, logarithm) = x.slogdet()
        return [.real(sign), .real(logarithm)]
      case .complex(let z):
        let (signs, logarithms) = try z.signsAndLogarithms(call.name)
        return [.complex(signs), .real(logarithms)]
      }
    },
    "eigh": { call in
      switch try call.value() {
      case .real(let x):
        let (values, vectors) = try x.eigh()
        return [.real(values), .real(vectors)]
      case .complex(let z):
        let (values, vectors) = try z.eigh(vectors: true, call.name)
        return [.real(values), .complex(vectors)]
      }
    },
    "eigvalsh": real { call in
      switch try call.value() {
      case .real(let x): try x.eigvalsh()
      case .complex(let z): try z.eigh(vectors: false, call.name).values
      }
    },
    "eig": { call in
      let (values, vectors) = try call.real().eig()
      return [.complex(values), .complex(vectors)]
    },
    "eigvals": complex { try $0.real().eigvals() },
    "inv": one { call in
      switch try call.value() {
      case .real(let x): .real(try x.inverse())
      case .complex(let z): .complex(try z.inverse(call.name))
      }
    },
    "solve": one { call in
      if !call.isComplex { return .real(try call.real(0).solve(try call.real(1))) }
      return .complex(try call.value(0).asComplex.solve(try call.value(1).asComplex, call.name))
    },
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
      let complete = try call.attributes.flag("complete")
      switch try call.value() {
      case .real(let x):
        let (q, r) = x.qr(complete ? .complete : .reduced)
        return [.real(q), .real(r)]
      case .complex(let z):
        let (q, r) = try z.qr(complete: complete, call.name)
        return [.complex(q), .complex(r)]
      }
    },
    "svd": { call in
      let full = try call.attributes.flag("full")
      switch try call.value() {
      case .real(let x):
        let (u, s, vh) = try x.svd(fullMatrices: full)
        return [.real(u), .real(s), .real(vh)]
      case .complex(let z):
        let (u, s, vh) = try z.svd(full: full, call.name)
        return [.complex(u!), .real(s), .complex(vh!)]
      }
    },
    "svdvals": real { call in
      switch try call.value() {
      case .real(let x): try x.svdvals()
      case .complex(let z): try z.svd(full: false, vectors: false, call.name).s
      }
    },
    "trace": { call in
      let offset = try call.attributes.integer(ifAny: "offset") ?? 0
      return [try call.value().moved { $0.trace(offset: offset) }]
    },
  ]
}
