/// The three products of a convolution, each through columns of the input and the matrix library.
///
/// Columns exist one block of output rows at a time. What a task computes depends on the sizes alone, so the
/// result does not depend on the number of threads.
enum ConvolutionKernels<T: WindowScalar> {
  /// The input under the kernel as a matrix of taps by positions, zero outside of the input.
  private static func gather(
    _ geometry: ConvolutionGeometry, _ channels: Range<Int>, _ rows: Range<Int>, _ input: UnsafePointer<T>,
    _ columns: UnsafeMutablePointer<T>
  ) {
    var windows = geometry.windows
    T.gatherColumns(
      &windows, Int64(channels.count), Int64(rows.lowerBound), Int64(rows.count),
      input + channels.lowerBound * geometry.inputPlane, columns)
  }

  /// Adds a matrix of taps by positions to the input's elements that it was gathered from.
  private static func scatterAdd(
    _ geometry: ConvolutionGeometry, _ channels: Range<Int>, _ rows: Range<Int>, _ columns: UnsafePointer<T>,
    _ input: UnsafeMutablePointer<T>
  ) {
    var windows = geometry.windows
    T.scatterColumns(
      &windows, Int64(channels.count), Int64(rows.lowerBound), Int64(rows.count), columns,
      input + channels.lowerBound * geometry.inputPlane)
  }

  /// `output = weight * input + bias`.
  static func forward(
    _ geometry: ConvolutionGeometry, input: UnsafePointer<T>, weight: UnsafePointer<T>,
    bias: UnsafePointer<T>?,
    output: UnsafeMutablePointer<T>
  ) {
    if geometry.cutsPatches {
      return patches(geometry, input: input, weight: weight, bias: bias, output: output)
    }
    let (taps, outputs, plane) = (geometry.taps, geometry.outputs, geometry.outputPlane)
    let blocks = geometry.blocks(taps: taps)
    let pairs = geometry.batch * geometry.groups
    Threads.forEachTask(pairs * blocks.count) { task in
      let (pair, block) = task.quotientAndRemainder(dividingBy: blocks.count)
      let group = pair % geometry.groups
      let rows = blocks[block]
      let width = rows.count * geometry.output.width
      let first = rows.lowerBound * geometry.output.width
      let source = input + pair * geometry.channels * geometry.inputPlane
      let target = output + pair * outputs * plane + first
      let matrix = MatrixView(weight + group * outputs * taps, rows: outputs, columns: taps)
      let products = MutableMatrixView(target, rows: outputs, columns: width, rowStride: plane)
      if geometry.isPointwise {
        let pixels = MatrixView(source + first, rows: taps, columns: width, rowStride: plane)
        BLAS.gemm(matrix, pixels, into: products)
      } else {
        MemoryPool.withScratch(T.self, count: taps * width) { columns in
          gather(geometry, 0..<geometry.channels, rows, source, columns)
          BLAS.gemm(matrix, MatrixView(columns, rows: taps, columns: width), into: products)
        }
      }
      guard let bias else { return }
      for channel in 0..<outputs {
        T.accumulate(Int64(width), 1, bias + group * outputs + channel, 0, target + channel * plane)
      }
    }
  }

