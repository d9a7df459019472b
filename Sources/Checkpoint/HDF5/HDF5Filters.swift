/// What was done to the chunks of a dataset before they were stored.
struct HDF5FilterPipeline {
  private enum Filter: Equatable {
    case deflate
    case shuffle(elementSize: Int)
    case fletcher32
  }

  private static let names = [4: "szip", 5: "nbit", 6: "scale-offset", 32_000: "lzf", 32_001: "blosc"]

  private var filters: [Filter] = []

  /// Whether chunks are stored as they are.
  var isEmpty: Bool { filters.isEmpty }

  /// Reads a filter message, if there is one.
  /// - Throws: ``CheckpointError`` of kind `unsupported` for filters other than deflate, shuffle and
  ///   Fletcher's checksum.
  init(_ message: HDF5Cursor?) throws {
    guard var cursor = message else { return }
    let version = try cursor.version(1...2, of: "a list of filters")
    let count = try cursor.byte()
    if version == 1 { try cursor.skip(6) }
    for _ in 0..<count {
      let number = try cursor.count(2)
      let nameLength = version == 2 && number < 256 ? 0 : try cursor.count(2)
      try cursor.skip(2)
      let valueCount = try cursor.count(2)
      try cursor.skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
      var values = try cursor.part(4 * valueCount)
      if version == 1, valueCount % 2 == 1 { try cursor.skip(4) }
      switch number {
      case 1: filters.append(.deflate)
      case 2: filters.append(.shuffle(elementSize: try values.count(4)))
      case 3: filters.append(.fletcher32)
      default:
        throw cursor.walk.unsupported(
          "data packed by \(Self.names[number] ?? "filter \(number)")", "deflate, shuffle or fletcher32")
      }
    }
    guard count <= 3, filters.count(where: { $0 == .deflate }) <= 1 else {
      throw cursor.walk.unsupported("\(count) filters", "deflate, shuffle and fletcher32 once each")
    }
  }

  /// Calls `body` with the bytes of a chunk.
  /// - Parameters:
  ///   - walk: what errors are reported through.
  ///   - stored: the bytes in the file.
  ///   - mask: a bit for each filter that was left out for this chunk.
  ///   - count: bytes of the chunk when it is unpacked.
  ///   - body: what to do with them.
  /// - Throws: ``CheckpointError`` of kind `damaged` when the bytes do not unpack to `count`.
  func withUnpacked(
    _ walk: HDF5Walk, _ stored: UnsafeRawBufferPointer, skipping mask: Int, to count: Int,
    _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let active = filters.enumerated().filter { mask >> $0.offset & 1 == 0 }.map(\.element)
    var buffers: [UnsafeMutableRawBufferPointer] = []
    defer { buffers.forEach { $0.deallocate() } }
    var bytes = stored
    for (index, filter) in active.enumerated().reversed() {
      switch filter {
      case .fletcher32:
        guard bytes.count >= 4 else { throw walk.damage("a chunk of \(bytes.count) bytes", "a checksum") }
        let content = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)])
        let checksum = bytes.loadUnaligned(fromByteOffset: content.count, as: UInt32.self)
        guard HDF5Checksum.fletcher32(content) == UInt32(littleEndian: checksum) else {
          throw walk.damage("a chunk with a wrong checksum", "that of its \(content.count) bytes")
        }
        bytes = content
      case .deflate:
        // Each checksum that was added before adds four bytes.
        let size = count + 4 * active[..<index].count(where: { $0 == .fletcher32 })
        guard size / ZipDirectory.largestRatio <= bytes.count else {
          throw walk.damage("\(bytes.count) bytes", "deflated data of \(size) bytes")
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        buffers.append(buffer)
        guard Inflation.unpack(bytes, into: buffer, format: .zlib) else {
          throw walk.damage("a chunk that does not unpack to \(size) bytes", "deflated data of that size")
        }
        bytes = UnsafeRawBufferPointer(buffer)
      case .shuffle(let size):
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        buffers.append(buffer)
        Self.unshuffle(bytes, elementSize: size, into: buffer)
        bytes = UnsafeRawBufferPointer(buffer)
      }
    }
    guard bytes.count == count else {
      throw walk.damage("a chunk of \(bytes.count) bytes", "\(count) bytes")
    }
    try body(bytes)
  }

  /// Puts the bytes of each element together again: first bytes of all elements come first, then all second
  /// bytes.
  private static func unshuffle(
    _ bytes: UnsafeRawBufferPointer, elementSize: Int, into target: UnsafeMutableRawBufferPointer
  ) {
    let count = elementSize > 1 ? bytes.count / elementSize : 0
    for byte in 0..<(count > 0 ? elementSize : 0) {
      for element in 0..<count { target[element * elementSize + byte] = bytes[byte * count + element] }
    }
    for index in (count * elementSize)..<bytes.count { target[index] = bytes[index] }
  }
}
