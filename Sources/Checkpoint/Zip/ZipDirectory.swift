import CMIAZlib

/// The central directory of a zip archive, checked against the bytes it describes.
///
/// Zip64 is read; archives in several parts, encrypted members and methods other than stored and deflated are
/// refused.
/// Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
struct ZipDirectory {
  /// One file of the archive.
  struct Member {
    let name: String
    let isDeflated: Bool
    let checksum: UInt32
    /// Bytes when unpacked.
    let size: Int
    /// Where its packed bytes lie.
    let range: Range<Int>
  }

  /// Most bytes that deflate can make of one.
  static let largestRatio = 1032

  let members: [Member]

  /// - Parameter expected: what errors call the file that should be here.
  /// - Throws: ``CheckpointError``.
  init(_ bytes: UnsafeRawBufferPointer, file: String, limit: Int, expected: String = "an npz file") throws {
    func error(
      _ kind: CheckpointError.Kind, _ place: String?, _ found: String, _ expected: String
    ) -> CheckpointError {
      CheckpointError(kind, file: file, at: place, found: found, expected: expected)
    }
    let end = try ZipEnd(bytes, file: file, expected: expected)
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: bytes[..<end.position]), file: file, position: end.directory.lowerBound
    )
    var members: [Member] = []
    var taken: [Range<Int>] = []
    var total = 0
    for number in 0..<end.count {
      let entry = try ZipEntry(&reader, file: file, number: number)
      guard entry.flags & 0x2041 == 0 else {
        throw error(.unsupported, entry.name, "an encrypted member", "plain members")
      }
      guard entry.method == 0 || entry.method == 8 else {
        throw error(
          .unsupported, entry.name, "compression method \(entry.method)", "stored or deflated members")
      }
      guard entry.method == 8 || entry.size == entry.packedSize else {
        throw error(.damaged, entry.name, "\(entry.packedSize) stored bytes", "\(entry.size)")
      }
      guard entry.size / Self.largestRatio <= entry.packedSize, entry.size <= limit - total else {
        throw error(
          .damaged, entry.name, "\(entry.packedSize) bytes that claim to unpack to \(entry.size)",
          "at most \(Self.largestRatio) times as many, and \(limit) in all members")
      }
      total += entry.size
      let start = try Self.content(of: entry, in: bytes, before: end.directory.lowerBound, file: file)
      taken.append(entry.offset..<(start + entry.packedSize))
      members.append(
        Member(
          name: entry.name, isDeflated: entry.method == 8, checksum: entry.checksum, size: entry.size,
          range: start..<(start + entry.packedSize)))
    }
    guard reader.position == end.directory.upperBound else {
      throw error(
        .damaged, "directory", "an end at byte \(reader.position)",
        "an end at byte \(end.directory.upperBound)")
    }
    taken.sort { $0.lowerBound < $1.lowerBound }
    for (first, second) in zip(taken, taken.dropFirst()) where first.upperBound > second.lowerBound {
      throw error(
        .damaged, "directory", "members that overlap at byte \(second.lowerBound)",
        "members of their own bytes")
    }
    self.members = members
  }

  /// Where the packed bytes of a member begin, behind its local header.
  private static func content(
    of entry: ZipEntry, in bytes: UnsafeRawBufferPointer, before limit: Int, file: String
  ) throws -> Int {
    var reader = ByteReader(
      UnsafeRawBufferPointer(rebasing: bytes[..<limit]), file: file, position: min(entry.offset, limit))
    let signature = try reader.next(UInt32.self, entry.name)
    guard signature == 0x0403_4B50 else {
      throw CheckpointError(
        .damaged, file: file, at: entry.name, found: "no member at byte \(entry.offset)",
        expected: "the header of one")
    }
    _ = try reader.advance(4, entry.name)
    let method = try reader.next(UInt16.self, entry.name)
    _ = try reader.advance(16, entry.name)
    let nameLength = Int(try reader.next(UInt16.self, entry.name))
    let extraLength = Int(try reader.next(UInt16.self, entry.name))
    let name = try reader.text(nameLength, entry.name)
    guard name == entry.name, method == entry.method else {
      throw CheckpointError(
        .damaged, file: file, at: entry.name, found: "a member `\(name)` of method \(method)",
        expected: "what the directory says, method \(entry.method)")
    }
    _ = try reader.advance(extraLength, entry.name)
    return try reader.advance(entry.packedSize, entry.name)
  }
}

