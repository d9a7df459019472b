import CTensorKernels

/// CRC-32 as zlib, gzip, PNG and Python's `zlib.crc32` compute it: finds every flip of up to 32 neighbouring
/// bits, and other damage but for one case in four thousand million.
package enum CRC32 {
  /// The checksum of bytes that follow others.
  /// - Parameter checksum: that of the bytes before; 0 at the start.
  package static func of(_ bytes: UnsafeRawBufferPointer, after checksum: UInt32 = 0) -> UInt32 {
    tk_crc32(checksum, bytes.baseAddress, Int64(bytes.count))
  }

  /// The checksum of bytes that follow others.
  package static func of(_ bytes: some Sequence<UInt8>, after checksum: UInt32 = 0) -> UInt32 {
    bytes.withContiguousStorageIfAvailable { of(UnsafeRawBufferPointer($0), after: checksum) }
      ?? Array(bytes).withUnsafeBytes { of($0, after: checksum) }
  }

  /// Eight hexadecimal digits.
  package static func digits(_ checksum: UInt32) -> String {
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
