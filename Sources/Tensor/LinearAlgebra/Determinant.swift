#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

extension Tensor {
  /// The determinants of square matrices: `[..., n, n]` to `[...]`. A singular matrix has determinant 0.
  ///
  /// The gradient is the cofactor matrix, which exists for singular matrices too.
  /// - Precondition: square float32 or float64 matrices.
  public func det() -> Tensor {
    let n = squareSize("det")
    let factored = LUFactors(self, "det")
    let parts = factored.signsAndLogarithms()
    // Digits of the product of the pivots, not of the exponential of its logarithm.
    let result = Tensor(factored.products(), shape: batchShape).to(dtype)
    let a = self
    return recorded("det", from: self, result, keepingOutput: true) { gradient, output in
      let isSingular = parts.logarithms.contains { $0 == -.infinity }
      if isSingular { return gradient.reshaped(gradient.shape + [1, 1]) * a.cofactors() }
      // A̅ = d̅ det(A) A⁻ᵀ (Giles 2008, section 2.2.4).
      let inverse = factored.solve(a, Tensor.eye(n, dtype: a.dtype), transposed: true)
      return (gradient * output!).reshaped(gradient.shape + [1, 1]) * inverse
    }
  }

  /// Sign and natural logarithm of the absolute value of the determinants, which neither overflow nor
  /// underflow.
  ///
  /// `det = sign * logabsdet.exp()`; a singular matrix gives sign 0 and −infinity. The sign is a constant.
  /// - Returns: two tensors of the shape of the leading axes.
  /// - Precondition: square float32 or float64 matrices.
  public func slogdet() -> (sign: Tensor, logabsdet: Tensor) {
    let n = squareSize("slogdet")
    let factored = LUFactors(self, "slogdet")
    let parts = factored.signsAndLogarithms()
    let a = self
    let logarithm = recorded(
      "slogdet", from: self, Tensor(parts.logarithms, shape: batchShape).to(dtype)
    ) { gradient, _ in
      let inverse = factored.solve(a, Tensor.eye(n, dtype: a.dtype), transposed: true)
      return gradient.reshaped(gradient.shape + [1, 1]) * inverse
    }
    return (Tensor(parts.signs, shape: batchShape).to(dtype), logarithm)
  }

  /// The matrices of cofactors, `det(A) A⁻ᵀ` where `A` is regular, from singular values: with `A = U S Vᵀ`
  /// they are `det(U) det(V) U diag(∏_{j≠i} sⱼ) Vᵀ`. NaN for matrices without singular values.
  private func cofactors() -> Tensor {
    let n = shape[rank - 1]
    guard let (u, s, vh) = try? svd() else { return self * .nan }
    let others = Tensor.select(
      Tensor.eye(n, dtype: dtype) .== 1, Tensor.ones([], dtype: dtype), s.expandedDimensions(axis: -2))
    // Factor by factor, because the derivative of a product with a zero in it must not divide by it.
    var product = Tensor.ones(batchShape + [n], dtype: dtype)
    for i in 0..<n { product *= others.slice(axis: -1, i..<i + 1).squeezed(axis: -1) }
    let orientation = (u.detached().det() * vh.detached().det()).sign()
    return (u * product.expandedDimensions(axis: -2)).matmul(vh)
      * orientation.reshaped(orientation.shape + [1, 1])
  }
}

extension LUFactors {
  /// For every matrix: the diagonal of U, and whether an odd number of rows was exchanged.
  private func forEachDiagonal(_ body: (_ matrix: Int, _ isOdd: Bool, _ diagonal: [Double]) -> Void) {
    let diagonals = factors.diagonal().array(of: Double.self)
    for matrix in 0..<factors.batchShape.reduce(1, *) {
      let exchanges = (0..<size).filter { Int(pivots[matrix * size + $0]) != $0 + 1 }.count
      body(matrix, exchanges % 2 == 1, Array(diagonals[matrix * size..<(matrix + 1) * size]))
    }
  }

  /// The determinants.
  fileprivate func products() -> [Double] {
    var result = [Double](repeating: 1, count: factors.batchShape.reduce(1, *))
    forEachDiagonal { matrix, isOdd, diagonal in
      result[matrix] = diagonal.reduce(isOdd ? -1 : 1, *)
    }
    return result
  }

  /// Signs and logarithms of the absolute values of the determinants.
  fileprivate func signsAndLogarithms() -> (signs: [Double], logarithms: [Double]) {
    var signs = [Double](repeating: 1, count: factors.batchShape.reduce(1, *))
    var logarithms = [Double](repeating: 0, count: signs.count)
    forEachDiagonal { matrix, isOdd, diagonal in
      var sign: Double = isOdd ? -1 : 1
      for value in diagonal {
        sign *= value == 0 ? 0 : value.isNaN ? .nan : value < 0 ? -1 : 1
        logarithms[matrix] += log(Swift.abs(value))
      }
      signs[matrix] = sign
    }
    return (signs, logarithms)
  }
}
