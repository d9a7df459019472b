/// A transform along an axis of contiguous tensors of one type, split over the threads.
///
/// Transforms lie side by side where the axis is not the last, and where they are short; they are then copied
/// into blocks of 16, or of fewer where 16 would take much memory. Blocks depend on the shape alone, so that
/// the results do not depend on the number of threads.
struct FourierRun<T: FFTScalar> {
  let transform: FourierTransform
  private let axis: Int
  private let shape: [Int]
  /// The elements before and behind the axis.
  private let (outer, inner): (Int, Int)
  /// How many transforms a block has at most.
  private let lanes: Int

  /// Transforms side by side: as many as fill the widest vectors.
  private static var widest: Int { 16 }
  /// Elements of a block that is not a single transform.
  private static var largestBlock: Int { 1 << 18 }
  /// From this length on one transform fills vectors by itself.
  private static var lengthAlone: Int { 32 }

  init(_ transform: FourierTransform, _ shape: [Int], _ axis: Int) {
    self.transform = transform
    self.axis = axis
    var target = shape
    target[axis] = transform.output
    self.shape = target
    outer = shape[..<axis].reduce(1, *)
    inner = shape[(axis + 1)...].reduce(1, *)
    let rows = transform.n >= Self.lengthAlone ? 1 : Swift.max(1, Swift.min(Self.widest, outer))
    let columns = Swift.min(Self.widest, Swift.max(1, Self.largestBlock / transform.n))
    lanes = inner == 1 ? rows : Swift.min(columns, Swift.max(inner, 1))
  }

  private var n: Int { transform.n }

  /// Some transforms that lie in the same way before and afterwards.
  private struct Block {
    /// The position of the first element.
    let source: Int
    let target: Int
    let lanes: Int
    /// The distance between elements of a transform, and between those of neighbours, before and afterwards.
    let row: Int
    let (sourceLane, targetLane): (Int, Int)
    /// Whether its elements lie one after the other.
    var isLine: Bool { lanes == 1 && row == 1 }
  }

  /// Calls `body` with every block and scratch memory of its own.
  private func forEachBlock(
    scratch count: Int, _ body: (_ block: Block, _ scratch: UnsafeMutablePointer<T>) -> Void
  ) {
    let parts = inner == 1 ? 1 : (inner + lanes - 1) / lanes
    let blocks = inner == 1 ? (outer + lanes - 1) / lanes : outer * parts
    let grain = Swift.max(1, (1 << 12) / (n * lanes))
    Threads.parallel(blocks, grain: grain) { range in
      MemoryPool.withScratch(T.self, count: count) { scratch in
        for index in range {
          if inner == 1 {
            let first = index * lanes
            body(
              Block(
                source: first * transform.input, target: first * transform.output,
                lanes: Swift.min(lanes, outer - first), row: 1, sourceLane: transform.input,
                targetLane: transform.output), scratch)
          } else {
            let (before, part) = index.quotientAndRemainder(dividingBy: parts)
            let first = part * lanes
            body(
              Block(
                source: before * transform.input * inner + first,
                target: before * transform.output * inner + first, lanes: Swift.min(lanes, inner - first),
                row: inner, sourceLane: 1, targetLane: 1), scratch)
          }
        }
      }
    }
  }

  /// The first `count` rows of a block, with zeros behind what there is.
  private func gather(
    _ x: UnsafePointer<T>, _ block: Block, _ count: Int, into y: UnsafeMutablePointer<T>
  ) {
    let valid = Swift.min(transform.input, count)
    T.gather(count, valid, block.lanes, x + block.source, block.row, block.sourceLane, y)
  }

  /// Writes a block of `count` rows to the output, with zeros behind it.
  private func scatter(
    _ x: UnsafePointer<T>, _ block: Block, _ count: Int, into y: UnsafeMutablePointer<T>
  ) {
    let valid = Swift.min(transform.output, count)
    T.scatter(transform.output, valid, block.lanes, x, y + block.target, block.row, block.targetLane)
  }

  private func results(_ dtype: DType) -> ComplexParts {
    (Tensor(uninitialized: shape, dtype: dtype), Tensor(uninitialized: shape, dtype: dtype))
  }

  /// See ``FourierTransform/complex(_:_:_:axis:)``.
  func complex(_ real: Tensor, _ imaginary: Tensor?) -> ComplexParts {
    let result = results(real.dtype)
    if result.real.count == 0 { return result }
    let plan = FFTPlanCache.shared.plan(n, T.self)
    let target = FFTPlanes(result.real.pointer(T.self), result.imaginary.pointer(T.self))
    let (x, y) = (real.pointer(T.self), imaginary?.pointer(T.self))
    let size = n * lanes
    forEachBlock(scratch: 4 * size + plan.scratchCount(lanes: lanes)) { block, scratch in
      let (before, after) = (FFTPlanes(scratch, count: size), FFTPlanes(scratch + 2 * size, count: size))
      var from = before
      if let y, block.isLine, transform.input >= n {
        from = FFTPlanes(x + block.source, y + block.source)
      } else {
        gather(x, block, n, into: before.real)
        if let y {
          gather(y, block, n, into: before.imaginary)
        } else {
          before.imaginary.update(repeating: 0, count: n * block.lanes)
        }
      }
      let isDirect = block.isLine && transform.output == n
      let to = isDirect ? target.advanced(by: block.target) : after
      plan.transform(
        lanes: block.lanes, scale: transform.scale, from.swapped(if: transform.isInverse),
        to.swapped(if: transform.isInverse), scratch + 4 * size)
      if !isDirect {
        scatter(after.real, block, n, into: target.real)
        scatter(after.imaginary, block, n, into: target.imaginary)
      }
    }
    return result
  }

