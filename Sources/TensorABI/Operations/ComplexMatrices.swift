import CMIALAPACKE
import Tensor

/// Complex matrices in the last two axes, as LAPACK has them: rows of pairs of doubles. `Tensor` has real
/// decompositions, with gradients; these have none, and are computed in double precision for both types.
struct ComplexMatrices {
  let operation: String
  let type: ComplexDType
  let batch: [Int]
  let rows: Int
  let columns: Int
  private(set) var elements: [Double]

  init(_ z: ComplexTensor, _ operation: String) throws {
    guard z.rank >= 2 else {
      throw TensorError(operation: operation, message: "needs matrices, found shape \(z.shape)")
    }
    (self.operation, type) = (operation, z.dtype)
    batch = Array(z.shape.dropLast(2))
    (rows, columns) = (z.shape[z.rank - 2], z.shape[z.rank - 1])
    guard Swift.max(rows, columns) < 1 << 30 else {
      throw TensorError(operation: operation, message: "matrices are too large for LAPACK")
    }
    elements = z.to(.complex128).viewAsReal().array(of: Double.self)
    BLAS.prepare()
  }

  init(square z: ComplexTensor, _ operation: String) throws {
    try self.init(z, operation)
    guard rows == columns else { throw fail("needs square matrices, found shape \(z.shape)") }
  }

  func fail(_ message: String) -> TensorError { TensorError(operation: operation, message: message) }

  private var size: Int { 2 * rows * columns }

  /// Calls `body` with every matrix, which it may overwrite, and its number.
  mutating func forEach(_ body: (Int, UnsafeMutablePointer<Double>) throws -> Void) rethrows {
    let size = size
    let count = size == 0 ? 0 : batch.reduce(1, *)
    try elements.withUnsafeMutableBufferPointer { buffer in
      for index in 0..<count { try body(index, buffer.baseAddress! + index * size) }
    }
  }

  /// What LAPACK says with its status, in words.
  func check(_ status: Int32, _ index: Int, _ meaning: (Int) -> String) throws {
    if status == 0 { return }
    let subject = batch.isEmpty ? "the matrix" : "matrix \(index) of the batch"
    // LAPACKE looks for NaN in every argument, and calls that one wrong.
    throw fail("\(subject) \(status < 0 ? "has an element that is not a number" : meaning(Int(status)))")
  }

  /// Decompositions that iterate have no result at infinities, and might not end.
  func requireFinite() throws {
    if !elements.allSatisfy(\.isFinite) { throw fail("a matrix has an element that is not finite") }
  }

  /// The matrices as they are now.
  var tensor: ComplexTensor { tensor(elements, batch + [rows, columns]) }

  /// Pairs of doubles as a tensor of this type.
  func tensor(_ elements: [Double], _ shape: [Int]) -> ComplexTensor {
    Tensor(elements, shape: shape + [2]).viewAsComplex().to(type)
  }

  /// Doubles as a tensor of the type of this one's parts.
  func real(_ elements: [Double], _ shape: [Int]) -> Tensor {
    Tensor(elements, shape: shape).to(type.partType)
  }

  /// Pairs of doubles for matrices of this many rows and columns, the identity where `isIdentity` says so.
  func space(_ rows: Int, _ columns: Int, isIdentity: Bool = false) -> [Double] {
    let count = batch.reduce(1, *)
    var space = [Double](repeating: 0, count: count * 2 * rows * columns)
    if isIdentity {
      for matrix in 0..<count {
        for i in 0..<Swift.min(rows, columns) { space[2 * (matrix * rows * columns + i * columns + i)] = 1 }
      }
    }
    return space
  }
}

extension ComplexTensor {
  /// The triangular factors of Hermitian positive definite matrices.
  func cholesky(upper: Bool, _ name: String) throws -> ComplexTensor {
    var a = try ComplexMatrices(square: self, name)
    let (n, checked) = (Int32(a.rows), a)
    let part = CChar(bitPattern: UInt8(ascii: upper ? "U" : "L"))
    try a.forEach { index, matrix in
      try checked.check(mia_zpotrf(part, n, matrix), index) {
        "is not positive definite: leading minor of order \($0)"
      }
    }
    return .parts(of: a.tensor) { upper ? $0.upperTriangle() : $0.lowerTriangle() }
  }

  /// The determinants: signs, which are numbers of magnitude one, and logarithms of magnitudes.
  func signsAndLogarithms(_ name: String) throws -> (signs: ComplexTensor, logarithms: Tensor) {
    var a = try ComplexMatrices(square: self, name)
    let (n, checked) = (a.rows, a)
    let count = a.batch.reduce(1, *)
    var signs = [Double](repeating: 0, count: 2 * count)
    var logarithms = [Double](repeating: 0, count: count)
    for index in 0..<count { signs[2 * index] = 1 }
    var pivots = [Int32](repeating: 0, count: n)
    try a.forEach { index, matrix in
      let status = mia_zgetrf(Int32(n), matrix, &pivots)
      if status < 0 { try checked.check(status, index) { _ in "" } }
      var (re, im) = (1.0, 0.0)
      for i in 0..<n {
        let (x, y) = (matrix[2 * (i * n + i)], matrix[2 * (i * n + i) + 1])
        let length = Tensor(x, dtype: .float64).hypot(Tensor(y, dtype: .float64)).item()
        let turn = Int(pivots[i]) == i + 1 ? 1.0 : -1.0
        let (a, b) = length == 0 ? (0, 0) : (turn * x / length, turn * y / length)
        (re, im) = (re * a - im * b, re * b + im * a)
        logarithms[index] += Tensor(length, dtype: .float64).log().item()
      }
      (signs[2 * index], signs[2 * index + 1]) = (re, im)
    }
    return (a.tensor(signs, a.batch), a.real(logarithms, a.batch))
  }

