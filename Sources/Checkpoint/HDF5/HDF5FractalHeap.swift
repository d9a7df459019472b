/// A fractal heap, in which large groups keep their links and objects with many attributes keep those.
final class HDF5FractalHeap {
  private let walk: HDF5Walk
  private let address: Int
  private let lengthBytes: Int
  private let offsetBytes: Int
  private let identifierSize: Int
  private let width: Int
  private let startingSize: Int
  private let largestDirect: Int
  private let rootRows: Int
  private let root: Int?
  private let hugeTree: Int?
  /// Children of the indirect blocks that were read.
  private var children: [Int: [Int?]] = [:]

  /// Reads the heap's header.
  /// - Throws: ``CheckpointError``.
  init(_ walk: HDF5Walk, at address: Int) throws {
    self.walk = walk
    self.address = address
    var cursor = try walk.cursor(at: address)
    _ = try cursor.version(after: "FRHP", 0...0)
    identifierSize = try cursor.count(2)
    guard try cursor.count(2) == 0 else { throw walk.unsupported("a compressed heap", "a plain one") }
    try cursor.skip(1)
    let largestManaged = try cursor.count(4)
    try cursor.skip(walk.lengthSize)
    hugeTree = try cursor.address()
    // Counts, sizes and free space, which reading does not need.
    try cursor.skip(9 * walk.lengthSize + walk.offsetSize)
    width = try cursor.count(2)
    startingSize = try cursor.length()
    largestDirect = try cursor.length()
    let bits = try cursor.count(2)
    try cursor.skip(2)
    root = try cursor.address()
    rootRows = try cursor.count(2)
    try cursor.verifyChecksum(since: address)
    guard width > 0, startingSize > 0, largestDirect >= startingSize, largestDirect <= 1 << 32, bits <= 64,
      startingSize.nonzeroBitCount == 1, largestDirect.nonzeroBitCount == 1, width.nonzeroBitCount == 1
    else {
      throw walk.damage("a heap of \(width) blocks of \(startingSize) bytes in a row", "powers of two")
    }
    offsetBytes = (bits + 7) / 8
    let lengthBits = Int.bitWidth - 1 - max(largestManaged, 1).leadingZeroBitCount
    lengthBytes = min((largestDirect.trailingZeroBitCount + 7) / 8, lengthBits / 8 + 1)
  }

  /// The object that an identifier stands for; `identifier` is passed over.
  func object(_ identifier: inout HDF5Cursor) throws -> HDF5Cursor {
    var identifier = try identifier.part(identifierSize)
    let flags = try identifier.byte()
    switch flags >> 4 {
    case 0:
      return try managed(try identifier.count(offsetBytes), try identifier.count(lengthBytes))
    case 1:
      return try huge(try identifier.number(min(identifier.rest, 8)))
    case 2 where identifierSize <= 18:
      let count = flags & 15 + 1
      return HDF5Cursor(walk: walk, position: try identifier.skip(count), end: identifier.position)
    default:
      throw walk.unsupported("a heap object of type \(flags >> 4)", "one of type 0 to 2")
    }
  }

  /// An object inside of the heap's blocks.
  private func managed(_ offset: Int, _ count: Int) throws -> HDF5Cursor {
    guard var block = root else { throw walk.damage("an object in an empty heap", "none") }
    var (offset, rows, size) = (offset, rootRows, startingSize)
    // A block that leads on covers a power of two more than each of its children, so this ends.
    while rows > 0 {
      let (row, rowSize, column, rest) = try self.place(offset, rows)
      let entries = try children(of: block, rows: rows)
      guard let child = entries[row * width + column] else {
        throw walk.damage("an object in a block of the heap that is not there", "a stored block")
      }
      (block, offset, size) = (child, rest, rowSize)
      rows =
        rowSize <= largestDirect
        ? 0 : rowSize.trailingZeroBitCount - (startingSize * width).trailingZeroBitCount + 1
    }
    var cursor = try walk.cursor(at: block)
    _ = try cursor.version(after: "FHDB", 0...0)
    guard offset <= size, count <= size - offset else {
      throw walk.damage("an object of \(count) bytes across the end of a heap block", "one inside")
    }
    return try walk.cursor(at: block + offset, count: count)
  }

  /// The row and column of the block that covers an offset, its size, and the offset inside of it.
  private func place(_ offset: Int, _ rows: Int) throws -> (row: Int, size: Int, column: Int, rest: Int) {
    var (row, size, start) = (0, startingSize, 0)
    while row < rows, size <= 1 << 44 {
      let covered = size * width
      if offset - start < covered { return (row, size, (offset - start) / size, (offset - start) % size) }
      start += covered
      row += 1
      if row > 1 { size *= 2 }
    }
    throw walk.damage("offset \(offset) of the heap", "one in its \(rows) rows")
  }

  private func children(of block: Int, rows: Int) throws -> [Int?] {
    if let known = children[block], known.count == rows * width { return known }
    var cursor = try walk.cursor(at: block)
    _ = try cursor.version(after: "FHIB", 0...0)
    try cursor.skip(walk.offsetSize + offsetBytes)
    guard rows * width <= cursor.rest / walk.offsetSize else {
      throw walk.damage("a heap block of \(rows) rows", "rows that the file holds")
    }
    let entries = try (0..<(rows * width)).map { _ in try cursor.address() }
    try cursor.verifyChecksum(since: block)
    children[block] = entries
    return entries
  }

  /// An object that is too large for blocks, which a tree finds by its number.
  private func huge(_ number: UInt64) throws -> HDF5Cursor {
    guard let hugeTree else { throw walk.damage("a large object in a heap without any", "none") }
    var place: (position: Int, count: Int)?
    try HDF5TreeV2.forEachRecord(walk, at: hugeTree, types: [1]) { _, record in
      var record = record
      let (position, count) = (try record.requiredAddress(), try record.length())
      if try record.number(walk.lengthSize) == number { place = (position, count) }
    }
    guard let place else {
      throw walk.damage("large object \(number), which is not there", "one of the heap")
    }
    return try walk.cursor(at: place.position, count: place.count)
  }
}
