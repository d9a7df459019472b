/// One walk through the structures of an HDF5 file on behalf of one request.
///
/// Every number in a file is suspect: it is read through an ``HDF5Cursor``, which stays inside of its
/// structure, addresses lie inside of the file, and a walk looks at eight times as many bytes as the file has
/// at most. No structure is shared or nested often enough in a sound file to come near that, so loops and
/// trees that fan out without end are damage.
final class HDF5Walk {
  let bytes: UnsafeRawBufferPointer
  let file: String
  /// The file behind `bytes`, where much of it can be copied without touching pages.
  var mapping: MappedFile?
  /// What of the file is being looked at, for errors.
  var place: String?
  /// Where address 0 of the file lies: behind a block that belongs to the user.
  var base = 0
  /// Bytes of an address.
  var offsetSize = 8
  /// Bytes of a length.
  var lengthSize = 8
  private var allowance: Int

  init(_ bytes: UnsafeRawBufferPointer, file: String, at place: String?) {
    self.bytes = bytes
    self.file = file
    self.place = place
    allowance = 8 * bytes.count + 65_536
  }

  /// A walk through a file whose superblock was read.
  convenience init(
    _ bytes: UnsafeRawBufferPointer, _ superblock: HDF5Superblock, file: String, at place: String? = "/"
  ) {
    self.init(bytes, file: file, at: place)
    (base, offsetSize, lengthSize) = (superblock.base, superblock.offsetSize, superblock.lengthSize)
  }

  /// A cursor from `position` over `count` bytes, or up to the end of the file.
  /// - Throws: ``CheckpointError`` of kind `damaged` where the file is shorter.
  func cursor(at position: Int, count: Int? = nil) throws -> HDF5Cursor {
    let count = count ?? max(0, bytes.count - position)
    guard position >= 0, count >= 0, position <= bytes.count, count <= bytes.count - position else {
      throw damage("the end of the file at byte \(bytes.count)", "\(count) bytes from byte \(position)")
    }
    return HDF5Cursor(walk: self, position: position, end: position + count)
  }

  func spend(_ count: Int) throws {
    allowance -= count
    if allowance < 0 {
      throw damage("structures that lead back to themselves", "each part of the file to be used once")
    }
  }

  func damage(_ found: String, _ expected: String) -> CheckpointError {
    CheckpointError(.damaged, file: file, at: place, found: found, expected: expected)
  }

  func unsupported(_ found: String, _ expected: String) -> CheckpointError {
    CheckpointError(.unsupported, file: file, at: place, found: found, expected: expected)
  }
}

/// Reads the fields of one structure front to back, and throws instead of leaving it.
struct HDF5Cursor {
  let walk: HDF5Walk
  /// Offset in the file of the next byte.
  private(set) var position: Int
  /// Offset in the file of the end of the structure.
  let end: Int

  /// Largest count or length that is believed, so that sums of two cannot overflow.
  private static let largestCount: UInt64 = 1 << 61

  init(walk: HDF5Walk, position: Int, end: Int) {
    self.walk = walk
    self.position = position
    self.end = end
  }

  /// Bytes up to the end of the structure.
  var rest: Int { end - position }

  /// Passes over bytes and returns where they start.
  @discardableResult mutating func skip(_ count: Int) throws -> Int {
    guard count >= 0, count <= rest else {
      throw walk.damage("the end of a structure at byte \(end)", "\(count) more bytes from byte \(position)")
    }
    defer { position += count }
    return position
  }

