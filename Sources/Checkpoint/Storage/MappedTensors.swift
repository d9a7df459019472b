import Tensor

extension MappedFile {
  /// A tensor whose elements lie one after the other, in another type than they are stored in. They are
  /// converted piece by piece: the stored form is never in memory whole.
  ///
  /// - Parameters:
  ///   - range: where the bytes lie.
  ///   - stored: the type that they have.
  ///   - checksum: that of what stands before; afterwards the CRC-32 with all of them. Nil where nobody asks.
  /// - Throws: as ``read(_:into:)``.
  func tensor(
    _ range: Range<Int>, shape: [Int], stored: DType, as dtype: DType, checksum: inout UInt32?
  ) throws -> Tensor {
    let pieceLength = Tensor.pieceLength
    let count = shape.reduce(1, *)
    return try Tensor(shape: shape, dtype: dtype) { target in
      for first in stride(from: 0, to: count, by: pieceLength) {
        let length = min(pieceLength, count - first)
        let piece = try Tensor(shape: [length], dtype: stored) {
          guard let start = $0.baseAddress else { return }
          let offset = range.lowerBound + first * stored.byteSize
          try read(offset..<(offset + length * stored.byteSize), into: start)
        }
        if let before = checksum { checksum = piece.withElementBytes { CRC32.of($0, after: before) } }
        piece.to(dtype).withElementBytes {
          UnsafeMutableRawBufferPointer(rebasing: target[(first * dtype.byteSize)...]).copyMemory(from: $0)
        }
      }
    }
  }
}
