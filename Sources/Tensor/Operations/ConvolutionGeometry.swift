import CTensorKernels

/// The sizes of a two-dimensional convolution, of whose input, weight and output any one follows from the
/// other two.
struct ConvolutionGeometry: Sendable {
  var batch: Int
  var groups: Int
  /// Input channels of one group.
  var channels: Int
  /// Output channels of one group.
  var outputs: Int
  var input: (height: Int, width: Int)
  var kernel: (height: Int, width: Int)
  var output: (height: Int, width: Int)
  var stride: (Int, Int)
  var padding: (Int, Int)
  var dilation: (Int, Int)

  /// Input elements that one output element is a sum over.
  var taps: Int { channels * kernelSize }
  var kernelSize: Int { kernel.height * kernel.width }
  /// Elements of one channel of the input and of the output.
  var inputPlane: Int { input.height * input.width }
  var outputPlane: Int { output.height * output.width }

  var inputShape: [Int] { [batch, groups * channels, input.height, input.width] }
  var outputShape: [Int] { [batch, groups * outputs, output.height, output.width] }
  var weightShape: [Int] { [groups * outputs, channels, kernel.height, kernel.width] }

  /// Whether the columns of the input are the input itself.
  var isPointwise: Bool {
    kernelSize == 1 && stride == (1, 1) && padding == (0, 0) && input == output
  }

  /// Whether the windows touch without overlapping or gaps, and there are elements under them.
  var cutsPatches: Bool {
    groups == 1 && stride == (kernel.height, kernel.width) && padding == (0, 0) && dilation == (1, 1)
      && kernelSize > 1 && taps > 0
  }

  /// The output's extent along an axis.
  static func outputExtent(_ input: Int, kernel: Int, stride: Int, padding: Int, dilation: Int) -> Int {
    let room = input + 2 * padding - dilation * (kernel - 1) - 1
    return room < 0 ? 0 : room / stride + 1
  }

  /// The output's rows in blocks whose columns, of `taps` elements for each position, stay in the
  /// second-level cache.
  func blocks(taps: Int) -> [Range<Int>] {
    let rows = Swift.max(1, (1 << 18) / Swift.max(taps * output.width, 1))
    return Swift.stride(from: 0, to: output.height, by: rows).map { $0..<Swift.min($0 + rows, output.height) }
  }

  /// The sizes as the kernels want them.
  var windows: tk_windows {
    tk_windows(
      input_height: Int64(input.height), input_width: Int64(input.width), kernel_height: Int64(kernel.height),
      kernel_width: Int64(kernel.width), output_width: Int64(output.width), stride_y: Int64(stride.0),
      stride_x: Int64(stride.1), padding_y: Int64(padding.0), padding_x: Int64(padding.1),
      dilation_y: Int64(dilation.0), dilation_x: Int64(dilation.1))
  }
}
