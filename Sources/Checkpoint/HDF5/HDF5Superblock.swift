/// What the front of an HDF5 file says: how wide its numbers are and where its root group is.
struct HDF5Superblock: Sendable {
  /// Where address 0 of the file lies.
  let base: Int
  /// Bytes of an address.
  let offsetSize: Int
  /// Bytes of a length.
  let lengthSize: Int
  /// Where the object header of the root group lies.
  let root: Int

  /// The signature of every HDF5 file.
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Reads versions 0 to 3.
  /// - Throws: ``CheckpointError``: `wrongFormat` without the signature, `damaged` when the file is cut
  ///   short.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws {
    // The signature may stand behind a block of the user's of 512 bytes, or twice that, and so on.
    var base = 0
    while base <= bytes.count - 8, !bytes[base..<(base + 8)].elementsEqual(Self.signature) {
      base = base == 0 ? 512 : 2 * base
    }
    guard base <= bytes.count - 8 else {
      let found = bytes.isEmpty ? "an empty file" : "\(bytes.count) bytes without an HDF5 signature"
      throw CheckpointError(.wrongFormat, file: file, found: found, expected: "an HDF5 file")
    }
    let walk = HDF5Walk(bytes, file: file, at: nil)
    walk.base = base
    var cursor = try walk.cursor(at: base + 8)
    let version = try cursor.version(0...3, of: "the superblock")
    if version < 2 { try cursor.skip(4) }
    (walk.offsetSize, walk.lengthSize) = (try cursor.byte(), try cursor.byte())
    for size in [walk.offsetSize, walk.lengthSize] where ![2, 4, 8].contains(size) {
      throw walk.unsupported("numbers of \(size) bytes", "2, 4 or 8")
    }
    if version == 3 {
      // Bit 0: opened for writing, bit 2: by a writer whose readers look on. The library refuses both.
      guard try cursor.byte() & 0b101 == 0 else {
        throw walk.unsupported("a file that is open for writing or was not closed", "a closed file")
      }
    } else {
      // Reserved bytes, ranks of trees that sound trees keep by themselves, and flags.
      try cursor.skip([9, 13, 1][version])
    }
    let stored = try cursor.number(walk.offsetSize)
    guard stored == 0 || stored == UInt64(base) else {
      throw walk.damage("a base address of \(stored)", "\(base), where the signature is")
    }
    _ = try cursor.address()
    let end = try cursor.count(walk.offsetSize)
    guard end <= bytes.count else {
      throw walk.damage("\(bytes.count) bytes", "\(end), as the file says of itself")
    }
    if version < 2 {
      guard try cursor.address() == nil else {
        throw walk.unsupported("a file that is one of several", "a file on its own")
      }
      try cursor.skip(walk.offsetSize)
    }
    root = try cursor.requiredAddress()
    if version >= 2 { try cursor.verifyChecksum(since: base) }
    self.base = base
    (offsetSize, lengthSize) = (walk.offsetSize, walk.lengthSize)
  }
}
