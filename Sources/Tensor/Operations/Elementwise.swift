import CTensorKernels

/// The loops behind elementwise operations.
package enum Elementwise {
  /// `out[i] = op(x[i])` for floating-point tensors.
  static func unary(_ operation: Int, _ x: Tensor) -> Tensor {
    let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
    let op = Int32(operation)
    let iteration = StridedIteration(shape: x.shape, strides: [x.strides, result.strides])
    let stride = Int64(iteration.rowStride(0))
    if x.dtype == .float32 {
      let (input, output) = (x.pointer(Float.self), result.pointer(Float.self))
      iteration.forEachPiece { row, start, length in
        tk_unary_f32(
          op, Int64(length), input + iteration.offset(0, row: row) + start * Int(stride), stride,
          output + iteration.offset(1, row: row) + start)
      }
    } else {
      let (input, output) = (x.pointer(Double.self), result.pointer(Double.self))
      iteration.forEachPiece { row, start, length in
        tk_unary_f64(
          op, Int64(length), input + iteration.offset(0, row: row) + start * Int(stride), stride,
          output + iteration.offset(1, row: row) + start)
      }
    }
    return result
  }

  /// `out[i] = g[i] * op'(x[i])`.
  static func unaryGradient(_ operation: Int, _ x: Tensor, _ gradient: Tensor) -> Tensor {
    let x = x.isContiguous ? x : x.materialized()
    let gradient = gradient.isContiguous ? gradient : gradient.materialized()
    let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
    let op = Int32(operation)
    if x.dtype == .float32 {
      let (a, g, out) = (x.pointer(Float.self), gradient.pointer(Float.self), result.pointer(Float.self))
      Threads.parallel(x.count, grain: 1 << 14) { range in
        tk_unary_gradient_f32(
          op, Int64(range.count), a + range.lowerBound, g + range.lowerBound, out + range.lowerBound)
      }
    } else {
      let (a, g, out) = (x.pointer(Double.self), gradient.pointer(Double.self), result.pointer(Double.self))
      Threads.parallel(x.count, grain: 1 << 14) { range in
        tk_unary_gradient_f64(
          op, Int64(range.count), a + range.lowerBound, g + range.lowerBound, out + range.lowerBound)
      }
    }
    return result
  }

  private typealias Row<T, Out> = (
    Int32, Int64, UnsafePointer<T>?, Int64, UnsafePointer<T>?, Int64, UnsafeMutablePointer<Out>?
  ) -> Void

  /// `out[i] = op(a[i], b[i])` after broadcasting; both tensors have one type.
  static func binary(_ operation: Int, _ a: Tensor, _ b: Tensor, shape: [Int]) -> Tensor {
    switch a.dtype {
    case .float32: rows(operation, a, b, shape, Float.self, Float.self, .float32, tk_binary_f32)
    case .float64: rows(operation, a, b, shape, Double.self, Double.self, .float64, tk_binary_f64)
    case .int32: rows(operation, a, b, shape, Int32.self, Int32.self, .int32, tk_binary_i32)
    case .int64: rows(operation, a, b, shape, Int64.self, Int64.self, .int64, tk_binary_i64)
    case .uint8, .bool:
      binary(operation, a.to(.int32), b.to(.int32), shape: shape).to(a.dtype)
    case .float16, .bfloat16:
      binary(operation, a.to(.float32), b.to(.float32), shape: shape).to(a.dtype)
    }
  }

  /// `out[i] = a[i] OP b[i]` as bool, after broadcasting; both tensors have one type.
  static func compare(_ operation: Int, _ a: Tensor, _ b: Tensor, shape: [Int]) -> Tensor {
    switch a.dtype {
    case .float32: rows(operation, a, b, shape, Float.self, UInt8.self, .bool, tk_compare_f32)
    case .float64: rows(operation, a, b, shape, Double.self, UInt8.self, .bool, tk_compare_f64)
    case .int64: rows(operation, a, b, shape, Int64.self, UInt8.self, .bool, tk_compare_i64)
    case .int32, .uint8, .bool: compare(operation, a.to(.int64), b.to(.int64), shape: shape)
    case .float16, .bfloat16: compare(operation, a.to(.float32), b.to(.float32), shape: shape)
    }
  }

  private static func rows<T, Out>(
    _ operation: Int, _ a: Tensor, _ b: Tensor, _ shape: [Int], _: T.Type, _: Out.Type, _ type: DType,
    _ kernel: Row<T, Out>
  ) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: type)
    let (pa, pb, out) = (a.pointer(T.self), b.pointer(T.self), result.pointer(Out.self))
    if a.shape == shape, b.shape == shape, a.isContiguous, b.isContiguous {
      Threads.parallel(result.count, grain: 1 << 14) { range in
        let start = range.lowerBound
        kernel(Int32(operation), Int64(range.count), pa + start, 1, pb + start, 1, out + start)
      }
      return result
    }
    let iteration = StridedIteration(
      shape: shape, strides: [a.broadcastStrides(to: shape), b.broadcastStrides(to: shape), result.strides])
    let (strideA, strideB) = (iteration.rowStride(0), iteration.rowStride(1))
    iteration.forEachPiece { row, start, length in
      kernel(
        Int32(operation), Int64(length),
        pa + iteration.offset(0, row: row) + start * strideA, Int64(strideA),
        pb + iteration.offset(1, row: row) + start * strideB, Int64(strideB),
        out + iteration.offset(2, row: row) + start)
    }
    return result
  }

  /// `condition ? a : b` after broadcasting; `condition` is bool, `a` and `b` have one type.
  static func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor, shape: [Int]) -> Tensor {
    guard a.dtype == .float32 || a.dtype == .float64 else {
      return select(condition, a.to(.float64), b.to(.float64), shape: shape).to(a.dtype)
    }
    let result = Tensor(uninitialized: shape, dtype: a.dtype)
    let iteration = StridedIteration(
      shape: shape,
      strides: [
        condition.broadcastStrides(to: shape), a.broadcastStrides(to: shape), b.broadcastStrides(to: shape),
        result.strides,
      ])
    let (sc, sa, sb) = (iteration.rowStride(0), iteration.rowStride(1), iteration.rowStride(2))
    let isFloat = a.dtype == .float32
    iteration.forEachPiece { row, start, length in
      let c = condition.pointer(UInt8.self) + iteration.offset(0, row: row) + start * sc
      let offsetA = iteration.offset(1, row: row) + start * sa
      let offsetB = iteration.offset(2, row: row) + start * sb
      let offset = iteration.offset(3, row: row) + start
      if isFloat {
        tk_select_f32(
          Int64(length), c, Int64(sc), a.pointer(Float.self) + offsetA, Int64(sa),
          b.pointer(Float.self) + offsetB, Int64(sb), result.pointer(Float.self) + offset)
      } else {
        tk_select_f64(
          Int64(length), c, Int64(sc), a.pointer(Double.self) + offsetA, Int64(sa),
          b.pointer(Double.self) + offsetB, Int64(sb), result.pointer(Double.self) + offset)
      }
    }
    return result
  }

  /// `target += scale * source` for tensors of one shape and floating-point type, in place where possible.
  static func accumulate(_ source: Tensor, scale: Double = 1, into target: inout Tensor) {
    target.makeUnique()
    let iteration = StridedIteration(shape: target.shape, strides: [source.strides, target.strides])
    let stride = iteration.rowStride(0)
    let rows = target
    switch target.dtype {
    case .float32:
      iteration.forEachPiece { row, start, length in
        tk_accumulate_f32(
          Int64(length), Float(scale),
          source.pointer(Float.self) + iteration.offset(0, row: row) + start * stride, Int64(stride),
          rows.pointer(Float.self) + iteration.offset(1, row: row) + start)
      }
    case .float64:
      iteration.forEachPiece { row, start, length in
        tk_accumulate_f64(
          Int64(length), scale,
          source.pointer(Double.self) + iteration.offset(0, row: row) + start * stride, Int64(stride),
          rows.pointer(Double.self) + iteration.offset(1, row: row) + start)
      }
    default:
      target = noGradient { target + source * scale }
    }
  }
}

extension Tensor {
  /// Whether this tensor is the only owner of its memory, which is contiguous.
  mutating func isUnique() -> Bool {
    isContiguous && !storage.isBorrowed && isKnownUniquelyReferenced(&storage)
  }

  /// Makes this tensor the only owner of contiguous memory, copying if it is not.
  package mutating func makeUnique() {
    if !isUnique() {
      let keep = node
      self = materialized()
      node = keep
    }
  }

  /// Sums over the axes along which a tensor of `shape` was broadcast, giving that shape back.
  package func reduced(to shape: [Int]) -> Tensor {
    if self.shape == shape { return self }
    let lead = rank - shape.count
    let axes = self.shape.indices.filter { axis in
      axis < lead || (shape[axis - lead] == 1 && self.shape[axis] != 1)
    }
    return (axes.isEmpty ? self : sum(axes: axes, keepDims: true)).reshaped(shape)
  }
}
