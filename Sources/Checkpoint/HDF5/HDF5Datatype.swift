/// The type of the elements of a dataset or attribute, as far as it is read.
enum HDF5Datatype: Equatable {
  /// Numbers or truth values, in either order of bytes.
  case numbers(ElementType, isBigEndian: Bool)
  /// Texts of a fixed number of bytes.
  case texts(byteCount: Int, isSpacePadded: Bool)
  /// Texts of any length, which lie elsewhere in the file.
  case variableTexts(byteCount: Int)
  /// Something else, in a few words.
  case other(String, byteCount: Int)

  /// Bytes of an element in the file.
  var byteCount: Int {
    switch self {
    case .numbers(let type, _): type.byteSize
    case .texts(let count, _), .variableTexts(let count), .other(_, let count): count
    }
  }

  /// A few words for an error about a type that is not read.
  var summary: String {
    switch self {
    case .numbers(let type, _): "\(type)"
    case .texts(let count, _): "string type of \(count) bytes"
    case .variableTexts: "string type of variable length"
    case .other(let name, let count): "\(name) type of \(count) bytes"
    }
  }

  private static let names = [
    "integer", "floating-point", "time", "string", "bit field", "opaque", "compound", "reference",
    "enumeration",
    "variable-length", "array",
  ]

  /// Reads a datatype message, or the part of one that says what an enumeration is made of.
  /// - Throws: ``CheckpointError``.
  init(_ cursor: inout HDF5Cursor, isBase: Bool = false) throws {
    let first = try cursor.byte()
    let (kind, version) = (first & 15, first >> 4)
    let bits = try cursor.count(3)
    let size = try cursor.count(4)
    guard size > 0, kind < Self.names.count else {
      throw cursor.walk.damage("a type of class \(kind) and \(size) bytes", "a type of the format")
    }
    switch kind {
    case 0:
      let (offset, precision) = (try cursor.count(2), try cursor.count(2))
      if offset == 0, precision == 8 * size, let type = Self.integer(size, isSigned: bits & 8 != 0) {
        self = .numbers(type, isBigEndian: bits & 1 != 0)
        return
      }
    case 1:
      let properties = try cursor.take(8).map(Int.init) + [try cursor.count(4), bits >> 8 & 0xFF]
      if bits >> 4 & 3 == 2, bits & 0x40 == 0, let type = Self.real(size, properties) {
        self = .numbers(type, isBigEndian: bits & 1 != 0)
        return
      }
    case 3:
      self = .texts(byteCount: size, isSpacePadded: bits & 15 == 2)
      return
    case 8 where !isBase:
      if try Self.isBoolean(&cursor, count: bits & 0xFFFF, size, version) {
        self = .numbers(.bool, isBigEndian: false)
        return
      }
    case 9 where bits & 15 == 1:
      self = .variableTexts(byteCount: size)
      return
    default: break
    }
    self = .other(Self.names[kind], byteCount: size)
  }

  private static func integer(_ size: Int, isSigned: Bool) -> ElementType? {
    let types: [Int: (ElementType, ElementType)] = [
      1: (.int8, .uint8), 2: (.int16, .uint16), 4: (.int32, .uint32), 8: (.int64, .uint64),
    ]
    return types[size].map { isSigned ? $0.0 : $0.1 }
  }

  /// One of IEEE's types: offset and precision of the bits, place and size of exponent and mantissa, bias,
  /// place of the sign.
  private static func real(_ size: Int, _ properties: [Int]) -> ElementType? {
    switch (size, properties) {
    case (2, [0, 0, 16, 0, 10, 5, 0, 10, 15, 15]): .float16
    case (4, [0, 0, 32, 0, 23, 8, 0, 23, 127, 31]): .float32
    case (8, [0, 0, 64, 0, 52, 11, 0, 52, 1023, 63]): .float64
    default: nil
    }
  }

  /// Whether an enumeration is h5py's way to write truth values: bytes of which 0 is `FALSE` and 1 is `TRUE`.
  private static func isBoolean(_ cursor: inout HDF5Cursor, count: Int, _ size: Int, _ version: Int) throws
    -> Bool
  {
    guard case .numbers(let base, _) = try HDF5Datatype(&cursor, isBase: true), base.byteSize == 1, size == 1,
      count == 2
    else {
      return false
    }
    var names: [String] = []
    for _ in 0..<2 {
      let start = cursor.position
      names.append(try cursor.terminatedText())
      // Before version 3 names are padded to whole groups of eight bytes.
      if version < 3 { try cursor.skip((8 - (cursor.position - start) % 8) % 8) }
    }
    let values = [try cursor.byte(), try cursor.byte()]
    return names == ["FALSE", "TRUE"] && values == [0, 1] || names == ["TRUE", "FALSE"] && values == [1, 0]
  }
}

/// The extents of a dataset or attribute.
struct HDF5Dataspace {
  /// The extents; nil for one that holds nothing at all.
  let shape: [Int]?
  /// How far each axis may grow; nil for an axis without limit.
  let limits: [Int?]

  /// Reads a dataspace message.
  /// - Throws: ``CheckpointError``.
  init(_ cursor: inout HDF5Cursor) throws {
    let version = try cursor.version(1...2, of: "a dataspace")
    let rank = try cursor.byte()
    let flags = try cursor.byte()
    let type = try cursor.byte()
    if version == 1 { try cursor.skip(4) }
    guard rank <= 32 else { throw cursor.walk.damage("\(rank) axes", "at most 32") }
    let size = cursor.walk.lengthSize
    let shape = try (0..<rank).map { _ in Int(clamping: try cursor.number(size)) }
    if flags & 1 != 0 {
      let unlimited = UInt64.max >> UInt64(64 - 8 * size)
      limits = try (0..<rank).map { _ in
        let limit = try cursor.number(size)
        return limit == unlimited ? nil : Int(clamping: limit)
      }
    } else {
      limits = shape
    }
    self.shape = version == 2 && type == 2 ? nil : shape
  }
}
