import CTensorKernels
import Synchronization

/// A constant matrix in quantised blocks, which products read as it is stored.
public struct QuantizedMatrix: Sendable {
  /// How the values are stored.
  public let encoding: BlockEncoding
  /// Rows and columns of values.
  public let shape: [Int]
  /// The bytes, `[rows, bytes of a row]` of type uint8.
  public let blocks: Tensor

  /// A matrix of given bytes.
  /// - Parameter blocks: `[rows, bytes of a row]` of type uint8.
  /// - Precondition: a row is a whole number of blocks.
  public init(_ encoding: BlockEncoding, blocks: Tensor) {
    tensorRequire(
      blocks.rank == 2 && blocks.dtype == .uint8 && blocks.shape[1].isMultiple(of: encoding.blockSize),
      "QuantizedMatrix",
      "\(encoding) needs [rows, bytes] of uint8 with rows of \(encoding.blockSize)-byte blocks, found "
        + "\(blocks.shape) of \(blocks.dtype)")
    self.encoding = encoding
    self.blocks = blocks.contiguous()
    shape = [blocks.shape[0], blocks.shape[1] / encoding.blockSize * encoding.blockLength]
  }

  /// All values in Float32, `[rows, columns]`.
  public func expanded() -> Tensor { expanded(blocks) }

  /// Whether every value is finite.
  package var isFinite: Bool {
    let size = encoding.blockSize
    let start = UnsafeRawPointer(blocks.rawPointer)
    let found = Atomic(false)
    Threads.parallel(blocks.count / size, grain: (1 << 19) / encoding.blockLength) { range in
      if !encoding.isFinite(start + range.lowerBound * size, count: range.count) {
        found.store(true, ordering: .relaxed)
      }
    }
    return !found.load(ordering: .relaxed)
  }

  /// Rows of values in Float32, `indices.shape + [columns]`.
  public func rows(at indices: Tensor) -> Tensor {
    let width = blocks.shape[1]
    return expanded(blocks.rows(at: indices).reshaped([indices.count, width]))
      .reshaped(indices.shape + [shape[1]])
  }

  private func expanded(_ rows: Tensor) -> Tensor {
    let result = Tensor(uninitialized: [rows.shape[0], shape[1]], dtype: .float32)
    let length = encoding.blockLength
    Threads.parallel(rows.shape[0] * (shape[1] / length), grain: (1 << 15) / length) { range in
      encoding.expand(
        rows.rawPointer + range.lowerBound * encoding.blockSize, count: range.count,
        into: result.pointer(Float.self) + range.lowerBound * length)
    }
    return result
  }
}

/// An affine map of the last axis with a quantised weight: `x Wᵀ + b`, accumulated in Float32.
///
/// Differentiable in `x` and `bias`; the weight is a constant.
/// - Parameters:
///   - x: `[..., inputs]`, computed with as Float32.
///   - weight: `[outputs, inputs]`.
///   - bias: `[outputs]`.
/// - Returns: `[..., outputs]` of type Float32.
public func linear(_ x: Tensor, weight: QuantizedMatrix, bias: Tensor? = nil) -> Tensor {
  tensorRequire(
    x.rank >= 1 && x.shape[x.rank - 1] == weight.shape[1], "linear",
    "input of shape \(x.shape) does not fit a quantised weight of shape \(weight.shape)")
  let (outputs, inputs) = (weight.shape[0], weight.shape[1])
  let lead = Array(x.shape.dropLast())
  let rows = x.to(.float32).reshaped([lead.reduce(1, *), inputs])
  let result = BLAS.product(rows.detached(), weight, isTransposed: true)
  let product = Tensor.recorded("linear", from: [rows], result) { gradient, _ in
    Tensor.requireFirstDerivative("linear with a quantised weight")
    return [BLAS.product(gradient.contiguous(), weight, isTransposed: false)]
  }.reshaped(lead + [outputs])
  return bias.map { product + $0.to(.float32) } ?? product
}

extension FrozenMap {
  /// `x Wᵀ + b` with a weight in blocks.
  package init(weight: QuantizedMatrix, bias: Tensor?) {
    self.init(
      forward: { x in noGradient { linear(x, weight: weight, bias: bias) } },
      backward: { gradient in
        Tensor.requireFirstDerivative("linear with a quantised weight")
        return BLAS.product(gradient, weight, isTransposed: false)
      }, resultType: { _ in .float32 })
  }
}

extension BLAS {
  /// `x Wᵀ` or `x W` for `x` of two axes, without a record.
  fileprivate static func product(_ x: Tensor, _ weight: QuantizedMatrix, isTransposed: Bool) -> Tensor {
    let x = x.contiguous()
    let (m, k) = (x.shape[0], x.shape[1])
    let n = isTransposed ? weight.shape[0] : weight.shape[1]
    let result = Tensor(uninitialized: [m, n], dtype: .float32)
    if m == 0 || n == 0 { return result }
    if k == 0 { return Tensor.zeros([m, n]) }
    prepare()
    let (a, c) = (x.pointer(Float.self), result.pointer(Float.self))
    let plan = ProductPlan(
      m: m, n: n, k: k, transA: false, transB: isTransposed,
      type: .blocks(length: weight.encoding.blockLength), threads: Threads.count,
      isInParallelRegion: Threads.isInParallelRegion)
    if plan.kernel == .fewRows {
      RowProduct(StoredMatrix(weight), a, lda: k, into: c, ldc: n).run(rows: m)
      return result
    }
    let length = weight.encoding.blockLength
    let rowBytes = weight.blocks.shape[1]
    func multiply(_ columns: Range<Int>) {
      panels(
        MatrixView(a, rows: m, columns: k), transB: isTransposed,
        into: MutableMatrixView(c, rows: m, columns: n)[columns: columns]
      ) { row, first, count, panel in
        let begin = columns.lowerBound
        let (row, column) = isTransposed ? (row + begin, first) : (row, first + begin)
        weight.encoding.expand(
          weight.blocks.rawPointer + row * rowBytes + column / length * weight.encoding.blockSize,
          count: count / length, into: panel)
      }
    }
    if case .columns(let size) = plan.division {
      forEachSlice(of: n, size, multiply)
    } else {
      multiply(0..<n)
    }
    return result
  }
}
