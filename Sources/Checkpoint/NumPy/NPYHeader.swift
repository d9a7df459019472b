/// What the header of an npy file says about the array behind it.
struct NPYHeader {
  /// The signature every npy file starts with.
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The most axes that NumPy arrays have.
  static let mostAxes = 64

  let elementType: ElementType
  let isBigEndian: Bool
  let isFortranOrder: Bool
  let shape: [Int]
  /// Bytes before the first element.
  let length: Int
  /// Bytes of all elements.
  let byteCount: Int

  private static let typeNames: [String: ElementType] = [
    "b1": .bool, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32, "i4": .int32,
    "u8": .uint64, "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
  ]

  /// Reads and checks the header at the front of `bytes`.
  /// - Throws: ``CheckpointError``.
  init(_ bytes: UnsafeRawBufferPointer, file: String, entry: String?) throws {
    func error(_ kind: CheckpointError.Kind, _ found: String, _ expected: String) -> CheckpointError {
      CheckpointError(kind, file: file, at: entry, found: found, expected: expected)
    }
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual(Self.magic) else {
      throw error(.wrongFormat, "no NumPy signature", "an npy file")
    }
    let (major, minor) = (bytes[6], bytes[7])
    guard (1...3).contains(major), minor == 0 else {
      throw error(.unsupported, "npy version \(major).\(minor)", "version 1.0, 2.0 or 3.0")
    }
    let start = major == 1 ? 10 : 12
    guard bytes.count >= start else { throw error(.damaged, "\(bytes.count) bytes", "a whole header") }
    let announced =
      major == 1
      ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
      : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    guard announced <= bytes.count - start else {
      throw error(.damaged, "\(bytes.count - start) bytes", "a header of \(announced) bytes")
    }
    length = start + announced

    let fields: PythonDictionary
    do {
      fields = try PythonDictionary(bytes[start..<length])
    } catch let problem as PythonSyntaxError {
      throw error(.damaged, "header byte \(problem.offset): \(problem.found)", problem.expected)
    }
    guard fields.values.count == 3, let descriptor = fields.values["descr"],
      case .boolean(let isFortranOrder)? = fields.values["fortran_order"],
      case .tuple(let shape)? = fields.values["shape"]
    else {
      throw error(
        .damaged, "header keys \(fields.values.keys.sorted().joined(separator: ", "))",
        "a type as text `descr`, a truth value `fortran_order` and a tuple of counts `shape`")
    }
    guard case .text(let name) = descriptor, let order = name.first, "<>=|".contains(order),
      let elementType = Self.typeNames[String(name.dropFirst())],
      order != "|" || elementType.byteSize == 1
    else {
      throw error(
        .unsupported, "elements of type \(descriptor.summary)",
        "booleans, integers or floating-point numbers such as '<f4'")
    }
    guard shape.count <= Self.mostAxes, let byteCount = elementType.byteCount(shape: shape) else {
      throw error(
        .damaged, "shape \(shape.prefix(8))", "at most \(Self.mostAxes) extents whose product is a count")
    }
    self.elementType = elementType
    self.isFortranOrder = isFortranOrder
    self.shape = shape
    self.byteCount = byteCount
    isBigEndian = order == ">"
  }

  /// The header that NumPy writes, with its padding to 64 bytes.
  /// - Throws: ``CheckpointError`` of kind `unsupported` for bfloat16.
  static func bytes(_ elementType: ElementType, shape: [Int], file: String, entry: String?) throws -> [UInt8]
  {
    guard let name = typeNames.first(where: { $0.value == elementType })?.key else {
      throw CheckpointError(
        .unsupported, file: file, at: entry, found: "\(elementType) values",
        expected: "a type that NumPy has, such as float32")
    }
    let order = elementType.byteSize == 1 ? "|" : "<"
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text = "{'descr': '\(order)\(name)', 'fortran_order': False, 'shape': (\(extents)), }"
    let padding = (64 - (10 + text.utf8.count + 1) % 64) % 64
    let header = text + String(repeating: " ", count: padding) + "\n"
    return magic + [1, 0, UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + header.utf8
  }
}
