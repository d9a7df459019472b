/// Loops in Swift for functions that the kernels' tables do not have.
extension Elementwise {
  /// `out[i] = body(x[i])`, read and written as the Swift types that the element types have in memory.
  @inline(__always)
  static func mapped<T, R>(_ x: Tensor, as type: DType, _ body: (T) -> R) -> Tensor {
    let result = Tensor(uninitialized: x.shape, dtype: type)
    let iteration = StridedIteration(shape: x.shape, strides: [x.strides, result.strides])
    let stride = iteration.rowStride(0)
    let (input, output) = (x.pointer(T.self), result.pointer(R.self))
    iteration.forEachPiece { row, start, length in
      let source = input + iteration.offset(0, row: row) + start * stride
      let target = output + iteration.offset(1, row: row) + start
      if stride == 1 {
        for i in 0..<length { target[i] = body(source[i]) }
      } else {
        for i in 0..<length { target[i] = body(source[i * stride]) }
      }
    }
    return result
  }

  /// `out[i] = body(a[i], b[i])` after broadcasting, for two tensors of one type.
  @inline(__always)
  static func mapped<T, R>(
    _ a: Tensor, _ b: Tensor, shape: [Int], as type: DType, _ body: (T, T) -> R
  ) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: type)
    let iteration = StridedIteration(
      shape: shape, strides: [a.broadcastStrides(to: shape), b.broadcastStrides(to: shape), result.strides])
    let (strideA, strideB) = (iteration.rowStride(0), iteration.rowStride(1))
    let (first, second, output) = (a.pointer(T.self), b.pointer(T.self), result.pointer(R.self))
    iteration.forEachPiece { row, start, length in
      let x = first + iteration.offset(0, row: row) + start * strideA
      let y = second + iteration.offset(1, row: row) + start * strideB
      let target = output + iteration.offset(2, row: row) + start
      if strideA == 1 && strideB == 1 {
        for i in 0..<length { target[i] = body(x[i], y[i]) }
      } else {
        for i in 0..<length { target[i] = body(x[i * strideA], y[i * strideB]) }
      }
    }
    return result
  }
}
