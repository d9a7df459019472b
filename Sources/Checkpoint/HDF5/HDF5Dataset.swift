/// A dataset as its header describes it.
struct HDF5Dataset {
  /// Where the elements are.
  enum Storage {
    /// In one piece of so many bytes at an offset of the file; nil where none were ever written.
    case contiguous(Int?, count: Int?)
    case chunked(HDF5ChunkIndex, HDF5FilterPipeline)
  }

  let type: HDF5Datatype
  let shape: [Int]
  private let storage: Storage
  /// The bytes of an element that was never written; nil for zero.
  private let fill: UnsafeRawBufferPointer?
  private let walk: HDF5Walk

  /// Reads what the header says; nothing of the elements yet.
  /// - Throws: ``CheckpointError``.
  init(_ walk: HDF5Walk, _ header: HDF5ObjectHeader) throws {
    guard header.isDataset else {
      throw CheckpointError(
        .mismatch, file: walk.file, at: walk.place, found: header.isGroup ? "a group" : "a named type",
        expected: "a dataset")
    }
    guard header.all(.externalFiles).isEmpty else {
      throw walk.unsupported("a dataset stored in other files", "data in this file")
    }
    var datatype = try header.required(.datatype)
    type = try HDF5Datatype(&datatype)
    var dataspace = try header.required(.dataspace)
    let space = try HDF5Dataspace(&dataspace)
    guard let shape = space.shape else { throw walk.unsupported("a null dataspace", "a shape") }
    self.shape = shape
    self.walk = walk
    let filters = try HDF5FilterPipeline(try header.first(.filters))
    storage = try Self.storage(try header.required(.layout), type, shape, space, filters)
    fill = try Self.fill(header, type.byteCount)
  }

  private static func storage(
    _ layout: HDF5Cursor, _ type: HDF5Datatype, _ shape: [Int], _ space: HDF5Dataspace,
    _ filters: HDF5FilterPipeline
  ) throws -> Storage {
    var layout = layout
    let version = try layout.version(1...5, of: "a dataset's layout")
    // Before version 3 the number of extents comes before the class.
    let rank = version < 3 ? try layout.byte() : 0
    let kind = try layout.byte()
    if version < 3 { try layout.skip(5) }
    switch kind {
    case 0:
      if version < 3 { try layout.skip(4 * rank) }
      let count = try layout.count(version < 3 ? 4 : 2)
      return .contiguous(try layout.skip(count), count: count)
    case 1: return .contiguous(try layout.address(), count: version < 3 ? nil : try layout.length())
    case 2:
      let index = try HDF5ChunkIndex(&layout, version, rank, type, shape, space)
      return .chunked(index, filters)
    case 3: throw layout.walk.unsupported("a virtual dataset", "data in this file")
    default: throw layout.walk.damage("a layout of class \(kind)", "one of class 0 to 3")
    }
  }

  private static func fill(_ header: HDF5ObjectHeader, _ size: Int) throws -> UnsafeRawBufferPointer? {
    var bytes: UnsafeRawBufferPointer?
    if var value = try header.first(.fillValue) {
      let version = try value.version(1...3, of: "a fill value")
      let flags = version == 3 ? try value.byte() : 0
      if version < 3 { try value.skip(2) }
      let isDefined = version == 3 ? flags & 0x20 != 0 : try value.byte() != 0
      if isDefined || version == 1 { bytes = try value.take(try value.count(4)) }
    } else if var value = try header.first(.oldFillValue) {
      bytes = try value.take(try value.count(4))
    }
    return bytes.flatMap { $0.count == size && $0.contains { $0 != 0 } ? $0 : nil }
  }

  /// Copies all elements into `target`, which has room for exactly those, in C order and little-endian.
  /// - Throws: ``CheckpointError``.
  func read(into target: UnsafeMutableRawBufferPointer, limit: Int) throws {
    guard !target.isEmpty else { return }
    switch storage {
    case .contiguous(let position?, let count):
      guard count ?? target.count >= target.count else {
        throw walk.damage("\(count ?? 0) bytes of data", "\(target.count)")
      }
      try copy(position, into: target)
    case .contiguous(nil, _):
      fillAll(of: target)
    case .chunked(let index, let filters):
      fillAll(of: target)
      try readChunks(index, filters, into: target, limit: limit)
    }
    if case .numbers(_, isBigEndian: true) = type { exchangeBytes(of: target) }
  }

