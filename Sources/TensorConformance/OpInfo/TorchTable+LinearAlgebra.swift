import Tensor

/// Factors are unique up to signs: what they make is compared in their stead (scripts/opinfo does the same).
extension TorchTable {
  static let factorizations: [String: TorchOperation] = [
    "linalg.svd": { call in
      let found = try call.tensor().svd(fullMatrices: try call.flag(1, "full_matrices", default: true))
      return product(found.u, found.s, found.vh)
    },
    "svd": { call in
      if !(try call.flag(2, "compute_uv", default: true)) {
        throw TorchCallError.noCounterpart("`compute_uv`")
      }
      let found = try call.tensor().svd(fullMatrices: !(try call.flag(1, "some", default: true)))
      return product(found.u, found.s, found.vh)
    },
    "linalg.svdvals": { call in [try call.tensor().svdvals()] },
    "linalg.eigh": { call in
      let found = try lowerHalf(call).eigh()
      let vectors = found.eigenvectors
      return [
        found.eigenvalues,
        (vectors * found.eigenvalues.expandedDimensions(axis: -2)).matmul(vectors.transposed()),
      ]
    },
    "linalg.eigvalsh": { call in
      return [try lowerHalf(call).eigvalsh()]
    },
    "linalg.qr": { call in
      let mode = try call.text(1, "mode", default: "reduced")
      guard mode != "r" else {
        let r = try call.tensor().qr().r
        return [r.transposed().matmul(r)]
      }
      let found = try call.tensor().qr(mode == "complete" ? .complete : .reduced)
      return [
        found.q.count == 0 ? found.r.transposed().matmul(found.r) : found.q.matmul(found.r)
      ]
    },
    "qr": { call in
      let found = try call.tensor().qr(try call.flag(1, "some", default: true) ? .reduced : .complete)
      return [found.q.matmul(found.r)]
    },
    "linalg.cholesky": { call in [try call.tensor().cholesky(upper: try call.flag(1, "upper"))] },
    "linalg.cholesky_ex": { call in [try call.tensor().cholesky(upper: try call.flag(1, "upper"))] },
    "cholesky": { call in [try call.tensor().cholesky(upper: try call.flag(1, "upper"))] },
    "cholesky_solve": { call in
      [try call.tensor(1, "L").choleskySolve(try call.tensor(), upper: try call.flag(2, "upper"))]
    },
    "linalg.lu": { call in
      guard try call.flag(1, "pivot", default: true) else { throw TorchCallError.noCounterpart("`pivot`") }
      let found = try call.tensor().lu()
      return [found.p, found.l, found.u]
    },
    "linalg.solve": { call in [try solved(call)] }, "linalg.solve_ex": { call in [try solved(call)] },
    "linalg.solve_triangular": { call in
      [
        try call.tensor().triangularSolve(
          try call.tensor(1, "B"), upper: try call.flag(2, "upper"),
          left: try call.flag(3, "left", default: true),
          unitDiagonal: try call.flag(4, "unitriangular"))
      ]
    },
    "linalg.lstsq": { call in
      [
        try call.tensor().lstsq(try call.tensor(1, "B"), relativeTolerance: try call.optionalReal(2, "rcond"))
          .solution
      ]
    },
  ]

