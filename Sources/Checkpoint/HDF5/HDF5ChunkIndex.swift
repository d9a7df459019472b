/// Where the chunks of a dataset are: one of the six structures that HDF5 has for that.
struct HDF5ChunkIndex {
  /// One stored chunk.
  struct Chunk {
    let position: Int
    /// Bytes in the file; nil for a whole chunk without filters.
    let storedSize: Int?
    /// A bit for each filter that was left out.
    let filterMask: Int
    /// The first element's index on each axis.
    let origin: [Int]
  }

  private enum Kind {
    case tree, secondTree, fixedArray, extensibleArray, consecutive
    case single(size: Int?, mask: Int)
  }

  /// Elements of a chunk on each axis.
  let extents: [Int]
  /// Bytes of an unpacked chunk.
  let chunkBytes: Int
  /// Whether chunks that reach over the end of the dataset are stored without filters.
  let keepsPartialChunksPlain: Bool
  private let kind: Kind
  private let address: Int?
  private let shape: [Int]
  private let limits: [Int?]

  /// Reads the part of a layout message that is about chunks.
  /// - Throws: ``CheckpointError``.
  init(
    _ layout: inout HDF5Cursor, _ version: Int, _ rank: Int, _ type: HDF5Datatype, _ shape: [Int],
    _ space: HDF5Dataspace
  ) throws {
    self.shape = shape
    limits = space.limits
    var extents: [Int]
    if version >= 4 {
      let flags = try layout.byte()
      let rank = try layout.byte()
      let size = try layout.byte()
      guard (1...8).contains(size) else { throw layout.walk.damage("extents of \(size) bytes", "1 to 8") }
      extents = try (0..<rank).map { _ in try layout.count(size) }
      keepsPartialChunksPlain = flags & 1 != 0
      kind = try Self.kind(&layout, flags)
      address = try layout.address()
    } else {
      keepsPartialChunksPlain = false
      kind = .tree
      let rank = version == 3 ? try layout.byte() : rank
      address = try layout.address()
      extents = try (0..<rank).map { _ in try layout.count(4) }
    }
    // The last extent is the size of an element.
    guard extents.count == shape.count + 1, shape.count > 0, extents.popLast() == type.byteCount,
      !extents.contains(0),
      let bytes = ElementType.uint8.byteCount(shape: extents + [type.byteCount])
    else {
      throw layout.walk.damage(
        "chunks of \(extents) for elements of shape \(shape)", "one extent for each axis")
    }
    self.extents = extents
    chunkBytes = bytes
  }

  private static func kind(_ layout: inout HDF5Cursor, _ flags: Int) throws -> Kind {
    let number = try layout.byte()
    switch number {
    case 1:
      guard flags & 2 != 0 else { return .single(size: nil, mask: 0) }
      return .single(size: try layout.length(), mask: try layout.count(4))
    case 2: return .consecutive
    // The sizes that follow stand in the headers of the structures too.
    case 3:
      try layout.skip(1)
      return .fixedArray
    case 4:
      try layout.skip(5)
      return .extensibleArray
    case 5:
      try layout.skip(6)
      return .secondTree
    default: throw layout.walk.unsupported("chunk index \(number)", "one of 1 to 5")
    }
  }

  /// Calls `body` with each stored chunk that lies in the dataset.
  /// - Throws: ``CheckpointError``, or what `body` throws.
  func forEachChunk(_ walk: HDF5Walk, _ body: (Chunk) throws -> Void) throws {
    guard let address else { return }
    func visit(_ position: Int, _ size: Int?, _ mask: Int, _ chunk: [Int]) throws {
      var origin: [Int] = []
      for (axis, index) in chunk.enumerated() {
        let (start, overflow) = index.multipliedReportingOverflow(by: extents[axis])
        // What was left over from when the dataset was larger.
        guard !overflow, start < shape[axis] else { return }
        origin.append(start)
      }
      try body(Chunk(position: position, storedSize: size, filterMask: mask, origin: origin))
    }
    switch kind {
    case .tree:
      try HDF5TreeV1.forEachChild(walk, at: address, type: 1, keySize: 8 + 8 * (shape.count + 1)) {
        key, child in
        var key = key
        let (size, mask) = (try key.count(4), try key.count(4))
        let chunk = try extents.map { extent in
          let start = try key.count(8)
          guard start % extent == 0 else {
            throw walk.damage("a chunk at element \(start)", "a multiple of \(extent)")
          }
          return start / extent
        }
        try visit(child, size, mask, chunk)
      }
    case .secondTree:
      try HDF5TreeV2.forEachRecord(walk, at: address, types: [10, 11]) { type, record in
        var record = record
        guard let position = try record.address() else { return }
        let sizeBytes = record.rest - 4 - 8 * shape.count
        let size = type == 11 ? try record.count(min(sizeBytes, 8)) : nil
        let mask = type == 11 ? try record.count(4) : 0
        try visit(position, size, mask, try shape.map { _ in try record.count(8) })
      }
    case .single(let size, let mask): try visit(address, size, mask, shape.map { _ in 0 })
    case .consecutive:
      let grid = try grid(walk, limits)
      for number in 0..<(try count(of: grid, walk)) {
        try visit(address + number * chunkBytes, nil, 0, Self.indices(number, grid))
      }
    case .fixedArray:
      let grid = try grid(walk, limits)
      try HDF5ChunkArray.forEachFixed(walk, at: address) { try visit($1, $2, $3, Self.indices($0, grid)) }
    case .extensibleArray:
      // The axis without limit counts as the slowest.
      guard let free = limits.firstIndex(where: { $0 == nil }) else {
        throw walk.damage("an extensible array of chunks", "an axis without limit")
      }
      var order = limits
      order.insert(order.remove(at: free), at: 0)
      let moved = try grid(
        walk, order, extents: [extents[free]] + extents.enumerated().filter { $0.0 != free }.map(\.1))
      try HDF5ChunkArray.forEachExtensible(walk, at: address) { number, position, size, mask in
        var chunk = Self.indices(number, moved)
        chunk.insert(chunk.removeFirst(), at: free)
        try visit(position, size, mask, chunk)
      }
    }
  }

