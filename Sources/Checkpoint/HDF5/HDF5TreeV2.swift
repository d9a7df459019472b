/// A B-tree of version 2: records of equal size, sorted by something that is not looked at here.
enum HDF5TreeV2 {
  /// Calls `body` with each record.
  /// - Parameters:
  ///   - address: where the tree's header lies.
  ///   - types: the types of records that are expected.
  ///   - body: is given the type and a cursor over one record.
  /// - Throws: ``CheckpointError``, or what `body` throws.
  static func forEachRecord(
    _ walk: HDF5Walk, at address: Int, types: [Int], _ body: (Int, HDF5Cursor) throws -> Void
  ) throws {
    var cursor = try walk.cursor(at: address)
    _ = try cursor.version(after: "BTHD", 0...0)
    let type = try cursor.byte()
    guard types.contains(type) else { throw walk.damage("a tree of type \(type)", "one of \(types)") }
    let nodeSize = try cursor.count(4)
    let recordSize = try cursor.count(2)
    let depth = try cursor.count(2)
    try cursor.skip(2)
    let root = try cursor.address()
    let count = try cursor.count(2)
    try cursor.skip(walk.lengthSize)
    try cursor.verifyChecksum(since: address)
    guard recordSize > 0, nodeSize >= 10 + recordSize, nodeSize <= walk.bytes.count, depth <= 32 else {
      throw walk.damage("a tree of depth \(depth) with nodes of \(nodeSize) bytes", "nodes that hold records")
    }
    guard let root, count > 0 else { return }
    // How wide the counts in pointers to children are follows from how many records fit into a node.
    var largest = [(nodeSize - 10) / recordSize]
    var totals = largest
    let countSize = width(largest[0])
    var pointerSizes = [0]
    for level in stride(from: 1, through: depth, by: 1) {
      let pointer = walk.offsetSize + countSize + (level > 1 ? width(totals[level - 1]) : 0)
      guard nodeSize >= 10 + recordSize + 2 * pointer else {
        throw walk.damage("nodes of \(nodeSize) bytes", "nodes that hold records and pointers")
      }
      largest.append((nodeSize - 10 - pointer) / (recordSize + pointer))
      let (total, overflow) = totals[level - 1].multipliedReportingOverflow(by: largest[level] + 1)
      guard !overflow, total <= 1 << 60 else {
        throw walk.damage("a tree of depth \(depth)", "a flatter one")
      }
      totals.append(total + largest[level])
      pointerSizes.append(pointer)
    }

    func visit(_ address: Int, _ count: Int, _ level: Int) throws {
      guard count <= largest[level] else {
        throw walk.damage("\(count) records in a node", "at most \(largest[level])")
      }
      var node = try walk.cursor(at: address)
      _ = try node.version(after: level == 0 ? "BTLF" : "BTIN", 0...0)
      guard try node.byte() == type else { throw walk.damage("a node of another tree", "type \(type)") }
      let records = try (0..<count).map { _ in try node.part(recordSize) }
      var children: [(address: Int, count: Int)] = []
      if level > 0 {
        for _ in 0...count {
          children.append((try node.requiredAddress(), try node.count(countSize)))
          try node.skip(pointerSizes[level] - walk.offsetSize - countSize)
        }
      }
      try node.verifyChecksum(since: address)
      for (index, child) in children.enumerated() {
        try visit(child.address, child.count, level - 1)
        if index < records.count { try body(type, records[index]) }
      }
      if level == 0 { for record in records { try body(type, record) } }
    }
    try visit(root, count, depth)
  }

  /// Bytes that hold numbers up to `limit`.
  private static func width(_ limit: Int) -> Int {
    (Int.bitWidth - max(limit, 1).leadingZeroBitCount - 1) / 8 + 1
  }
}
