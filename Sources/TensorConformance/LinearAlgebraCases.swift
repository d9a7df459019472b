import Tensor
import TestSupport

/// The operations of `linalg.h5`, and in which form their results are compared.
struct LinearAlgebraCase {
  typealias Operation = @Sendable ([Tensor]) throws -> [Tensor]
  /// Results in a form that does not depend on free choices such as signs.
  typealias Form = @Sendable ([Tensor]) -> [(name: String, value: Tensor)]

  let run: Operation
  let form: Form
  /// What multiplies back to the first input, for decompositions.
  let product: (@Sendable ([Tensor]) -> Tensor)?

  private init(
    _ run: @escaping Operation, form: @escaping Form = { named($0) },
    product: (@Sendable ([Tensor]) -> Tensor)? = nil
  ) {
    self.run = run
    self.form = form
    self.product = product
  }

  /// The operation a case is named after: `solve_batch` is a case of `solve`, `svdvals_big` one of `svdvals`.
  static func named(_ name: String) -> LinearAlgebraCase? {
    let matches = table.keys.filter { key in
      guard name.hasPrefix(key) else { return false }
      return name.dropFirst(key.count).first.map { $0 == "_" || $0.isNumber } ?? true
    }
    return matches.max { $0.count < $1.count }.flatMap { table[$0] }
  }

  private static let table: [String: LinearAlgebraCase] = [
    "svd": LinearAlgebraCase(
      { x in
        let (u, s, vh) = try x[0].svd()
        return [u, s, vh]
      }, form: singularVectors,
      product: { ($0[0] * $0[1].expandedDimensions(axis: -2)).matmul($0[2]) }),
    "svdvals": LinearAlgebraCase { [try $0[0].svdvals()] },
    "qr": LinearAlgebraCase(
      { x in
        let (q, r) = x[0].qr()
        return [q, r]
      }, form: { [("|Q|", $0[0].abs()), ("|R|", $0[1].abs())] }, product: { $0[0].matmul($0[1]) }),
    "eigh": LinearAlgebraCase(
      { x in
        let (w, v) = try x[0].eigh()
        return [w, v]
      }, form: { [("values", $0[0]), ("|V|", $0[1].abs())] },
      product: { ($0[1] * $0[0].expandedDimensions(axis: -2)).matmul($0[1].transposed()) }),
    "eigvalsh": LinearAlgebraCase { [try $0[0].eigvalsh()] },
    "cholesky": LinearAlgebraCase({ [try $0[0].cholesky()] }, product: { $0[0].matmul($0[0].transposed()) }),
    "cholesky_solve": LinearAlgebraCase { [try $0[1].cholesky().choleskySolve($0[0])] },
    "solve": LinearAlgebraCase { [try $0[0].solve($0[1])] },
    "solve_triangular": LinearAlgebraCase { [try $0[0].triangularSolve($0[1])] },
    "solve_triangular_upper": LinearAlgebraCase { [try $0[0].triangularSolve($0[1], upper: true)] },
    "lstsq": LinearAlgebraCase { [try $0[0].lstsq($0[1]).solution] },
    "inv": LinearAlgebraCase { [try $0[0].inverse()] },
    "det": LinearAlgebraCase { [$0[0].det()] },
    "slogdet": LinearAlgebraCase { x in
      let (sign, logarithm) = x[0].slogdet()
      return [sign, logarithm]
    },
    "pinv": LinearAlgebraCase { [try $0[0].pinv()] },
    // The stored ranks count singular values above 1e-4.
    "matrix_rank": LinearAlgebraCase { [try $0[0].matrixRank(absoluteTolerance: 1e-4)] },
    "lu": LinearAlgebraCase(
      { x in
        let (p, l, u) = x[0].lu()
        return [p, l, u]
      }, product: { $0[0].matmul($0[1]).matmul($0[2]) }),
    // Gradients of functions of the symmetric part.
    "grad_cholesky": LinearAlgebraCase { [try symmetricPart($0[0]).cholesky()] },
    "grad_eigvalsh": LinearAlgebraCase { [try symmetricPart($0[0]).eigvalsh()] },
    "grad_svdvals": LinearAlgebraCase { [try $0[0].svdvals()] },
    "grad_inv": LinearAlgebraCase { [try $0[0].inverse()] },
    "grad_solve": LinearAlgebraCase { [try $0[0].solve($0[1])] },
  ]

  private static func named(_ outputs: [Tensor]) -> [(name: String, value: Tensor)] {
    outputs.enumerated().map { (outputs.count == 1 ? "values" : "out\($0.offset)", $0.element) }
  }

  private static func symmetricPart(_ x: Tensor) -> Tensor { (x + x.transposed()) / 2 }

  /// Absolute values of the singular vectors, without those of singular values that are zero but for
  /// rounding: these span a space in which every basis is as good.
  private static func singularVectors(_ outputs: [Tensor]) -> [(name: String, value: Tensor)] {
    let (u, s, vh) = (outputs[0].abs(), outputs[1], outputs[2].abs())
    let isDetermined = (s .> 1e-4 * s.max(axes: [-1], keepDims: true)).to(s.dtype)
    return [
      ("S", s), ("|U|", u * isDetermined.expandedDimensions(axis: -2)),
      ("|Vh|", vh * isDetermined.expandedDimensions(axis: -1)),
    ]
  }
}