  /// How many chunks there can be on each axis but the first.
  private func grid(_ walk: HDF5Walk, _ limits: [Int?], extents: [Int]? = nil) throws -> [Int] {
    try zip(limits, extents ?? self.extents).enumerated().map { axis, pair in
      guard axis > 0 else { return 1 }
      guard let limit = pair.0 else { throw walk.damage("two axes without limit", "at most one") }
      return max(1, limit / pair.1 + (limit % pair.1 == 0 ? 0 : 1))
    }
  }

  /// How many consecutive chunks the file can hold at most.
  private func count(of grid: [Int], _ walk: HDF5Walk) throws -> Int {
    let first = limits[0].map { min($0 / extents[0], 1 << 61) + 1 } ?? .max
    let (total, overflow) = grid.reduce((first, false)) {
      let (product, overflow) = $0.0.multipliedReportingOverflow(by: $1)
      return (product, $0.1 || overflow)
    }
    return min(overflow ? .max : total, walk.bytes.count / chunkBytes)
  }

  private static func indices(_ number: Int, _ grid: [Int]) -> [Int] {
    var (rest, result) = (number, grid)
    for axis in stride(from: grid.count - 1, to: 0, by: -1) {
      (rest, result[axis]) = rest.quotientAndRemainder(dividingBy: grid[axis])
    }
    result[0] = rest
    return result
  }
}

/// The arrays that newer files keep the places of chunks in, numbered by their position in the grid.
enum HDF5ChunkArray {
  typealias Visitor = (_ number: Int, _ position: Int, _ size: Int?, _ mask: Int) throws -> Void

  /// A bit for each page of elements, 0 for one that was never written.
  private struct WrittenPages {
    let bits: UnsafeRawBufferPointer
    /// The bit of the first page.
    var first = 0

    subscript(page: Int) -> Bool { bits[(first + page) / 8] & (0x80 >> UInt8((first + page) % 8)) != 0 }
  }

  /// The elements of an array: an address, and for filtered chunks a size and the filters left out.
  private struct Element {
    let isFiltered: Bool
    let size: Int

    init(_ cursor: inout HDF5Cursor) throws {
      isFiltered = try cursor.byte() == 1
      size = try cursor.byte()
      let smallest = cursor.walk.offsetSize + (isFiltered ? 5 : 0)
      guard size >= smallest, size <= smallest + 7 else {
        throw cursor.walk.damage("array elements of \(size) bytes", "at least \(smallest)")
      }
    }

    /// Visits elements `first`, `first + 1`, … of which `count` follow.
    func visit(_ cursor: inout HDF5Cursor, first: Int, count: Int, _ visitor: Visitor) throws {
      for number in 0..<count {
        let position = try cursor.address()
        let bytes = isFiltered ? try cursor.count(size - cursor.walk.offsetSize - 4) : nil
        let mask = isFiltered ? try cursor.count(4) : 0
        if let position { try visitor(first + number, position, bytes, mask) }
      }
    }

    /// Visits the elements of pages, each followed by its checksum.
    func visitPages(
      _ cursor: inout HDF5Cursor, first: Int, count: Int, perPage: Int, written: WrittenPages,
      _ visitor: Visitor
    ) throws {
      for (page, start) in stride(from: 0, to: count, by: perPage).enumerated() {
        let inside = min(perPage, count - start)
        let begin = cursor.position
        if written[page] {
          try visit(&cursor, first: first + start, count: inside, visitor)
          try cursor.verifyChecksum(since: begin)
        } else {
          try cursor.skip(inside * size + 4)
        }
      }
    }
  }