  /// See ``FourierTransform/fromReal(_:_:axis:)``.
  func fromReal(_ real: Tensor) -> ComplexParts {
    let result = results(real.dtype)
    if result.real.count == 0 { return result }
    let plan = FFTPlanCache.shared.realPlan(n, T.self)
    let target = FFTPlanes(result.real.pointer(T.self), result.imaginary.pointer(T.self))
    let x = real.pointer(T.self)
    let size = n * lanes
    let frequencies = transform.frequencies
    let rest = 4 * size + 2 * frequencies * lanes
    forEachBlock(scratch: rest + plan.complex.scratchCount(lanes: lanes)) { block, scratch in
      let after = FFTPlanes(scratch + 4 * size, count: frequencies * lanes)
      let isDirect = block.isLine && transform.output == frequencies
      let to = isDirect ? target.advanced(by: block.target) : after
      lowest(x, block, plan, scratch, scratch + rest, to)
      if !isDirect {
        scatter(after.real, block, frequencies, into: target.real)
        scatter(after.imaginary, block, frequencies, into: target.imaginary)
      }
    }
    return result
  }

  /// The lowest frequencies of a block.
  private func lowest(
    _ x: UnsafePointer<T>, _ block: Block, _ plan: RealFFTPlan<T>, _ scratch: UnsafeMutablePointer<T>,
    _ work: UnsafeMutablePointer<T>, _ to: FFTPlanes<T>
  ) {
    let width = block.lanes
    let (ends, middle) = (T(transform.scale), T(transform.scale * transform.middle))
    let count = plan.complex.n * width
    let (before, after) = (FFTPlanes(scratch, count: count), FFTPlanes(scratch + 2 * count, count: count))
    if n % 2 == 0 {
      let (h, valid, start) = (n / 2, Swift.min(transform.input, n), x + block.source)
      T.gather(h, (valid + 1) / 2, width, start, 2 * block.row, block.sourceLane, before.real)
      T.gather(h, valid / 2, width, start + block.row, 2 * block.row, block.sourceLane, before.imaginary)
      plan.complex.transform(lanes: width, scale: 1, before, after, work)
      T.unpack(h, width, plan.roots, ends, middle, after, to)
    } else {
      gather(x, block, n, into: before.real)
      before.imaginary.update(repeating: 0, count: count)
      plan.complex.transform(lanes: width, scale: transform.scale, before, after, work)
      let kept = transform.frequencies * width
      to.real.update(from: after.real, count: kept)
      to.imaginary.update(from: after.imaginary, count: kept)
      if transform.middle != 1 {
        T.scale(kept - width, T(transform.middle), to.real + width)
        T.scale(kept - width, T(transform.middle), to.imaginary + width)
      }
    }
  }

  /// See ``FourierTransform/toReal(_:_:_:axis:)``.
  func toReal(_ real: Tensor, _ imaginary: Tensor) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: real.dtype)
    if result.count == 0 { return result }
    let plan = FFTPlanCache.shared.realPlan(n, T.self)
    let (x, y, target) = (real.pointer(T.self), imaginary.pointer(T.self), result.pointer(T.self))
    let (size, frequencies) = (n * lanes, transform.frequencies)
    let rest = 2 * frequencies * lanes + 4 * size
    forEachBlock(scratch: rest + plan.complex.scratchCount(lanes: lanes)) { block, scratch in
      let width = block.lanes
      let before = FFTPlanes(scratch, count: frequencies * lanes)
      var from = before
      if block.isLine, transform.input >= frequencies {
        from = FFTPlanes(x + block.source, y + block.source)
      } else {
        gather(x, block, frequencies, into: before.real)
        gather(y, block, frequencies, into: before.imaginary)
      }
      let (ends, middle) = (T(transform.scale), T(transform.scale * transform.middle))
      let count = plan.complex.n * width
      let start = scratch + 2 * frequencies * lanes
      let (packed, after) = (FFTPlanes(start, count: count), FFTPlanes(start + 2 * count, count: count))
      let isEven = n % 2 == 0
      if isEven {
        T.pack(n / 2, width, plan.roots, ends, middle, from, packed)
      } else {
        T.mirror(n, width, ends, middle, from, packed)
      }
      plan.complex.transform(lanes: width, scale: 1, packed.swapped, after.swapped, scratch + rest)
      if isEven {
        let (all, valid, to) = (transform.output, Swift.min(transform.output, n), target + block.target)
        let (row, lane) = (2 * block.row, block.targetLane)
        T.scatter((all + 1) / 2, (valid + 1) / 2, width, after.real, to, row, lane)
        T.scatter(all / 2, valid / 2, width, after.imaginary, to + block.row, row, lane)
      } else {
        scatter(after.real, block, n, into: target)
      }
    }
    return result
  }
}
