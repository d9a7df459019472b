import CTensorKernels

/// Convolutions that read the input where a copy with its zeros lies, without columns; see
/// `CTensorKernels/packed_convolution.c`.
extension ConvolutionKernels where T == Float {
  /// `output = weight * input + bias` for a geometry that ``ConvolutionGeometry/suitsPlanes``.
  ///
  /// Each sum runs over its taps in order, so the result does not depend on the number of threads.
  static func planes(
    _ geometry: ConvolutionGeometry, input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>
  ) {
    let (taps, outputs, plane) = (geometry.taps, geometry.outputs, geometry.outputPlane)
    let pairs = geometry.batch * geometry.groups
    let blocks = geometry.planeBlocks
    let (sizes, places) = (geometry.windows, geometry.planeOffsets)
    let size = geometry.planeCount(rows: geometry.planeRows)
    MemoryPool.withScratch(Float.self, count: geometry.groups * outputs * taps + 16) { packed in
      for group in 0..<geometry.groups {
        let start = group * outputs * taps
        tk_pack_taps_f32(Int64(outputs), Int64(taps), weight + start, packed + start)
      }
      Threads.forEachTask(pairs * blocks.count) { task in
        let (pair, block) = task.quotientAndRemainder(dividingBy: blocks.count)
        let (group, rows) = (pair % geometry.groups, blocks[block])
        guard let places = places[rows.count] else { return }
        var windows = sizes
        MemoryPool.withScratch(Float.self, count: size) { planes in
          tk_fill_planes_f32(
            &windows, Int64(geometry.channels), Int64(rows.lowerBound), Int64(rows.count),
            input + pair * geometry.channels * geometry.inputPlane, planes)
          places.withUnsafeBufferPointer { places in
            tk_plane_convolution_f32(
              &windows, Int64(outputs), Int64(taps), Int64(rows.count), packed + group * outputs * taps,
              bias.map { $0 + group * outputs }, planes, places.baseAddress,
              output + pair * outputs * plane + rows.lowerBound * geometry.output.width, Int64(plane))
          }
        }
      }
    }
  }

  /// `weight` = the sum over pictures and positions of the gradient that arrives at the output times the
  /// input under the kernel, for a geometry that ``ConvolutionGeometry/suitsPlaneSums``.
  ///
  /// Partial sums over fixed shares of the pictures are added in their order.
  static func planeSums(
    _ geometry: ConvolutionGeometry, gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    weight: UnsafeMutablePointer<Float>
  ) {
    let (taps, outputs, plane) = (geometry.taps, geometry.outputs, geometry.outputPlane)
    let blocks = geometry.planeBlocks
    let items = geometry.batch * blocks.count
    let size = geometry.groups * outputs * taps
    let parts = Swift.max(1, Swift.min(items, size > 1 << 20 ? 4 : 8))
    let together = geometry.picturesTogether
    let (sizes, places) = (geometry.windows, geometry.planeOffsets)
    let room = geometry.planeCount(rows: geometry.planeRows)
    let gradientRoom = geometry.gradientCount(rows: geometry.planeRows)
    MemoryPool.withScratch(Float.self, count: (parts - 1) * size) { scratch in
      func sums(_ part: Int) -> UnsafeMutablePointer<Float> {
        part == 0 ? weight : scratch + (part - 1) * size
      }
      Threads.forEachTask(geometry.groups * parts) { task in
        let (group, part) = task.quotientAndRemainder(dividingBy: parts)
        let target = sums(part) + group * outputs * taps
        target.update(repeating: 0, count: outputs * taps)
        let share = items * part / parts..<items * (part + 1) / parts
        MemoryPool.withScratch(Float.self, count: together * (room + gradientRoom)) { planes in
          let gradients = planes + together * room
          var item = share.lowerBound
          while item < share.upperBound {
            let rows = blocks[item % blocks.count]
            guard let places = places[rows.count] else { return }
            var windows = sizes
            let count = Swift.min(together, share.upperBound - item)
            let (step, gradientStep) = (
              geometry.planeCount(rows: rows.count), geometry.gradientCount(rows: rows.count)
            )
            for number in 0..<count {
              let pair = (item + number) / blocks.count * geometry.groups + group
              tk_fill_planes_f32(
                &windows, Int64(geometry.channels), Int64(rows.lowerBound), Int64(rows.count),
                input + pair * geometry.channels * geometry.inputPlane, planes + number * step)
              tk_fill_plane_gradient_f32(
                &windows, Int64(outputs), Int64(rows.count),
                gradient + pair * outputs * plane + rows.lowerBound * geometry.output.width, Int64(plane),
                gradients + number * gradientStep)
            }
            places.withUnsafeBufferPointer { places in
              tk_plane_weight_gradient_f32(
                &windows, Int64(outputs), Int64(geometry.channels), Int64(rows.count), Int64(count),
                gradients,
                planes, places.baseAddress, target)
            }
            item += count
          }
        }
      }
      Threads.parallel(size, grain: 1 << 14) { range in
        for part in 1..<Swift.max(parts, 1) {
          Float.accumulate(
            Int64(range.count), 1, sums(part) + range.lowerBound, 1, weight + range.lowerBound)
        }
      }
    }
  }
}

