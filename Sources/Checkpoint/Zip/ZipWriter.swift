import CMIAZlib

/// Writes a zip archive front to back, stored or deflated, with zip64 records where sizes need them.
struct ZipWriter {
  private struct Entry {
    let name: [UInt8]
    let method: UInt16
    let checksum: UInt32
    let packedSize: UInt64
    let size: UInt64
    let offset: UInt64
  }

  /// From here on a size stands in a 64-bit field.
  private static let limit: UInt64 = 0xFFFF_FFFF
  /// 1980-01-01, the first date there is: the same content gives the same bytes.
  private static let date: UInt32 = 0x0021_0000

  private let output: OutputFile
  private let file: String
  private var position: UInt64 = 0
  private var entries: [Entry] = []

  init(_ output: OutputFile, file: String) {
    self.output = output
    self.file = file
  }

  /// Adds a member whose content is the given pieces one after the other.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  mutating func add(_ name: String, _ pieces: [UnsafeRawBufferPointer], deflating: Bool) throws {
    let size = pieces.reduce(0) { $0 + UInt64($1.count) }
    let checksum = pieces.reduce(0) { Inflation.checksum($1, following: $0) }
    let packed = deflating ? try deflated(pieces, name) : nil
    let entry = Entry(
      name: [UInt8](name.utf8), method: deflating ? 8 : 0, checksum: checksum,
      packedSize: packed.map { UInt64($0.count) } ?? size, size: size, offset: position)
    guard entry.name.count <= 0xFFFF else {
      throw CheckpointError(
        .cannotWrite, file: file, at: name, found: "a name of \(entry.name.count) bytes",
        expected: "at most 65535")
    }
    let isLarge = entry.size >= Self.limit || entry.packedSize >= Self.limit
    var header = Record()
    header.add(0x0403_4B50 as UInt32)
    header.add(entry, isLarge: isLarge)
    header.add(UInt16(isLarge ? 20 : 0))
    header.bytes += entry.name
    if isLarge { header.add(zip64: [entry.size, entry.packedSize]) }
    try write(header.bytes)
    if let packed {
      try write(packed)
    } else {
      for piece in pieces {
        try output.write(piece)
        position += UInt64(piece.count)
      }
    }
    entries.append(entry)
  }

  /// Writes the directory.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`.
  mutating func finish() throws {
    let start = position
    for entry in entries {
      let isLarge = entry.size >= Self.limit || entry.packedSize >= Self.limit || entry.offset >= Self.limit
      var record = Record()
      record.add(0x0201_4B50 as UInt32)
      record.add(UInt16(45))
      record.add(entry, isLarge: isLarge)
      record.add(UInt16(isLarge ? 28 : 0))
      // No comment, disk 0, no attributes.
      record.bytes += [UInt8](repeating: 0, count: 10)
      record.add(isLarge ? UInt32.max : UInt32(entry.offset))
      record.bytes += entry.name
      if isLarge { record.add(zip64: [entry.size, entry.packedSize, entry.offset]) }
      try write(record.bytes)
    }
    let (size, count) = (position - start, UInt64(entries.count))
    var end = Record()
    if count >= 0xFFFF || size >= Self.limit || start >= Self.limit {
      let record = position
      end.add(0x0606_4B50 as UInt32)
      end.add(44 as UInt64)
      end.add(45 as UInt16)
      end.add(45 as UInt16)
      end.add(0 as UInt64)
      for number in [count, count, size, start] { end.add(number) }
      end.add(0x0706_4B50 as UInt32)
      end.add(0 as UInt32)
      end.add(record)
      end.add(1 as UInt32)
    }
    end.add(0x0605_4B50 as UInt32)
    end.add(0 as UInt32)
    for _ in 0..<2 { end.add(UInt16(clamping: count)) }
    end.add(UInt32(clamping: size))
    end.add(UInt32(clamping: start))
    end.add(0 as UInt16)
    try write(end.bytes)
  }

  private mutating func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try output.write($0) }
    position += UInt64(bytes.count)
  }

  private func deflated(_ pieces: [UnsafeRawBufferPointer], _ name: String) throws -> [UInt8] {
    var stream = z_stream()
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    guard
      deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw CheckpointError(.cannotWrite, file: file, at: name, found: "zlib does not start") }
    defer { deflateEnd(&stream) }
    for (index, piece) in pieces.enumerated() {
      var rest = piece
      repeat {
        let length = min(rest.count, 1 << 30)
        let isLast = index == pieces.count - 1 && length == rest.count
        stream.next_in = rest.baseAddress.map {
          UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: UInt8.self)
        }
        stream.avail_in = UInt32(length)
        repeat {
          let capacity = buffer.count
          buffer.withUnsafeMutableBufferPointer { room in
            stream.next_out = room.baseAddress
            stream.avail_out = UInt32(capacity)
            _ = deflate(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
          }
          result += buffer.prefix(capacity - Int(stream.avail_out))
        } while stream.avail_out == 0
        rest = UnsafeRawBufferPointer(rebasing: rest[length...])
      } while !rest.isEmpty
    }
    return result
  }

  /// Little-endian numbers one after the other.
  private struct Record {
    var bytes: [UInt8] = []

    mutating func add<Number: FixedWidthInteger>(_ number: Number) {
      withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }

    /// The part that local headers and the directory share, from the version needed to the length of the
    /// name.
    mutating func add(_ entry: Entry, isLarge: Bool) {
      add(UInt16(45))
      // Names are UTF-8.
      add(UInt16(entry.name.allSatisfy { $0 < 0x80 } ? 0 : 0x800))
      add(entry.method)
      add(ZipWriter.date)
      add(entry.checksum)
      add(isLarge ? UInt32.max : UInt32(entry.packedSize))
      add(isLarge ? UInt32.max : UInt32(entry.size))
      add(UInt16(entry.name.count))
    }

    mutating func add(zip64 numbers: [UInt64]) {
      add(1 as UInt16)
      add(UInt16(8 * numbers.count))
      for number in numbers { add(number) }
    }
  }
}
