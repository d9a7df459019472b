import CTensorKernels

/// The loops behind elementwise operations.
package enum Elementwise {
  private static func requireLoop(for type: DType) {
    tensorRequire(
      type == .float32 || type == .float64, "elementwise", "a loop of float32 or float64 was given \(type)")
  }

  /// `out[i] = op(x[i])` for floating-point tensors.
  static func unary(_ operation: Int, _ x: Tensor) -> Tensor {
    requireLoop(for: x.dtype)
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
    requireLoop(for: x.dtype)
    tensorRequire(
      gradient.dtype == x.dtype && gradient.shape == x.shape, "gradient",
      "shape \(gradient.shape) of \(gradient.dtype) is no gradient of shape \(x.shape) of \(x.dtype)")
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

  /// `out[i] = op(a[i], b[i])` after broadcasting, computed in one type and stored in another. Operands of
  /// other types are converted block by block.
  static func binary(
    _ operation: Int, _ a: Tensor, _ b: Tensor, shape: [Int], computing type: DType, as result: DType? = nil
  ) -> Tensor {
    let out = Tensor(uninitialized: shape, dtype: result ?? type)
    let (code, resultCode) = (type.kernelCode, out.dtype.kernelCode)
    pairs(a, b, into: out) { rows, n, a, b, out, row in
      tk_binary(Int32(operation), code, resultCode, rows, n, a, b, out, row)
    }
    return out
  }

  /// `target[i] = op(target[i], b[i])`, where `target` alone owns its memory and `b` is broadcast to its
  /// shape.
  static func update(_ operation: Int, _ target: Tensor, with b: Tensor) {
    let (code, computing) = (
      target.dtype.kernelCode,
      target.dtype.isHalfPrecision ? DType.float32.kernelCode : target.dtype.kernelCode
    )
    pairs(target, b, into: target) { rows, n, a, b, out, row in
      tk_binary(Int32(operation), computing, code, rows, n, a, b, out, row)
    }
  }

  /// `out[i] = a[i] OP b[i]` as bool, after broadcasting, compared in one type.
  static func compare(_ operation: Int, _ a: Tensor, _ b: Tensor, shape: [Int], computing type: DType)
    -> Tensor
  {
    let out = Tensor(uninitialized: shape, dtype: .bool)
    let code = type.kernelCode
    pairs(a, b, into: out) { rows, n, a, b, out, row in
      tk_compare(Int32(operation), code, rows, n, a, b, out.assumingMemoryBound(to: UInt8.self), row)
    }
    return out
  }

  /// Calls `kernel` with rows of two broadcast operands, or a piece of one, and the output they belong to.
  private static func pairs(
    _ a: Tensor, _ b: Tensor, into out: Tensor,
    _ kernel: (
      _ rows: Int64, _ n: Int64, _ a: tk_rows, _ b: tk_rows, _ out: UnsafeMutableRawPointer, _ row: Int64
    ) -> Void
  ) {
    let (pa, pb, po) = (UnsafeRawPointer(a.rawPointer), UnsafeRawPointer(b.rawPointer), out.rawPointer)
    let (typeA, typeB) = (a.dtype.kernelCode, b.dtype.kernelCode)
    let (sizeA, sizeB, size) = (a.dtype.byteSize, b.dtype.byteSize, out.dtype.byteSize)
    if a.shape == out.shape, b.shape == out.shape, a.isContiguous, b.isContiguous {
      Threads.parallel(out.count, grain: 1 << 14) { range in
        let start = range.lowerBound
        kernel(
          1, Int64(range.count), tk_rows(x: pa + start * sizeA, type: typeA, stride: 1, row: 0),
          tk_rows(x: pb + start * sizeB, type: typeB, stride: 1, row: 0), po + start * size, 0)
      }
      return
    }
    let iteration = StridedIteration(
      shape: out.shape,
      strides: [a.broadcastStrides(to: out.shape), b.broadcastStrides(to: out.shape), out.strides])
    let (strideA, strideB) = (iteration.rowStride(0), iteration.rowStride(1))
    let steps = iteration.rowSteps
    iteration.forEachPiece(together: steps != nil) { row, start, rows, length in
      kernel(
        Int64(rows), Int64(length),
        tk_rows(
          x: pa + (iteration.offset(0, row: row) + start * strideA) * sizeA, type: typeA,
          stride: Int64(strideA), row: Int64((steps?[0] ?? 0) * sizeA)),
        tk_rows(
          x: pb + (iteration.offset(1, row: row) + start * strideB) * sizeB, type: typeB,
          stride: Int64(strideB), row: Int64((steps?[1] ?? 0) * sizeB)),
        po + (iteration.offset(2, row: row) + start) * size, Int64((steps?[2] ?? 0) * size))
    }
  }

  /// `condition ? a : b` after broadcasting, in the given type; `condition` is bool.
  static func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor, shape: [Int], as type: DType) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: type)
    let iteration = StridedIteration(
      shape: shape,
      strides: [
        condition.broadcastStrides(to: shape), a.broadcastStrides(to: shape), b.broadcastStrides(to: shape),
        result.strides,
      ])
    let (sc, sa, sb) = (iteration.rowStride(0), iteration.rowStride(1), iteration.rowStride(2))
    let flags = condition.pointer(UInt8.self)
    let (pa, pb, out) = (a.rawPointer, b.rawPointer, result.rawPointer)
    let (typeA, typeB, code) = (a.dtype.kernelCode, b.dtype.kernelCode, type.kernelCode)
    let (sizeA, sizeB, size) = (a.dtype.byteSize, b.dtype.byteSize, type.byteSize)
    iteration.forEachPiece { row, start, length in
      tk_select(
        code, Int64(length), flags + iteration.offset(0, row: row) + start * sc, Int64(sc),
        pa + (iteration.offset(1, row: row) + start * sa) * sizeA, typeA, Int64(sa),
        pb + (iteration.offset(2, row: row) + start * sb) * sizeB, typeB, Int64(sb),
        out + (iteration.offset(3, row: row) + start) * size)
    }
    return result
  }

  /// `target[i] = value` where `condition` is true, for a target that alone owns its memory and one value of
  /// its type.
  static func fill(_ target: Tensor, with value: Tensor, where condition: Tensor) {
    tensorRequire(
      value.dtype == target.dtype && condition.dtype == .bool && condition.shape == target.shape, "subscript",
      "\(value.dtype) cannot fill shape \(target.shape) of \(target.dtype) where shape \(condition.shape) of "
        + "\(condition.dtype) is true")
    let iteration = StridedIteration(shape: target.shape, strides: [condition.strides, target.strides])
    let (stride, size) = (iteration.rowStride(0), target.dtype.byteSize)
    let (flags, element, out) = (condition.pointer(UInt8.self), value.rawPointer, target.rawPointer)
    iteration.forEachPiece { row, start, length in
      tk_fill_where(
        Int32(size), Int64(length), flags + iteration.offset(0, row: row) + start * stride, Int64(stride),
        element, out + (iteration.offset(1, row: row) + start) * size)
    }
  }

  /// Every element limited to `low ... high`, two tensors without axes of type `type`.
  static func clamp(_ x: Tensor, _ low: Tensor, _ high: Tensor, computing type: DType, as result: DType)
    -> Tensor
  {
    tensorRequire(
      low.dtype == type && high.dtype == type, "clamped",
      "limits of \(low.dtype) and \(high.dtype) cannot limit \(type)")
    let out = Tensor(uninitialized: x.shape, dtype: result)
    let iteration = StridedIteration(shape: x.shape, strides: [x.strides, out.strides])
    let stride = iteration.rowStride(0)
    let (input, output, lower, upper) = (x.rawPointer, out.rawPointer, low.rawPointer, high.rawPointer)
    let (code, typeX, resultCode) = (type.kernelCode, x.dtype.kernelCode, result.kernelCode)
    let (sizeX, size) = (x.dtype.byteSize, result.byteSize)
    iteration.forEachPiece { row, start, length in
      tk_clamp(
        code, resultCode, Int64(length), input + (iteration.offset(0, row: row) + start * stride) * sizeX,
        typeX, Int64(stride), lower, upper, output + (iteration.offset(1, row: row) + start) * size)
    }
    return out
  }

  /// `out[i] = op(x[i])` for integers and bools, in their own type.
  static func integerUnary(_ operation: Int, _ x: Tensor) -> Tensor {
    if x.isStandIn { return x.overBatch { x, _ in integerUnary(operation, x) } }
    let out = Tensor(uninitialized: x.shape, dtype: x.dtype)
    let iteration = StridedIteration(shape: x.shape, strides: [x.strides, out.strides])
    let (stride, size, code) = (iteration.rowStride(0), x.dtype.byteSize, x.dtype.kernelCode)
    let (input, output) = (x.rawPointer, out.rawPointer)
    iteration.forEachPiece { row, start, length in
      tk_integer_unary(
        Int32(operation), code, Int64(length),
        input + (iteration.offset(0, row: row) + start * stride) * size, Int64(stride),
        output + (iteration.offset(1, row: row) + start) * size)
    }
    return out
  }

  /// `target += scale * source` for tensors of one shape and floating-point type, in place where possible.
  static func accumulate(_ source: Tensor, scale: Double = 1, into target: inout Tensor) {
    tensorRequire(
      source.dtype == target.dtype && source.shape == target.shape, "add",
      "shape \(source.shape) of \(source.dtype) cannot be added in place to shape \(target.shape) of "
        + "\(target.dtype)")
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
      if isStandIn { self = firstExample() }
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
