/// Convolutions whose windows touch without overlapping, as a vision tower cuts a picture into patches.
///
/// Every element of the input is used once, so the windows of all pictures together are the rows of one
/// matrix.
extension ConvolutionKernels {
  /// `output = weight * input + bias` for a geometry that ``ConvolutionGeometry/cutsPatches``.
  ///
  /// Tasks take fixed shares of the windows, so the result does not depend on the number of threads.
  static func patches(
    _ geometry: ConvolutionGeometry, input: UnsafePointer<T>, weight: UnsafePointer<T>,
    bias: UnsafePointer<T>?, output: UnsafeMutablePointer<T>
  ) {
    let (taps, outputs) = (geometry.taps, geometry.outputs)
    let windows = geometry.batch * geometry.outputPlane
    let tasks = 2 * ((windows * taps + (1 << 21) - 1) >> 21)
    Threads.forEachTask(tasks) { task in
      let share = windows * task / tasks..<windows * (task + 1) / tasks
      MemoryPool.withScratch(T.self, count: share.count * (taps + outputs)) { rows in
        let products = rows + share.count * taps
        gatherWindows(geometry, share, input, rows)
        BLAS.gemm(
          MatrixView(weight, rows: outputs, columns: taps),
          MatrixView(rows, rows: share.count, columns: taps).transposed,
          into: MutableMatrixView(products, rows: outputs, columns: share.count))
        place(geometry, share, products, bias, output)
      }
    }
  }

  /// The elements under each window as one row `[channels, kernel height, kernel width]`.
  private static func gatherWindows(
    _ geometry: ConvolutionGeometry, _ share: Range<Int>, _ input: UnsafePointer<T>,
    _ rows: UnsafeMutablePointer<T>
  ) {
    let (kernel, extent) = (geometry.kernel, geometry.input)
    var target = rows
    for window in share {
      let (picture, place) = window.quotientAndRemainder(dividingBy: geometry.outputPlane)
      let (row, column) = place.quotientAndRemainder(dividingBy: geometry.output.width)
      for channel in 0..<geometry.channels {
        var source =
          input + (picture * geometry.channels + channel) * geometry.inputPlane
          + row * kernel.height * extent.width + column * kernel.width
        for _ in 0..<kernel.height {
          target.update(from: source, count: kernel.width)
          target += kernel.width
          source += extent.width
        }
      }
    }
  }

  /// Moves products `[outputs, windows]` to where each picture has them, and adds the bias.
  private static func place(
    _ geometry: ConvolutionGeometry, _ share: Range<Int>, _ products: UnsafePointer<T>,
    _ bias: UnsafePointer<T>?, _ output: UnsafeMutablePointer<T>
  ) {
    let plane = geometry.outputPlane
    var begin = share.lowerBound
    while begin < share.upperBound {
      let (picture, first) = begin.quotientAndRemainder(dividingBy: plane)
      let count = Swift.min(share.upperBound - begin, plane - first)
      for channel in 0..<geometry.outputs {
        let source = products + channel * share.count + begin - share.lowerBound
        let target = output + (picture * geometry.outputs + channel) * plane + first
        target.update(from: source, count: count)
        if let bias { T.accumulate(Int64(count), 1, bias + channel, 0, target) }
      }
      begin += count
    }
  }
}