  /// The next bytes as they are.
  mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    let start = try skip(count)
    try walk.spend(count)
    return UnsafeRawBufferPointer(rebasing: walk.bytes[start..<position])
  }

  /// The next bytes as a structure of its own.
  mutating func part(_ count: Int) throws -> HDF5Cursor {
    let start = try skip(count)
    return HDF5Cursor(walk: walk, position: start, end: position)
  }

  /// The next unsigned number of up to 8 bytes.
  mutating func number(_ size: Int) throws -> UInt64 {
    try take(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func byte() throws -> Int { Int(try number(1)) }

  /// The next number that counts something.
  mutating func count(_ size: Int) throws -> Int {
    let value = try number(size)
    guard value <= Self.largestCount else {
      throw walk.damage("the count \(value) at byte \(position - size)", "at most \(Self.largestCount)")
    }
    return Int(value)
  }

  /// The next number of bytes.
  mutating func length() throws -> Int { try count(walk.lengthSize) }

  /// The next address as an offset in the file, or nil where nothing was stored.
  mutating func address() throws -> Int? {
    let value = try number(walk.offsetSize)
    guard value != UInt64.max >> UInt64(64 - 8 * walk.offsetSize) else { return nil }
    guard value <= UInt64(walk.bytes.count - walk.base) else {
      throw walk.damage("the address \(value)", "one inside of \(walk.bytes.count) bytes")
    }
    return Int(value) + walk.base
  }

  /// The next address, where something must have been stored.
  mutating func requiredAddress() throws -> Int {
    guard let address = try address() else { throw walk.damage("no address", "one at byte \(position)") }
    return address
  }

  /// Text of `count` bytes, which ends early at a zero byte.
  mutating func text(_ count: Int) throws -> String {
    String(decoding: try take(count).prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Text up to a zero byte, which is passed over too.
  mutating func terminatedText() throws -> String {
    guard let zero = walk.bytes[position..<end].firstIndex(of: 0) else {
      throw walk.damage("a name at byte \(position) that does not end", "a zero byte")
    }
    defer { position = zero + 1 }
    return try text(zero - position)
  }

  /// Passes over a structure's signature and returns the byte after it, its version.
  mutating func version(after signature: String, _ allowed: ClosedRange<Int>) throws -> Int {
    let start = position
    guard rest >= signature.utf8.count, try take(signature.utf8.count).elementsEqual(signature.utf8) else {
      throw walk.damage("no `\(signature)` at byte \(start)", "such a structure")
    }
    return try version(allowed, of: "`\(signature)`")
  }

  /// The next byte, which says in what version something is written.
  mutating func version(_ allowed: ClosedRange<Int>, of what: String) throws -> Int {
    let version = try byte()
    guard allowed.contains(version) else {
      throw walk.unsupported(
        "version \(version) of \(what)", "version \(allowed.lowerBound) to \(allowed.upperBound)")
    }
    return version
  }

  /// Compares the next four bytes with the checksum of everything since `start`.
  mutating func verifyChecksum(since start: Int) throws {
    try walk.spend(position - start)
    let found = HDF5Checksum.lookup3(UnsafeRawBufferPointer(rebasing: walk.bytes[start..<position]))
    guard try number(4) == found else {
      throw walk.damage("a wrong checksum at byte \(position - 4)", "that of \(position - 4 - start) bytes")
    }
  }
}

/// The checksums that HDF5 files hold.
package enum HDF5Checksum {
  /// Bob Jenkins' lookup3 (`hashlittle` from 0), which guards structures.
  /// Source: https://burtleburtle.net/bob/c/lookup3.c
  package static func lookup3(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var a: UInt32 = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
    var (b, c) = (a, a)
    func rotated(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }
    var start = 0
    while bytes.count - start > 12 {
      a &+= UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
      b &+= UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self))
      c &+= UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt32.self))
      start += 12
      a = (a &- c) ^ rotated(c, 4)
      c &+= b
      b = (b &- a) ^ rotated(a, 6)
      a &+= c
      c = (c &- b) ^ rotated(b, 8)
      b &+= a
      a = (a &- c) ^ rotated(c, 16)
      c &+= b
      b = (b &- a) ^ rotated(a, 19)
      a &+= c
      c = (c &- b) ^ rotated(b, 4)
      b &+= a
    }
    guard start < bytes.count else { return c }
    func tail(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { word, index in
        let place = start + offset + index
        return place < bytes.count ? word | UInt32(bytes[place]) << UInt32(8 * index) : word
      }
    }
    a &+= tail(0)
    b &+= tail(4)
    c &+= tail(8)
    c = (c ^ b) &- rotated(b, 14)
    a = (a ^ c) &- rotated(c, 11)
    b = (b ^ a) &- rotated(a, 25)
    c = (c ^ b) &- rotated(b, 16)
    a = (a ^ c) &- rotated(c, 4)
    b = (b ^ a) &- rotated(a, 14)
    return (c ^ b) &- rotated(b, 24)
  }

  /// Fletcher's checksum over pairs of bytes, which guards chunks of data.
  static func fletcher32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var (first, second): (UInt32, UInt32) = (0, 0)
    func folded(_ sum: UInt32) -> UInt32 { (sum & 0xFFFF) + (sum >> 16) }
    var start = 0
    while start < bytes.count {
      // So many pairs cannot overflow.
      let end = min(start + 720, bytes.count)
      while start < end {
        let low = start + 1 < bytes.count ? UInt32(bytes[start + 1]) : 0
        first += UInt32(bytes[start]) << 8 | low
        second += first
        start += 2
      }
      first = folded(first)
      second = folded(second)
    }
    return folded(second) << 16 | folded(first)
  }
}