extension ZipDirectory.Member {
  /// Calls `body` with the unpacked bytes, after their number and checksum were compared.
  /// - Throws: ``CheckpointError`` of kind `damaged`, or what `body` throws.
  func withContent<Result>(
    _ archive: UnsafeRawBufferPointer, file: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let packed = UnsafeRawBufferPointer(rebasing: archive[range])
    guard isDeflated else {
      try verify(packed, file: file)
      return try body(packed)
    }
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 64)
    defer { target.deallocate() }
    guard Inflation.unpack(packed, into: UnsafeMutableRawBufferPointer(rebasing: target[..<size])) else {
      throw CheckpointError(
        .damaged, file: file, at: name, found: "bytes that do not unpack to \(size)",
        expected: "deflated data of that size")
    }
    let content = UnsafeRawBufferPointer(rebasing: target[..<size])
    try verify(content, file: file)
    return try body(content)
  }

  private func verify(_ content: UnsafeRawBufferPointer, file: String) throws {
    let found = Inflation.checksum(content)
    guard found == checksum else {
      throw CheckpointError(
        .damaged, file: file, at: name, found: "checksum \(String(found, radix: 16))",
        expected: String(checksum, radix: 16))
    }
  }
}

/// One entry of the central directory.
private struct ZipEntry {
  let name: String
  let flags: UInt16
  let method: UInt16
  let checksum: UInt32
  let packedSize: Int
  let size: Int
  let offset: Int

  init(_ reader: inout ByteReader, file: String, number: Int) throws {
    let place = "directory entry \(number)"
    func damage(_ found: String, _ expected: String) -> CheckpointError {
      CheckpointError(.damaged, file: file, at: place, found: found, expected: expected)
    }
    guard try reader.next(UInt32.self, place) == 0x0201_4B50 else {
      throw damage("no entry", "its signature")
    }
    _ = try reader.advance(4, place)
    flags = try reader.next(UInt16.self, place)
    method = try reader.next(UInt16.self, place)
    _ = try reader.advance(4, place)
    checksum = try reader.next(UInt32.self, place)
    var numbers = [UInt64(try reader.next(UInt32.self, place)), UInt64(try reader.next(UInt32.self, place))]
    let nameLength = Int(try reader.next(UInt16.self, place))
    let extraLength = Int(try reader.next(UInt16.self, place))
    let commentLength = Int(try reader.next(UInt16.self, place))
    let disk = try reader.next(UInt16.self, place)
    _ = try reader.advance(6, place)
    numbers.append(UInt64(try reader.next(UInt32.self, place)))
    name = try reader.text(nameLength, place)
    guard disk == 0 else { throw damage("a member on disk \(disk)", "an archive in one part") }
    // Zip64: sizes that do not fit into 32 bits stand in an extra field, in the order unpacked, packed,
    // offset.
    let extraEnd = reader.position + extraLength
    while extraEnd - reader.position >= 4 {
      let kind = try reader.next(UInt16.self, place)
      let length = Int(try reader.next(UInt16.self, place))
      let fieldEnd = reader.position + length
      guard fieldEnd <= extraEnd else { throw damage("an extra field that is too long", "whole fields") }
      if kind == 1 {
        for index in [1, 0, 2] where numbers[index] == 0xFFFF_FFFF {
          guard fieldEnd - reader.position >= 8 else { throw damage("a short zip64 field", "64-bit sizes") }
          numbers[index] = try reader.next(UInt64.self, place)
        }
      }
      _ = try reader.advance(fieldEnd - reader.position, place)
    }
    _ = try reader.advance(extraEnd - reader.position, place)
    _ = try reader.advance(commentLength, place)
    guard numbers.allSatisfy({ $0 <= UInt64(Int.max) / 2 }) else {
      throw damage("sizes \(numbers)", "sizes below 2^62")
    }
    (packedSize, size, offset) = (Int(numbers[0]), Int(numbers[1]), Int(numbers[2]))
  }
}

/// The record at the end of an archive, which says where the directory is.
private struct ZipEnd {
  /// Where the record, or its zip64 form, begins.
  let position: Int
  let count: Int
  let directory: Range<Int>

