import CTensorABI
import Testing

extension ABITests {
  /// Decompositions of complex matrices, put together again.
  @Suite struct ComplexMatrixTests {
    private func matrices(_ shape: [Int64]) throws -> ABITensor {
      let count = Int(shape.reduce(2, *))
      // No pattern that makes a matrix singular.
      let numbers = (0..<count).map { (index: Int) -> Double in
        let remainder = (index * index * 37 + index * 11 + 5) % 101
        return Double(remainder) / 50 - 1
      }
      return try ABITensor(numbers, TENSOR_COMPLEX128, shape: shape)
    }

    private func adjoint(_ x: ABITensor) throws -> ABITensor {
      try call("conj", [call("matrix_transpose", [x])[0]])[0]
    }

    private func product(_ a: ABITensor, _ b: ABITensor) throws -> ABITensor {
      try call("matmul", [a, b])[0]
    }

    private func isNear(_ a: ABITensor, _ b: ABITensor) throws -> Bool {
      guard try a.shape == b.shape else { return false }
      let difference = try call("abs", [call("subtract", [a, b])[0]])[0]
      return try difference.elements(Int(a.shape.reduce(1, *)), 0.0).allSatisfy { $0 < 1e-12 }
    }

    private func identity(_ count: Int64, _ size: Int64) throws -> ABITensor {
      let one = try call("eye", [], "rows=\(size);columns=\(size);dtype=float64")[0]
      let wide = try call("broadcast_to", [one], "shape=\(count),\(size),\(size)")[0]
      return try call("astype", [wide], "dtype=complex128")[0]
    }

    @Test(arguments: [[2, 3, 3], [2, 4, 3], [2, 3, 4]] as [[Int64]], [false, true])
    func factors(shape: [Int64], isFull: Bool) throws {
      let x = try matrices(shape)
      let (m, n) = (shape[1], shape[2])
      let qr = try call("qr", [x], "complete=\(isFull ? 1 : 0)")
      #expect(try isNear(product(qr[0], qr[1]), x))
      let width = isFull ? m : min(m, n)
      #expect(try isNear(product(adjoint(qr[0]), qr[0]), identity(2, width)))

      let svd = try call("svd", [x], "full=\(isFull ? 1 : 0)")
      let k = min(m, n)
      let left = try call("index", [svd[0]], "at=e s,\(k),")[0]
      let right = try call("index", [svd[2]], "at=e s,\(k), s,,")[0]
      let scaled = try call("multiply", [left, call("expand_dims", [svd[1]], "axis=1")[0]])[0]
      #expect(try isNear(product(scaled, right), x))
      #expect(try isNear(product(adjoint(svd[0]), svd[0]), identity(2, isFull ? m : k)))
      let values = try call("svdvals", [x])[0]
      #expect(
        try zip(values.elements(Int(2 * k), 0.0), svd[1].elements(Int(2 * k), 0.0)).allSatisfy {
          abs($0 - $1) < 1e-12
        })
    }

    @Test func squareMatrices() throws {
      let x = try matrices([2, 3, 3])
      #expect(try isNear(product(call("inv", [x])[0], x), identity(2, 3)))
      let b = try matrices([2, 3, 2])
      #expect(try isNear(product(x, call("solve", [x, b])[0]), b))

      let hermitian = try product(adjoint(x), x)
      let factor = try call("cholesky", [hermitian])[0]
      #expect(try isNear(product(factor, adjoint(factor)), hermitian))
      let eigh = try call("eigh", [hermitian])
      let scaled = try call("multiply", [eigh[1], call("expand_dims", [eigh[0]], "axis=1")[0]])[0]
      #expect(try isNear(product(scaled, adjoint(eigh[1])), hermitian))

      // (1 + i)(2 − i) − 3i · 2 = 3 − 5i.
      let small = try ABITensor([1, 1, 0, 3, 2, 0, 2, -1] as [Double], TENSOR_COMPLEX128, shape: [2, 2])
      let determinant = try call("det", [small])[0].elements(2, 0.0)
      #expect(abs(determinant[0] - 3) < 1e-12 && abs(determinant[1] + 5) < 1e-12)
      let single = try call("astype", [small], "dtype=complex64")[0]
      #expect(try call("inv", [single])[0].type == TENSOR_COMPLEX64)
      #expect(try call("slogdet", [single])[1].type == TENSOR_FLOAT32)
    }

    @Test func noElementsAndMistakes() throws {
      let none = try matrices([0, 0])
      #expect(
        try call("det", [none])[0].elements(2, 0.0) == [1, 0] && call("inv", [none])[0].shape == [0, 0])
      #expect(try call("svd", [matrices([2, 0])], "full=1")[0].shape == [2, 2])
      let zeros = try ABITensor([Double](repeating: 0, count: 8), TENSOR_COMPLEX128, shape: [2, 2])
      #expect(sentence { _ = try call("inv", [zeros]) } == "[inv] the matrix is singular: pivot 0 is zero")
      #expect(sentence { _ = try call("cholesky", [zeros]) }.contains("not positive definite"))
      #expect(try call("det", [zeros])[0].elements(2, 1.0) == [0, 0])
      let infinite = try ABITensor([.infinity, 0] as [Double], TENSOR_COMPLEX128, shape: [1, 1])
      #expect(sentence { _ = try call("svd", [infinite]) }.contains("not finite"))
      #expect(sentence { _ = try call("inv", [matrices([2, 3])]) }.contains("needs square matrices"))
      #expect(sentence { _ = try call("qr", [matrices([3])]) }.contains("needs matrices"))
    }
  }
}
