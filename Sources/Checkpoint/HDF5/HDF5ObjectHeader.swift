/// The header of a group, dataset or named type: a list of messages that say what it is.
struct HDF5ObjectHeader {
  /// The kinds of messages that are looked at.
  enum Kind: Int {
    case dataspace = 0x01
    case linkInformation = 0x02
    case datatype = 0x03
    case oldFillValue = 0x04
    case fillValue = 0x05
    case link = 0x06
    case externalFiles = 0x07
    case layout = 0x08
    case filters = 0x0B
    case attribute = 0x0C
    case continuation = 0x10
    case symbolTable = 0x11
    case attributeInformation = 0x15
  }

  /// One message.
  struct Message {
    let kind: Kind
    /// Whether the body only says where the message is.
    let isShared: Bool
    /// A cursor at the start of the body.
    let body: HDF5Cursor
  }

  /// The messages that are looked at, in order.
  private(set) var messages: [Message] = []
  private let walk: HDF5Walk
  private var blocks: [(position: Int, count: Int)] = []

  /// Reads a header of either form.
  /// - Throws: ``CheckpointError``.
  init(_ walk: HDF5Walk, at position: Int) throws {
    self.walk = walk
    var cursor = try walk.cursor(at: position)
    let isSecondForm = walk.bytes[position..<cursor.end].starts(with: "OHDR".utf8)
    if isSecondForm { try readSecondForm(&cursor) } else { try readFirstForm(&cursor) }
  }

  var isGroup: Bool { messages.contains { $0.kind == .symbolTable || $0.kind == .linkInformation } }
  var isDataset: Bool { messages.contains { $0.kind == .layout } }

  /// The bodies of all messages of a kind.
  func all(_ kind: Kind) -> [HDF5Cursor] { messages.filter { $0.kind == kind }.map(\.body) }

  /// The body of the message of a kind, followed to another header when it is shared, or nil when there is
  /// none.
  func first(_ kind: Kind) throws -> HDF5Cursor? {
    guard let message = messages.first(where: { $0.kind == kind }) else { return nil }
    return message.isShared ? try Self.shared(kind, message.body) : message.body
  }

  /// The body of a message that must be there.
  func required(_ kind: Kind) throws -> HDF5Cursor {
    guard let body = try first(kind) else { throw walk.damage("no \(kind) message", "one in the header") }
    return body
  }

  /// The message of a kind in the header that a shared message's body points to.
  static func shared(_ kind: Kind, _ body: HDF5Cursor) throws -> HDF5Cursor {
    var body = body
    let version = try body.version(1...3, of: "a shared message")
    let type = try body.byte()
    if version == 1 { try body.skip(6) }
    guard version < 3 || type == 2 else {
      throw body.walk.unsupported("a message in the file's heap of shared messages", "messages in headers")
    }
    let header = try HDF5ObjectHeader(body.walk, at: try body.requiredAddress())
    guard let message = header.messages.first(where: { $0.kind == kind && !$0.isShared }) else {
      throw body.walk.damage("a shared \(kind) message that is not there", "its header to hold it")
    }
    return message.body
  }

  private mutating func readFirstForm(_ cursor: inout HDF5Cursor) throws {
    _ = try cursor.version(1...1, of: "an object header")
    try cursor.skip(7)
    let count = try cursor.count(4)
    try cursor.skip(4)
    blocks = [(try cursor.skip(count), count)]
    var next = 0
    while next < blocks.count {
      var block = try walk.cursor(at: blocks[next].position, count: blocks[next].count)
      while block.rest >= 8 {
        let (kind, size) = (try block.count(2), try block.count(2))
        let flags = try block.byte()
        try block.skip(3)
        try add(kind, flags, try block.part(size))
      }
      next += 1
    }
  }

  private mutating func readSecondForm(_ cursor: inout HDF5Cursor) throws {
    let start = cursor.position
    _ = try cursor.version(after: "OHDR", 2...2)
    let flags = try cursor.byte()
    try cursor.skip((flags & 0x20 == 0 ? 0 : 16) + (flags & 0x10 == 0 ? 0 : 4))
    let count = try cursor.count(1 << (flags & 3))
    let hasOrder = flags & 4 != 0
    try readMessages(&cursor, count, hasOrder)
    try cursor.verifyChecksum(since: start)
    var next = 0
    while next < blocks.count {
      var block = try walk.cursor(at: blocks[next].position, count: blocks[next].count)
      let signature = "OCHK".utf8
      guard block.rest >= 8, try block.take(4).elementsEqual(signature) else {
        throw walk.damage("no `OCHK` at byte \(blocks[next].position)", "the rest of an object header")
      }
      try readMessages(&block, block.rest - 4, hasOrder)
      try block.verifyChecksum(since: blocks[next].position)
      next += 1
    }
  }

  private mutating func readMessages(_ cursor: inout HDF5Cursor, _ count: Int, _ hasOrder: Bool) throws {
    let smallest = hasOrder ? 6 : 4
    var block = try cursor.part(count)
    while block.rest >= smallest {
      let (kind, size) = (try block.byte(), try block.count(2))
      let flags = try block.byte()
      if hasOrder { try block.skip(2) }
      try add(kind, flags, try block.part(size))
    }
  }

  private mutating func add(_ kind: Int, _ flags: Int, _ body: HDF5Cursor) throws {
    guard let kind = Kind(rawValue: kind) else { return }
    guard kind != .continuation else {
      var body = body
      blocks.append((try body.requiredAddress(), try body.length()))
      return
    }
    messages.append(Message(kind: kind, isShared: flags & 2 != 0, body: body))
  }
}
