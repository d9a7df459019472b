/// The value of an attribute of a group or dataset.
public enum HDF5Attribute: Equatable, Sendable {
  /// A text.
  case string(String)
  /// Texts on one axis.
  case strings([String])
  /// An integer.
  case integer(Int64)
  /// Integers in C order.
  case integers([Int64])
  /// A floating-point number.
  case real(Double)
  /// Floating-point numbers in C order.
  case reals([Double])
  /// A truth value.
  case boolean(Bool)
}

extension HDF5File {
  /// An attribute, or nil when the object has none of that name.
  /// - Throws: ``CheckpointError`` of kind `missing` when there is no such object, `unsupported` when its
  ///   type is none of text, integer, floating point and boolean.
  public func attribute(_ name: String, on path: String = "/") throws -> HDF5Attribute? {
    try withObject(path) { try HDF5AttributeReader($0, $1).value(of: name) }
  }

  /// All attributes of an object, by name.
  /// - Throws: as ``attribute(_:on:)``.
  public func attributes(on path: String = "/") throws -> [(name: String, value: HDF5Attribute)] {
    try withObject(path) { try HDF5AttributeReader($0, $1).values() }
  }
}

extension HDF5File {
  /// All attributes of an object with their shapes, by name.
  /// - Throws: as ``attribute(_:on:)``.
  func shapedAttributes(on path: String) throws -> [(name: String, value: HDF5Attribute, shape: [Int])] {
    try withObject(path) { try HDF5AttributeReader($0, $1).shapedValues() }
  }
}

/// Reads the attributes of one object.
struct HDF5AttributeReader {
  private let walk: HDF5Walk
  private let header: HDF5ObjectHeader
  private let place: String

  init(_ walk: HDF5Walk, _ header: HDF5ObjectHeader) {
    self.walk = walk
    self.header = header
    place = walk.place ?? "/"
  }

  /// The attribute of a name, or nil.
  func value(of name: String) throws -> HDF5Attribute? {
    var result: HDF5Attribute?
    try forEach { found, value in if found.utf8.elementsEqual(name.utf8) { result = try value().value } }
    return result
  }

  /// All attributes by name, in byte order.
  func values() throws -> [(name: String, value: HDF5Attribute)] {
    try shapedValues().map { ($0.name, $0.value) }
  }