  /// The inverses.
  func inverse(_ name: String) throws -> ComplexTensor {
    var a = try ComplexMatrices(square: self, name)
    let (n, checked) = (Int32(a.rows), a)
    var pivots = [Int32](repeating: 0, count: a.rows)
    try a.forEach { index, matrix in
      try checked.check(mia_zgetrf(n, matrix, &pivots), index) { "is singular: pivot \($0 - 1) is zero" }
      try checked.check(mia_zgetri(n, matrix, pivots), index) { "is singular: pivot \($0 - 1) is zero" }
    }
    return a.tensor
  }

  /// The solutions of linear systems; leading axes are the same in both.
  func solve(_ b: ComplexTensor, _ name: String) throws -> ComplexTensor {
    let a = try ComplexMatrices(square: self, name)
    var right = try ComplexMatrices(b, name)
    guard a.batch == right.batch, a.rows == right.rows else {
      throw a.fail("matrices of shape \(shape) and right-hand sides of shape \(b.shape) do not agree")
    }
    let (n, checked) = (a.rows, a)
    var pivots = [Int32](repeating: 0, count: n)
    try right.forEach { index, columns in
      try a.elements.withUnsafeBufferPointer { elements in
        var matrix = Array(elements[index * 2 * n * n..<(index + 1) * 2 * n * n])
        try checked.check(mia_zgesv(Int32(n), Int32(b.shape[b.rank - 1]), &matrix, &pivots, columns), index) {
          "is singular: pivot \($0 - 1) is zero"
        }
      }
    }
    return right.tensor
  }

  /// Unitary and upper triangular factors.
  func qr(complete: Bool, _ name: String) throws -> (q: ComplexTensor, r: ComplexTensor) {
    var a = try ComplexMatrices(self, name)
    let (m, n, k) = (a.rows, a.columns, Swift.min(a.rows, a.columns))
    let width = complete ? m : k
    var (q, r) = (a.space(m, width, isIdentity: true), a.space(width, n))
    let checked = a
    try a.forEach { index, matrix in
      var tau = [Double](repeating: 0, count: 2 * k)
      try checked.check(mia_zgeqrf(Int32(m), Int32(n), matrix, &tau), index) { "gave status \($0)" }
      var vectors = [Double](repeating: 0, count: 2 * m * width)
      for row in 0..<m {
        for part in 0..<2 * k { vectors[2 * row * width + part] = matrix[2 * row * n + part] }
        if row < k {
          for part in 2 * row..<2 * n {
            r[2 * index * width * n + 2 * row * n + part] = matrix[2 * row * n + part]
          }
        }
      }
      try checked.check(mia_zungqr(Int32(m), Int32(width), Int32(k), &vectors, tau), index) {
        "gave status \($0)"
      }
      q.replaceSubrange(index * vectors.count..<(index + 1) * vectors.count, with: vectors)
    }
    return (a.tensor(q, a.batch + [m, width]), a.tensor(r, a.batch + [width, n]))
  }

  /// The singular value decompositions; without vectors both are nil.
  func svd(
    full: Bool, vectors: Bool = true, _ name: String
  ) throws -> (u: ComplexTensor?, s: Tensor, vh: ComplexTensor?) {
    var a = try ComplexMatrices(self, name)
    try a.requireFinite()
    let (m, n, k) = (a.rows, a.columns, Swift.min(a.rows, a.columns))
    let (left, right) = full ? (m, n) : (k, k)
    var s = [Double](repeating: 0, count: a.batch.reduce(1, *) * k)
    var (u, vh) = (a.space(m, left, isIdentity: true), a.space(right, n, isIdentity: true))
    let job = CChar(bitPattern: UInt8(ascii: !vectors ? "N" : full ? "A" : "S"))
    let checked = a
    try s.withUnsafeMutableBufferPointer { s in
      try u.withUnsafeMutableBufferPointer { u in
        try vh.withUnsafeMutableBufferPointer { vh in
          try a.forEach { index, matrix in
            try checked.check(
              mia_zgesdd(
                job, Int32(m), Int32(n), matrix, s.baseAddress! + index * k,
                u.baseAddress! + index * 2 * m * left,
                Int32(left), vh.baseAddress! + index * 2 * right * n), index
            ) { _ in "did not converge" }
          }
        }
      }
    }
    let values = a.real(s, a.batch + [k])
    if !vectors { return (nil, values, nil) }
    return (a.tensor(u, a.batch + [m, left]), values, a.tensor(vh, a.batch + [right, n]))
  }

  /// The eigenvalues and eigenvectors of Hermitian matrices, of which the lower triangles are read.
  func eigh(vectors: Bool, _ name: String) throws -> (values: Tensor, vectors: ComplexTensor) {
    var a = try ComplexMatrices(square: self, name)
    try a.requireFinite()
    let (n, checked) = (a.rows, a)
    var values = [Double](repeating: 0, count: a.batch.reduce(1, *) * n)
    let job = CChar(bitPattern: UInt8(ascii: vectors ? "V" : "N"))
    try values.withUnsafeMutableBufferPointer { values in
      try a.forEach { index, matrix in
        try checked.check(mia_zheevd(job, Int32(n), matrix, values.baseAddress! + index * n), index) { _ in
          "did not converge"
        }
      }
    }
    return (a.real(values, a.batch + [n]), a.tensor)
  }
}
