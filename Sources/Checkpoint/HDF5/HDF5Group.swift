/// The links of a group.
struct HDF5Group: Sendable {
  /// One link.
  struct Link: Sendable {
    let name: String
    /// Where the object's header lies, or nil for a link by name, here or into another file.
    let target: Int?
    /// When it was made among the links of the group, where that was recorded.
    let order: UInt64?
  }

  /// The links by name, in byte order.
  let links: [Link]

  /// Reads the links of the group whose header this is.
  /// - Throws: ``CheckpointError``.
  init(_ walk: HDF5Walk, _ header: HDF5ObjectHeader) throws {
    var links: [Link] = []
    if var table = try header.first(.symbolTable) {
      let (tree, heap) = (try table.requiredAddress(), try table.requiredAddress())
      links = try Self.symbols(walk, tree, try HDF5LocalHeap(walk, at: heap))
    }
    if var information = try header.first(.linkInformation) {
      links += try header.all(.link).map(Self.link)
      _ = try information.version(0...0, of: "link information")
      let flags = try information.byte()
      if flags & 1 != 0 { try information.skip(8) }
      if let heap = try information.address(), let tree = try information.address() {
        let heap = try HDF5FractalHeap(walk, at: heap)
        try HDF5TreeV2.forEachRecord(walk, at: tree, types: [5]) { _, record in
          var record = record
          try record.skip(4)
          links.append(try Self.link(try heap.object(&record)))
        }
      }
    }
    self.links = links.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The link of a name, or nil.
  subscript(name: String) -> Link? {
    var (low, high) = (0, links.count)
    while low < high {
      let middle = (low + high) / 2
      if links[middle].name.utf8.lexicographicallyPrecedes(name.utf8) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < links.count, links[low].name.utf8.elementsEqual(name.utf8) else { return nil }
    return links[low]
  }

  /// The links as they were made, where the file recorded that, else by name.
  var byCreation: [Link] {
    links.allSatisfy { $0.order != nil } ? links.sorted { $0.order ?? 0 < $1.order ?? 0 } : links
  }

  private static func link(_ body: HDF5Cursor) throws -> Link {
    var body = body
    _ = try body.version(1...1, of: "a link")
    let flags = try body.byte()
    let type = flags & 8 == 0 ? 0 : try body.byte()
    let order = flags & 4 == 0 ? nil : try body.number(8)
    if flags & 16 != 0 { try body.skip(1) }
    let name = try body.text(try body.count(1 << (flags & 3)))
    return Link(name: name, target: type == 0 ? try body.requiredAddress() : nil, order: order)
  }

  /// The links of the older form: a tree of nodes that hold names in a heap.
  private static func symbols(_ walk: HDF5Walk, _ tree: Int, _ heap: HDF5LocalHeap) throws -> [Link] {
    var links: [Link] = []
    try HDF5TreeV1.forEachChild(walk, at: tree, type: 0, keySize: walk.lengthSize) { _, child in
      var node = try walk.cursor(at: child)
      _ = try node.version(after: "SNOD", 1...1)
      try node.skip(1)
      for _ in 0..<(try node.count(2)) {
        let name = try heap.text(at: try node.count(walk.offsetSize))
        let target = try node.address()
        let cache = try node.count(4)
        try node.skip(20)
        links.append(Link(name: name, target: cache == 2 ? nil : target, order: nil))
      }
    }
    return links
  }
}

/// A local heap, which holds the names of a group of the older form.
private struct HDF5LocalHeap {
  private let data: HDF5Cursor

  init(_ walk: HDF5Walk, at address: Int) throws {
    var cursor = try walk.cursor(at: address)
    _ = try cursor.version(after: "HEAP", 0...0)
    try cursor.skip(3)
    let count = try cursor.length()
    try cursor.skip(walk.lengthSize)
    data = try walk.cursor(at: try cursor.requiredAddress(), count: count)
  }

  func text(at offset: Int) throws -> String {
    var data = data
    try data.skip(offset)
    return try data.terminatedText()
  }
}

/// A B-tree of version 1, which older files use for the links of groups and for the chunks of datasets.
enum HDF5TreeV1 {
  /// Calls `body` with the key before each child of the lowest nodes, and the child's address.
  /// - Throws: ``CheckpointError``, or what `body` throws.
  static func forEachChild(
    _ walk: HDF5Walk, at address: Int, type: Int, keySize: Int, level expected: Int? = nil,
    _ body: (HDF5Cursor, Int) throws -> Void
  ) throws {
    var node = try walk.cursor(at: address)
    guard try node.version(after: "TREE", 0...1) == type else {
      throw walk.damage("a node of another tree at byte \(address)", "type \(type)")
    }
    let level = try node.byte()
    guard level == expected ?? level else {
      throw walk.damage("a node of level \(level) at byte \(address)", "level \(expected ?? level)")
    }
    let count = try node.count(2)
    try node.skip(2 * walk.offsetSize)
    for _ in 0..<count {
      let key = try node.part(keySize)
      let child = try node.requiredAddress()
      if level == 0 {
        try body(key, child)
      } else {
        try forEachChild(walk, at: child, type: type, keySize: keySize, level: level - 1, body)
      }
    }
  }
}