  /// As ``values()``, each with its shape.
  func shapedValues() throws -> [(name: String, value: HDF5Attribute, shape: [Int])] {
    var result: [(name: String, value: HDF5Attribute, shape: [Int])] = []
    try forEach { name, value in
      let (value, shape) = try value()
      result.append((name, value, shape))
    }
    return result.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private typealias Shaped = (value: HDF5Attribute, shape: [Int])

  /// Calls `body` with each name and a function that reads its value.
  private func forEach(_ body: (String, () throws -> Shaped) throws -> Void) throws {
    defer { walk.place = place }
    for message in header.messages where message.kind == .attribute {
      try read(message.isShared ? HDF5ObjectHeader.shared(.attribute, message.body) : message.body, body)
    }
    guard var information = try header.first(.attributeInformation) else { return }
    _ = try information.version(0...0, of: "attribute information")
    if try information.byte() & 1 != 0 { try information.skip(2) }
    guard let heap = try information.address(), let tree = try information.address() else { return }
    let objects = try HDF5FractalHeap(walk, at: heap)
    try HDF5TreeV2.forEachRecord(walk, at: tree, types: [8]) { _, record in
      var record = record
      let message = try objects.object(&record)
      guard try record.byte() & 2 == 0 else {
        throw walk.unsupported(
          "an attribute in the file's heap of shared messages", "attributes of one object")
      }
      try read(message, body)
    }
  }

  private func read(
    _ message: HDF5Cursor, _ body: (String, () throws -> Shaped) throws -> Void
  ) throws {
    var message = message
    let version = try message.version(1...3, of: "an attribute")
    let flags = try message.byte()
    let sizes = [try message.count(2), try message.count(2), try message.count(2)]
    if version == 3 { try message.skip(1) }
    // Version 1 pads name, type and space to whole groups of eight bytes.
    let padded = version == 1 ? sizes.map { ($0 + 7) / 8 * 8 } : sizes
    let name = try message.text(padded[0])
    let (type, space) = (try message.part(padded[1]), try message.part(padded[2]))
    let data = message
    walk.place = "\(place)@\(name)"
    try body(name) {
      var (type, space) = (
        version > 1 && flags & 1 != 0 ? try HDF5ObjectHeader.shared(.datatype, type) : type,
        version > 1 && flags & 2 != 0 ? try HDF5ObjectHeader.shared(.dataspace, space) : space
      )
      let (datatype, dataspace) = (try HDF5Datatype(&type), try HDF5Dataspace(&space))
      return (try value(datatype, dataspace, data), dataspace.shape ?? [])
    }
  }

  private func value(_ type: HDF5Datatype, _ space: HDF5Dataspace, _ data: HDF5Cursor) throws -> HDF5Attribute
  {
    guard let shape = space.shape else { throw walk.unsupported("a null dataspace", "a shape") }
    guard let size = ElementType.uint8.byteCount(shape: shape + [type.byteCount]), size <= data.rest else {
      throw walk.damage("\(data.rest) bytes for \(type.summary) \(shape)", "as many as that takes")
    }
    let (isScalar, count) = (shape.isEmpty, size / type.byteCount)
    var data = data
    switch type {
    case .texts(let byteCount, let isSpacePadded):
      let texts = try (0..<count).map { _ in
        var text = try data.take(byteCount).prefix { $0 != 0 }
        while isSpacePadded, text.last == UInt8(ascii: " ") { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
      }
      return isScalar ? .string(texts[0]) : .strings(texts)
    case .variableTexts:
      var heap = HDF5GlobalHeap(walk)
      let texts = try (0..<count).map { _ in try heap.text(&data) }
      return isScalar ? .string(texts[0]) : .strings(texts)
    case .numbers(.bool, _) where isScalar:
      return .boolean(try data.byte() != 0)
    case .numbers(let type, let isBigEndian) where type != .bool:
      if [.float16, .float32, .float64].contains(type) {
        let values = try (0..<count).map { _ in try Self.real(&data, type, isBigEndian) }
        return isScalar ? .real(values[0]) : .reals(values)
      }
      let values = try (0..<count).map { _ in try Self.integer(&data, type, isBigEndian) }
      return isScalar ? .integer(values[0]) : .integers(values)
    default:
      throw walk.unsupported(type.summary, "text or numbers")
    }
  }

  private static func bits(_ data: inout HDF5Cursor, _ type: ElementType, _ isBigEndian: Bool) throws
    -> UInt64
  {
    let bits = try data.number(type.byteSize)
    return isBigEndian ? bits.byteSwapped >> UInt64(64 - 8 * type.byteSize) : bits
  }

  private static func real(_ data: inout HDF5Cursor, _ type: ElementType, _ isBigEndian: Bool) throws
    -> Double
  {
    let bits = try bits(&data, type, isBigEndian)
    return switch type {
    case .float16: Double(Float16(bitPattern: UInt16(bits)))
    case .float32: Double(Float(bitPattern: UInt32(bits)))
    default: Double(bitPattern: bits)
    }
  }

  private static func exact(_ bits: UInt64, _ data: HDF5Cursor) throws -> Int64 {
    guard let value = Int64(exactly: bits) else {
      throw data.walk.unsupported("the number \(bits)", "at most \(Int64.max)")
    }
    return value
  }

  private static func integer(_ data: inout HDF5Cursor, _ type: ElementType, _ isBigEndian: Bool) throws
    -> Int64
  {
    let bits = try bits(&data, type, isBigEndian)
    return switch type {
    case .int8: Int64(Int8(truncatingIfNeeded: bits))
    case .int16: Int64(Int16(truncatingIfNeeded: bits))
    case .int32: Int64(Int32(truncatingIfNeeded: bits))
    case .int64: Int64(bitPattern: bits)
    default: try exact(bits, data)
    }
  }
}

/// The collections in which texts of any length lie.
private struct HDF5GlobalHeap {
  private let walk: HDF5Walk
  private var collections: [Int: [Int: HDF5Cursor]] = [:]

  init(_ walk: HDF5Walk) { self.walk = walk }

  /// The text that the next element of an attribute refers to.
  mutating func text(_ data: inout HDF5Cursor) throws -> String {
    let count = try data.count(4)
    let address = try data.address()
    let index = try data.count(4)
    guard count > 0, let address, address != walk.base else { return "" }
    if collections[address] == nil { collections[address] = try collection(at: address) }
    guard var object = collections[address]?[index] else {
      throw walk.damage("text \(index) of a collection that lacks it", "a text")
    }
    return try object.text(min(count, object.rest))
  }

  private func collection(at address: Int) throws -> [Int: HDF5Cursor] {
    var header = try walk.cursor(at: address)
    _ = try header.version(after: "GCOL", 1...1)
    try header.skip(3)
    let count = try header.length()
    var cursor = try walk.cursor(at: address, count: count)
    try cursor.skip(8 + walk.lengthSize)
    var objects: [Int: HDF5Cursor] = [:]
    while cursor.rest >= 8 + walk.lengthSize {
      let index = try cursor.count(2)
      try cursor.skip(6)
      let size = try cursor.length()
      // Object 0 is what is free.
      guard index != 0 else { break }
      objects[index] = try cursor.part(size)
      try cursor.skip(min(cursor.rest, (8 - size % 8) % 8))
    }
    return objects
  }
}