  /// Adds to `input`, which starts as zeros, the gradient that arrives at the output, back through the
  /// weight.
  static func inputGradient(
    _ geometry: ConvolutionGeometry, gradient: UnsafePointer<T>, weight: UnsafePointer<T>,
    input: UnsafeMutablePointer<T>
  ) {
    let (taps, outputs, plane) = (geometry.taps, geometry.outputs, geometry.outputPlane)
    let pairs = geometry.batch * geometry.groups
    // Channels are shared out where there are few pictures.
    let parts = Swift.max(1, Swift.min(geometry.channels, 8 / Swift.max(pairs, 1)))
    Threads.forEachTask(pairs * parts) { task in
      let (pair, part) = task.quotientAndRemainder(dividingBy: parts)
      let channels = geometry.channels * part / parts..<geometry.channels * (part + 1) / parts
      let rowsOfTaps = channels.count * geometry.kernelSize
      let matrix = MatrixView(
        weight + (pair % geometry.groups) * outputs * taps + channels.lowerBound * geometry.kernelSize,
        rows: outputs, columns: rowsOfTaps, rowStride: taps
      ).transposed
      let target = input + pair * geometry.channels * geometry.inputPlane
      for rows in geometry.blocks(taps: rowsOfTaps) {
        let width = rows.count * geometry.output.width
        let first = rows.lowerBound * geometry.output.width
        let source = MatrixView(
          gradient + pair * outputs * plane + first, rows: outputs, columns: width, rowStride: plane)
        if geometry.isPointwise {
          BLAS.gemm(
            matrix, source,
            into: MutableMatrixView(
              target + channels.lowerBound * plane + first, rows: rowsOfTaps, columns: width,
              rowStride: plane))
        } else {
          MemoryPool.withScratch(T.self, count: rowsOfTaps * width) { columns in
            BLAS.gemm(matrix, source, into: MutableMatrixView(columns, rows: rowsOfTaps, columns: width))
            scatterAdd(geometry, channels, rows, columns, target)
          }
        }
      }
    }
  }

  /// `weight` = the sum over pictures and positions of the gradient that arrives at the output times the
  /// input under the kernel.
  static func weightGradient(
    _ geometry: ConvolutionGeometry, gradient: UnsafePointer<T>, input: UnsafePointer<T>,
    weight: UnsafeMutablePointer<T>
  ) {
    let (taps, outputs, plane) = (geometry.taps, geometry.outputs, geometry.outputPlane)
    let blocks = geometry.blocks(taps: taps)
    let items = geometry.batch * blocks.count
    let size = geometry.groups * outputs * taps
    // Partial sums over fixed shares of the pictures, added in their order.
    let parts = Swift.max(1, Swift.min(items, size > 1 << 20 ? 4 : 8))
    MemoryPool.withScratch(T.self, count: (parts - 1) * size) { scratch in
      func sums(_ part: Int) -> UnsafeMutablePointer<T> {
        part == 0 ? weight : scratch + (part - 1) * size
      }
      Threads.forEachTask(geometry.groups * parts) { task in
        let (group, part) = task.quotientAndRemainder(dividingBy: parts)
        let target = MutableMatrixView(sums(part) + group * outputs * taps, rows: outputs, columns: taps)
        let share = items * part / parts..<items * (part + 1) / parts
        for item in share {
          let (example, block) = item.quotientAndRemainder(dividingBy: blocks.count)
          let pair = example * geometry.groups + group
          let rows = blocks[block]
          let width = rows.count * geometry.output.width
          let first = rows.lowerBound * geometry.output.width
          let left = MatrixView(
            gradient + pair * outputs * plane + first, rows: outputs, columns: width, rowStride: plane)
          let source = input + pair * geometry.channels * geometry.inputPlane
          let beta: T = item == share.lowerBound ? 0 : 1
          if geometry.isPointwise {
            let pixels = MatrixView(source + first, rows: taps, columns: width, rowStride: plane)
            BLAS.gemm(left, pixels.transposed, beta: beta, into: target)
          } else {
            MemoryPool.withScratch(T.self, count: taps * width) { columns in
              gather(geometry, 0..<geometry.channels, rows, source, columns)
              let matrix = MatrixView(columns, rows: taps, columns: width)
              BLAS.gemm(left, matrix.transposed, beta: beta, into: target)
            }
          }
        }
      }
      Threads.parallel(size, grain: 1 << 14) { range in
        for part in 1..<Swift.max(parts, 1) {
          T.accumulate(
            Int64(range.count), 1, sums(part) + range.lowerBound, 1, weight + range.lowerBound)
        }
      }
    }
  }
}
