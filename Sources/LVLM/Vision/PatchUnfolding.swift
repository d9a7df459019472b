import Tensor

extension Tensor {
  /// The samples of square patches as rows, for a convolution that moves by whole patches. Pixels at the
  /// right and the bottom that fill no patch are left out.
  ///
  /// - Parameter side: pixels along a side of a patch.
  /// - Returns: from `[pictures, channels, height, width]`, `[pictures · patches, channels · side · side]`;
  ///   the patches row by row.
  func unfoldedPatches(_ side: Int) -> Tensor {
    let (count, channels) = (shape[0], shape[1])
    let (rows, columns) = (shape[2] / side, shape[3] / side)
    let whole = slice(axis: 2, 0..<rows * side).slice(axis: 3, 0..<columns * side)
    return
      whole
      .reshaped([count, channels, rows, side, columns, side])
      .permuted([0, 2, 4, 1, 3, 5])
      .reshaped([count * rows * columns, channels * side * side])
  }
}