  init(_ bytes: UnsafeRawBufferPointer, file: String, expected: String) throws {
    func damage(_ found: String, _ expected: String) -> CheckpointError {
      CheckpointError(.damaged, file: file, at: "end of directory", found: found, expected: expected)
    }
    // A comment of up to 65535 bytes may follow the record's 22.
    let earliest = max(0, bytes.count - 22 - 0xFFFF)
    guard bytes.count >= 22, bytes[0] == 0x50, bytes[1] == 0x4B,
      let record = stride(from: bytes.count - 22, through: earliest, by: -1).first(where: { start in
        bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self) == 0x0605_4B50
          && Int(bytes.loadUnaligned(fromByteOffset: start + 20, as: UInt16.self)) == bytes.count - start - 22
      })
    else {
      throw CheckpointError(.wrongFormat, file: file, found: "no zip archive", expected: expected)
    }
    var reader = ByteReader(bytes, file: file, position: record + 4)
    let disks = (try reader.next(UInt16.self, "end"), try reader.next(UInt16.self, "end"))
    let counts = (try reader.next(UInt16.self, "end"), try reader.next(UInt16.self, "end"))
    var numbers = (
      count: UInt64(counts.1), size: UInt64(try reader.next(UInt32.self, "end")),
      offset: UInt64(try reader.next(UInt32.self, "end"))
    )
    var position = record
    guard disks.0 == disks.1, counts.0 == counts.1, disks.0 == 0 || disks.0 == 0xFFFF else {
      throw damage("several parts", "an archive in one part")
    }
    // Some writers add the zip64 record to archives that could do without.
    let hasLocator =
      record >= 20 && bytes.loadUnaligned(fromByteOffset: record - 20, as: UInt32.self) == 0x0706_4B50
    if hasLocator || numbers.count == 0xFFFF || numbers.size == 0xFFFF_FFFF || numbers.offset == 0xFFFF_FFFF {
      guard hasLocator else {
        throw damage("no zip64 record", "one, as the sizes are too large for the plain record")
      }
      let start = bytes.loadUnaligned(fromByteOffset: record - 12, as: UInt64.self)
      guard start <= UInt64(record - 20), record - 20 - Int(start) >= 56 else {
        throw damage("a zip64 record at byte \(start)", "one before byte \(record - 20)")
      }
      reader = ByteReader(bytes, file: file, position: Int(start))
      guard try reader.next(UInt32.self, "end") == 0x0606_4B50 else {
        throw damage("no zip64 record at byte \(start)", "its signature")
      }
      _ = try reader.advance(28, "end")
      numbers.count = try reader.next(UInt64.self, "end")
      numbers.size = try reader.next(UInt64.self, "end")
      numbers.offset = try reader.next(UInt64.self, "end")
      position = Int(start)
    }
    guard numbers.offset <= UInt64(position), numbers.size == UInt64(position) - numbers.offset,
      numbers.count <= numbers.size / 46
    else {
      throw damage(
        "\(numbers.count) entries in \(numbers.size) bytes from byte \(numbers.offset)",
        "a directory that ends at byte \(position)")
    }
    self.position = position
    count = Int(numbers.count)
    directory = Int(numbers.offset)..<position
  }
}

/// zlib's formats and checksum.
enum Inflation {
  /// What is around deflated data.
  enum Format: Int32 {
    /// Nothing.
    case raw = -15
    /// Two bytes in front and a checksum behind.
    case zlib = 15
  }

  /// Unpacks all of `packed` into exactly all of `target`.
  static func unpack(
    _ packed: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, format: Format = .raw
  ) -> Bool {
    var stream = z_stream()
    guard inflateInit2_(&stream, format.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else {
      return false
    }
    defer { inflateEnd(&stream) }
    var (read, written) = (0, 0)
    // One byte more than wanted tells whether the data goes on.
    var spare: UInt8 = 0
    while true {
      let (input, room) = (min(packed.count - read, 1 << 30), min(target.count - written, 1 << 30))
      stream.next_in = packed.baseAddress.map {
        UnsafeMutableRawPointer(mutating: $0 + read).assumingMemoryBound(to: UInt8.self)
      }
      stream.avail_in = UInt32(input)
      let status = withUnsafeMutablePointer(to: &spare) { spare in
        stream.next_out =
          room == 0 ? spare : target.baseAddress!.assumingMemoryBound(to: UInt8.self) + written
        stream.avail_out = UInt32(max(room, 1))
        return inflate(&stream, Z_NO_FLUSH)
      }
      read += input - Int(stream.avail_in)
      let made = max(room, 1) - Int(stream.avail_out)
      written += made
      if written > target.count { return false }
      switch status {
      case Z_STREAM_END: return written == target.count && read == packed.count
      case Z_OK where made > 0 || input > Int(stream.avail_in): continue
      default: return false
      }
    }
  }

  /// CRC-32 of some bytes.
  static func checksum(_ bytes: UnsafeRawBufferPointer, following start: UInt32 = 0) -> UInt32 {
    UInt32(
      truncatingIfNeeded: crc32_z(
        UInt(start), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
  }
}
