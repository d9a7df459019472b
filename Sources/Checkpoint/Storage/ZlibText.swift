import CMIAZlib

/// Short texts in zlib's format, as picture files carry them.
package enum ZlibText {
  /// The bytes that `packed` unfolds to, nil when it is damaged or unfolds to more than `limit`.
  package static func inflated(_ packed: [UInt8], limit: Int) -> [UInt8]? {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    guard packed.count < 1 << 30, inflateInit_(&stream, ZLIB_VERSION, size) == Z_OK else { return nil }
    defer { inflateEnd(&stream) }
    var status = Z_DATA_ERROR
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      packed.withUnsafeBufferPointer { source in
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = UInt32(source.count)
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(limit)
        status = inflate(&stream, Z_FINISH)
      }
      count = limit - Int(stream.avail_out)
    }
    return status == Z_STREAM_END ? bytes : nil
  }
}