extension ConvolutionGeometry {
  /// Numbers of a plane that a task copies at a time, half a megabyte: what stays in the second cache.
  private static let planeNumbers = 1 << 17
  /// Tasks that there are at least, as far as rows allow.
  private static let leastTasks = 8

  /// Columns of a row of windows in a plane, those computed and dropped included.
  private var planeWidth: Int { output.width + (kernel.width - 1) * dilation.1 / stride.1 }

  /// Rows of a plane beyond those of the windows.
  private var rowsUnderKernel: Int { (kernel.height - 1) * dilation.0 / stride.0 }

  /// Whether ``ConvolutionKernels/planes(_:input:weight:bias:output:)`` computes it: where windows leave no
  /// gaps between them, no more than a third of them is dropped at the ends of rows, no input is copied more
  /// than three times, and a task's planes stay below 64 MiB.
  var suitsPlanes: Bool {
    guard tk_has_packed_product() != 0, !isPointwise, taps > 0, outputs > 0, batch > 0,
      !Float32MatmulPrecision.roundsPackedProducts, stride.0 <= (kernel.height - 1) * dilation.0 + 1,
      stride.1 <= (kernel.width - 1) * dilation.1 + 1, 3 * output.width >= 2 * planeWidth
    else { return false }
    let most = 1 << 24
    var line = planeWidth
    for extent in [channels, stride.0, stride.1] {
      let (product, overflows) = line.multipliedReportingOverflow(by: extent)
      if overflows || product > most { return false }
      line = product
    }
    return rowsUnderKernel <= 2 * planeRows && planeRows + rowsUnderKernel <= most / line
  }

  /// Whether ``ConvolutionKernels/planeSums(_:gradient:input:weight:)`` computes the gradient of the weight:
  /// where sums are long enough to make up for adding their sixteen parts.
  var suitsPlaneSums: Bool { suitsPlanes && picturesTogether * output.width * planeRows >= 512 }

  /// Pictures whose planes and gradients a task lays out at a time.
  var picturesTogether: Int {
    if planeBlocks.count > 1 { return 1 }
    let one = planeCount(rows: output.height) + gradientCount(rows: output.height)
    return Swift.max(1, Swift.min(batch, Self.planeNumbers / one))
  }

  /// The most rows of a block.
  var planeRows: Int { planeBlocks.map(\.count).max() ?? 0 }

  /// Numbers of the planes for so many rows of the output.
  func planeCount(rows: Int) -> Int {
    var windows = windows
    return Int(tk_plane_count(&windows, Int64(channels), Int64(rows)))
  }

  /// Numbers of the gradient laid out beside them.
  func gradientCount(rows: Int) -> Int {
    var windows = windows
    return Int(tk_plane_gradient_count(&windows, Int64(outputs), Int64(rows)))
  }

  /// Where the taps of the first window lie in the planes, by the number of rows of a block.
  var planeOffsets: [Int: [Int32]] {
    var windows = windows
    var offsets: [Int: [Int32]] = [:]
    for rows in Set(planeBlocks.map(\.count)) {
      offsets[rows] = [Int32](unsafeUninitializedCapacity: taps) { buffer, count in
        tk_plane_offsets(&windows, Int64(channels), Int64(rows), buffer.baseAddress)
        count = taps
      }
    }
    return offsets
  }

  /// The output's rows in blocks, of which each task takes one.
  var planeBlocks: [Range<Int>] {
    let line = channels * stride.0 * stride.1 * planeWidth
    let most = Swift.max(1, Self.planeNumbers / Swift.max(line, 1))
    let wanted = (Self.leastTasks + batch * groups - 1) / Swift.max(batch * groups, 1)
    let count = Swift.min(
      output.height, Swift.max(wanted, (output.height + most - 1) / Swift.max(most, 1)))
    return (0..<count).map { output.height * $0 / count..<output.height * ($0 + 1) / count }
  }

  /// The convolution that maps the output's gradient to the input's, with the weight turned round and its
  /// channels exchanged; nil where windows move by more than one, or the padding is larger than a window, and
  /// where one input channel or a few would each wait for many outputs' loads (0.65 to 0.79 ms at
  /// 64 × 1 × 28 × 28 and 16 outputs).
  var ofInputGradient: ConvolutionGeometry? {
    let padding = (
      dilation.0 * (kernel.height - 1) - self.padding.0, dilation.1 * (kernel.width - 1) - self.padding.1
    )
    guard stride == (1, 1), padding.0 >= 0, padding.1 >= 0, channels >= 4 || outputs <= 4 else { return nil }
    return ConvolutionGeometry(
      batch: batch, groups: groups, channels: outputs, outputs: channels, input: output, kernel: kernel,
      output: input, stride: (1, 1), padding: padding, dilation: dilation)
  }
}