  static let matrixNumbers: [String: TorchOperation] = [
    "linalg.det": one { $0.det() },
    "linalg.slogdet": { call in
      let found = try call.tensor().slogdet()
      return [found.sign, found.logabsdet]
    },
    "logdet": { call in
      let found = try call.tensor().slogdet()
      return [Tensor.select(found.sign .< 0, Double.nan, found.logabsdet)]
    },
    "linalg.inv": { call in [try call.tensor().inverse()] },
    "linalg.inv_ex": { call in [try call.tensor().inverse()] },
    "linalg.pinv": { call in
      if call.keywords["atol"] != nil { throw TorchCallError.noCounterpart("`atol`") }
      return [try call.tensor().pinv(relativeTolerance: try tolerance(call, 1, "rtol"))]
    },
    "linalg.pinv.singular": { call in
      [try call.tensor().matmul(try call.tensor(1, "b").transposed()).pinv()]
    },
    "pinverse": { call in [try call.tensor().pinv(relativeTolerance: try call.optionalReal(1, "rcond"))] },
    "linalg.matrix_rank": { call in
      if try call.flag(2, "hermitian") { throw TorchCallError.noCounterpart("`hermitian`") }
      let absolute = try tolerance(call, 1, "tol") ?? tolerance(call, 9, "atol")
      return [
        try call.tensor().matrixRank(
          absoluteTolerance: absolute ?? 0,
          relativeTolerance: try tolerance(call, 9, "rtol") ?? (absolute.map { $0 > 0 ? 0 : nil } ?? nil))
      ]
    },
    "linalg.cond": { call in
      switch call[1, "p"] {
      case nil: return [try call.tensor().cond()]
      case .text("fro")?: return [try call.tensor().cond(.frobenius)]
      case .text("nuc")?: return [try call.tensor().cond(.nuclear)]
      default:
        return [try call.tensor().cond(try matrixNorm(order: try call.real(1, "p")))]
      }
    },
    "linalg.matrix_norm": { call in
      let x = try call.tensor().converted(try call.type(4))
      let axes = try call.axes(2) ?? [-2, -1]
      return [try matrixNorm(x, try matrixNorm(call), axes, try call.flag(3, "keepdim"))]
    },
    "linalg.norm": { call in
      let x = try call.tensor().converted(try call.type(4))
      let (axes, keeps) = (try call.axes(2), try call.flag(3, "keepdim"))
      if call[1, "ord"] == nil { return [x.norm(2, axes: axes, keepDims: keeps)] }
      if (axes?.count ?? x.rank) == 2 {
        return [try matrixNorm(x, try matrixNorm(call), axes ?? [-2, -1], keeps)]
      }
      guard (axes?.count ?? x.rank) <= 1, case .number(let order) = try order(call, 1, "ord") else {
        throw TorchCallError.unwritable("a norm of a matrix for \(x.shape)")
      }
      return [x.norm(order, axes: axes, keepDims: keeps)]
    },
  ]

  private static func product(_ u: Tensor, _ s: Tensor, _ vh: Tensor) -> [Tensor] {
    let (columns, axis) = (u.rank - 1, vh.rank - 2)
    let (left, right) = (
      u.slice(axis: columns, 0..<s.shape[s.rank - 1]), vh.slice(axis: axis, 0..<s.shape[s.rank - 1])
    )
    return [s, (left * s.expandedDimensions(axis: -2)).matmul(right)]
  }

  /// The matrix whose lower triangle holds the elements that are to be read.
  private static func lowerHalf(_ call: TorchCall) throws -> Tensor {
    let x = try call.tensor()
    switch try call.text(1, "UPLO", default: "L") {
    case "L": return x
    case "U": return x.transposed()
    case let other: throw TorchCallError.unwritable("a triangle `\(other)`")
    }
  }

  /// A tolerance, also where it stands in a tensor without axes.
  private static func tolerance(_ call: TorchCall, _ position: Int, _ name: String) throws -> Double? {
    guard case .tensor(let number)? = call[position, name] else {
      return try call.optionalReal(position, name)
    }
    guard number.rank == 0 else { throw TorchCallError.noCounterpart("a tolerance for each matrix") }
    return number.item()
  }

  private static func solved(_ call: TorchCall) throws -> Tensor {
    let (a, b) = (try call.tensor(), try call.tensor(1, "B"))
    if try call.flag(2, "left", default: true) { return try a.solve(b) }
    return try a.transposed().solve(b.transposed()).transposed()
  }

  private static func matrixNorm(_ call: TorchCall) throws -> MatrixNorm {
    switch try order(call, 1, "ord") {
    case .frobenius: .frobenius
    case .nuclear: .nuclear
    case .number(let order): try matrixNorm(order: order)
    }
  }

  private static func matrixNorm(order: Double) throws -> MatrixNorm {
    switch order {
    case 1: .one
    case 2: .spectral
    case .infinity: .infinity
    default: throw TorchCallError.noCounterpart("a matrix norm of order \(order)")
    }
  }

  /// A norm of the matrices along two axes.
  static func matrixNorm(_ x: Tensor, _ norm: MatrixNorm, _ axes: [Int], _ keeps: Bool) throws -> Tensor {
    let places = axes.map { $0 < 0 ? $0 + x.rank : $0 }
    guard places.count == 2, places[0] != places[1], places.allSatisfy(x.shape.indices.contains) else {
      throw TorchCallError.unwritable("matrices along axes \(axes) of \(x.shape)")
    }
    let rest = x.shape.indices.filter { !places.contains($0) }
    let found = try x.permuted(rest + places).matrixNorm(norm)
    return keeps ? places.sorted().reduce(found) { $0.expandedDimensions(axis: $1) } : found
  }
}