  /// Copies data in one piece; a long one past the mapping, whose pages would count as memory beside the
  /// copy.
  private func copy(_ position: Int, into target: UnsafeMutableRawBufferPointer) throws {
    let data = try walk.data(at: position, count: target.count)
    guard target.count >= 1 << 16, let mapping = walk.mapping, let start = target.baseAddress else {
      target.copyMemory(from: data)
      return
    }
    try mapping.read(position..<(position + target.count), into: start)
  }

  private func fillAll(of target: UnsafeMutableRawBufferPointer) {
    guard let fill else {
      target.initializeMemory(as: UInt8.self, repeating: 0)
      return
    }
    for start in stride(from: 0, to: target.count, by: fill.count) {
      UnsafeMutableRawBufferPointer(rebasing: target[start..<(start + fill.count)]).copyMemory(from: fill)
    }
  }

  private func exchangeBytes(of target: UnsafeMutableRawBufferPointer) {
    let size = type.byteCount
    guard size > 1 else { return }
    for start in stride(from: 0, to: target.count, by: size) {
      for index in 0..<(size / 2) { target.swapAt(start + index, start + size - 1 - index) }
    }
  }

  /// Bytes of chunks that may have been looked at before their pages are given back.
  private static let mostTouched = 4 << 20

  private func readChunks(
    _ index: HDF5ChunkIndex, _ filters: HDF5FilterPipeline, into target: UnsafeMutableRawBufferPointer,
    limit: Int
  ) throws {
    var unpacked = 0
    var touched = 0
    defer { if touched >= Self.mostTouched { walk.mapping?.forget() } }
    try index.forEachChunk(walk) { chunk in
      guard index.chunkBytes <= limit - unpacked else {
        throw walk.damage("chunks of \(index.chunkBytes) bytes", "no more data than the file can hold")
      }
      unpacked += index.chunkBytes
      let isPartial = zip(zip(chunk.origin, index.extents), shape).contains { $0.0 + $0.1 > $1 }
      let isPlain = filters.isEmpty || isPartial && index.keepsPartialChunksPlain
      let size = chunk.storedSize ?? index.chunkBytes
      let stored = try walk.data(at: chunk.position, count: size)
      touched += size
      if touched >= 2 * Self.mostTouched {
        walk.mapping?.forget()
        touched = size
      }
      guard isPlain else {
        try filters.withUnpacked(walk, stored, skipping: chunk.filterMask, to: index.chunkBytes) {
          copy($0, chunk.origin, index.extents, into: target)
        }
        return
      }
      guard size == index.chunkBytes else {
        throw walk.damage("a chunk of \(size) bytes", "\(index.chunkBytes) bytes")
      }
      copy(stored, chunk.origin, index.extents, into: target)
    }
  }

  /// Copies the part of a chunk that lies inside of the dataset, row by row.
  private func copy(
    _ chunk: UnsafeRawBufferPointer, _ origin: [Int], _ extents: [Int],
    into target: UnsafeMutableRawBufferPointer
  ) {
    let size = type.byteCount
    let covered = zip(zip(shape, origin), extents).map { min($0.0 - $0.1, $1) }
    let last = shape.count - 1
    var index = [Int](repeating: 0, count: shape.count)
    while true {
      var (from, to) = (0, 0)
      for axis in shape.indices {
        from = from * extents[axis] + index[axis]
        to = to * shape[axis] + origin[axis] + index[axis]
      }
      let count = covered[last] * size
      UnsafeMutableRawBufferPointer(rebasing: target[(to * size)..<(to * size + count)])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[(from * size)..<(from * size + count)]))
      var axis = last - 1
      while axis >= 0 {
        index[axis] += 1
        if index[axis] < covered[axis] { break }
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

extension HDF5Walk {
  /// Bytes of data, which unlike structures may be looked at any number of times.
  func data(at position: Int, count: Int) throws -> UnsafeRawBufferPointer {
    let cursor = try cursor(at: position, count: count)
    return UnsafeRawBufferPointer(rebasing: bytes[cursor.position..<cursor.end])
  }
}