  /// Visits the chunks of a fixed array.
  /// - Throws: ``CheckpointError``, or what `visitor` throws.
  static func forEachFixed(_ walk: HDF5Walk, at address: Int, _ visitor: Visitor) throws {
    var header = try walk.cursor(at: address)
    _ = try header.version(after: "FAHD", 0...0)
    let element = try Element(&header)
    let pageBits = try header.byte()
    let count = try header.length()
    let data = try header.address()
    try header.verifyChecksum(since: address)
    guard let data else { return }
    guard pageBits < 32, count <= walk.bytes.count else {
      throw walk.damage("an array of \(count) chunks", "no more than the file can hold")
    }
    var block = try walk.cursor(at: data)
    _ = try block.version(after: "FADB", 0...0)
    try block.skip(1 + walk.offsetSize)
    let perPage = 1 << pageBits
    if count <= perPage {
      try element.visit(&block, first: 0, count: count, visitor)
      try block.verifyChecksum(since: data)
    } else {
      let written = WrittenPages(bits: try block.take(((count + perPage - 1) / perPage + 7) / 8))
      try block.verifyChecksum(since: data)
      try element.visitPages(&block, first: 0, count: count, perPage: perPage, written: written, visitor)
    }
  }

  /// Visits the chunks of an extensible array: some in its index block, then data blocks that grow, the later
  /// ones below blocks of their addresses.
  /// - Throws: ``CheckpointError``, or what `visitor` throws.
  static func forEachExtensible(_ walk: HDF5Walk, at address: Int, _ visitor: Visitor) throws {
    var header = try walk.cursor(at: address)
    _ = try header.version(after: "EAHD", 0...0)
    let element = try Element(&header)
    let bits = try header.byte()
    let direct = try header.byte()
    let smallest = try header.byte()
    let pointers = try header.byte()
    let pageBits = try header.byte()
    try header.skip(6 * walk.lengthSize)
    let index = try header.address()
    try header.verifyChecksum(since: address)
    guard let index else { return }
    guard bits <= 48, pageBits < 32, smallest.nonzeroBitCount == 1, pointers.nonzeroBitCount == 1,
      smallest.trailingZeroBitCount <= bits
    else {
      throw walk.damage("an array of up to 2^\(bits) chunks", "blocks whose sizes are powers of two")
    }
    let offsetBytes = (bits + 7) / 8
    let levels = 1 + bits - smallest.trailingZeroBitCount
    let directLevels = min(2 * pointers.trailingZeroBitCount, levels)
    func blocks(_ level: Int) -> (count: Int, elements: Int) {
      (1 << (level / 2), (1 << ((level + 1) / 2)) * smallest)
    }

    func visitData(_ address: Int, _ first: Int, _ count: Int, _ written: WrittenPages?) throws {
      var block = try walk.cursor(at: address)
      _ = try block.version(after: "EADB", 0...0)
      try block.skip(1 + walk.offsetSize + offsetBytes)
      if let written {
        try block.verifyChecksum(since: address)
        try element.visitPages(
          &block, first: first, count: count, perPage: 1 << pageBits, written: written, visitor)
      } else {
        try element.visit(&block, first: first, count: count, visitor)
        try block.verifyChecksum(since: address)
      }
    }

    var block = try walk.cursor(at: index)
    _ = try block.version(after: "EAIB", 0...0)
    try block.skip(1 + walk.offsetSize)
    try element.visit(&block, first: 0, count: direct, visitor)
    var next = direct
    for level in 0..<levels {
      let (count, elements) = blocks(level)
      guard level >= directLevels else {
        for _ in 0..<count {
          if let data = try block.address() { try visitData(data, next, elements, nil) }
          next += elements
        }
        continue
      }
      defer { next += count * elements }
      guard let address = try block.address() else { continue }
      var second = try walk.cursor(at: address)
      _ = try second.version(after: "EASB", 0...0)
      try second.skip(1 + walk.offsetSize + offsetBytes)
      let pages = elements >> pageBits
      let isPaged = elements > 1 << pageBits
      guard count <= second.rest / walk.offsetSize else {
        throw walk.damage("a block of \(count) addresses", "no more than the file can hold")
      }
      let bits = try second.take(isPaged ? count * ((pages + 7) / 8) : 0)
      for number in 0..<count {
        guard let data = try second.address() else { continue }
        let written = isPaged ? WrittenPages(bits: bits, first: number * pages) : nil
        try visitData(data, next + number * elements, elements, written)
      }
      try second.verifyChecksum(since: address)
    }
    try block.verifyChecksum(since: index)
  }
}
