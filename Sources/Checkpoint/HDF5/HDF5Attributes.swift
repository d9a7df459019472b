import CHDF5
import Foundation

/// The value of an attribute of a group or dataset.
public enum HDF5Attribute: Equatable, Sendable {
  case string(String)
  case strings([String])
  case integer(Int64)
  case integers([Int64])
  case real(Double)
  case reals([Double])
  case boolean(Bool)
}

extension HDF5File {
  /// Writes a new attribute; strings are variable-length UTF-8, which h5py reads as `str`.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, `missing` when there is no such object.
  public func setAttribute(_ name: String, _ value: HDF5Attribute, on path: String = "/") throws {
    switch value {
    case .string(let text): try setStrings(name, [text], isScalar: true, on: path)
    case .strings(let texts): try setStrings(name, texts, isScalar: false, on: path)
    case .integer(let value): try setNumbers(name, [value], isScalar: true, on: path)
    case .integers(let values): try setNumbers(name, values, isScalar: false, on: path)
    case .real(let value): try setNumbers(name, [value], isScalar: true, on: path)
    case .reals(let values): try setNumbers(name, values, isScalar: false, on: path)
    case .boolean(let value): try setNumbers(name, [value], isScalar: true, on: path)
    }
  }

  /// An attribute, or nil when the object has none of that name.
  /// - Throws: ``CheckpointError`` of kind `missing` when there is no such object, `unsupported` when its type is none of
  ///   text, integer, floating point and boolean.
  public func attribute(_ name: String, on path: String = "/") throws -> HDF5Attribute? {
    try withObject(path) { object, path in
      guard H5Aexists(object, name) > 0 else { return nil }
      return try readAttribute(object, name, path)
    }
  }

  /// All attributes of an object, by name.
  /// - Throws: as ``attribute(_:on:)``.
  public func attributes(on path: String = "/") throws -> [(name: String, value: HDF5Attribute)] {
    try withObject(path) { object, path in
      let count = H5Aget_num_attrs(object)
      guard count >= 0 else { throw damage(path) }
      return try (0..<hsize_t(count)).map { position in
        let length = H5Aget_name_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, position, nil, 0, 0)
        guard length >= 0 else { throw damage(path) }
        var buffer = [CChar](repeating: 0, count: length + 1)
        H5Aget_name_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, position, &buffer, buffer.count, 0)
        let name = String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (name, try readAttribute(object, name, path))
      }
    }
  }

  private func withObject<Result>(_ path: String, _ body: (hid_t, String) throws -> Result) throws -> Result {
    try HDF5Library.locked {
      let path = try resolve(path)
      return try HDF5Library.using(
        H5Oopen(identifier, path, 0), H5Oclose,
        orThrow: { CheckpointError(.damaged, file: self.url.path, at: path, found: $0) }
      ) { try body($0, path) }
    }
  }

  private func setNumbers<Scalar: StoredScalar>(
    _ name: String, _ values: [Scalar], isScalar: Bool, on path: String
  ) throws {
    try HDF5Types.with(Scalar.elementType) { type in
      try values.withUnsafeBytes {
        try setAttribute(name, type, $0, count: isScalar ? nil : values.count, path)
      }
    }
  }

  private func setStrings(_ name: String, _ texts: [String], isScalar: Bool, on path: String) throws {
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw CheckpointError(
        .cannotWrite, file: url.path, at: "\(path)@\(name)", found: "text with a zero byte",
        expected: "UTF-8 text")
    }
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    try HDF5Types.withString { type in
      try copies.withUnsafeBytes {
        try setAttribute(name, type, $0, count: isScalar ? nil : texts.count, path)
      }
    }
  }

  private func setAttribute(
    _ name: String, _ type: hid_t, _ bytes: UnsafeRawBufferPointer, count: Int?, _ path: String
  ) throws {
    try withObject(path) { object, path in
      let space = count.map { H5Screate_simple(1, [hsize_t($0)], nil) } ?? H5Screate(H5S_SCALAR)
      defer { H5Sclose(space) }
      try HDF5Library.using(
        H5Acreate2(object, name, type, space, 0, 0), H5Aclose,
        orThrow: { self.writeFailure("\(path)@\(name)", $0) }
      ) { attribute in
        if !bytes.isEmpty, H5Awrite(attribute, type, bytes.baseAddress) < 0 {
          throw writeFailure("\(path)@\(name)", HDF5Library.takeDescription())
        }
        try checkOutput()
      }
    }
  }

  private func readAttribute(_ object: hid_t, _ name: String, _ path: String) throws -> HDF5Attribute {
    let place = "\(path)@\(name)"
    return try HDF5Library.using(
      H5Aopen(object, name, 0), H5Aclose,
      orThrow: { CheckpointError(.damaged, file: self.url.path, at: place, found: $0) }
    ) { attribute in
      let type = H5Aget_type(attribute)
      defer { H5Tclose(type) }
      let space = H5Aget_space(attribute)
      defer { H5Sclose(space) }
      let shape = try shape(of: space, place)
      let count = shape.reduce(1, *)
      if H5Tget_class(type) == H5T_STRING {
        let texts = try readStrings(attribute, type, space, count, place)
        return shape.isEmpty ? .string(texts[0]) : .strings(texts)
      }
      switch HDF5Types.elementType(of: type) {
      case .bool? where shape.isEmpty:
        return .boolean(try readNumbers(attribute, Bool.self, false, 1, place)[0])
      case .float16?, .float32?, .float64?:
        let values = try readNumbers(attribute, Double.self, 0, count, place)
        return shape.isEmpty ? .real(values[0]) : .reals(values)
      case .int8?, .int16?, .int32?, .int64?, .uint8?, .uint16?, .uint32?, .uint64?:
        let values = try readNumbers(attribute, Int64.self, 0, count, place)
        return shape.isEmpty ? .integer(values[0]) : .integers(values)
      default:
        throw CheckpointError(
          .unsupported, file: url.path, at: place, found: HDF5Types.describe(type),
          expected: "text or numbers")
      }
    }
  }

  private func readNumbers<Scalar: StoredScalar>(
    _ attribute: hid_t, _ type: Scalar.Type, _ zero: Scalar, _ count: Int, _ place: String
  ) throws -> [Scalar] {
    var values = [Scalar](repeating: zero, count: count)
    guard count > 0 else { return values }
    let result = HDF5Types.with(Scalar.elementType) { type in
      values.withUnsafeMutableBytes { H5Aread(attribute, type, $0.baseAddress) }
    }
    guard result >= 0 else { throw damage(place) }
    return values
  }

  private func readStrings(
    _ attribute: hid_t, _ type: hid_t, _ space: hid_t, _ count: Int, _ place: String
  ) throws -> [String] {
    guard count > 0 else { return [] }
    if H5Tis_variable_str(type) > 0 {
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      guard H5Aread(attribute, type, &pointers) >= 0 else { throw damage(place) }
      defer { H5Dvlen_reclaim(type, space, 0, &pointers) }
      return pointers.map { $0.map { String(cString: $0) } ?? "" }
    }
    let size = H5Tget_size(type)
    var bytes = [UInt8](repeating: 0, count: count * size)
    guard H5Aread(attribute, type, &bytes) >= 0 else { throw damage(place) }
    let isSpacePadded = H5Tget_strpad(type) == H5T_STR_SPACEPAD
    return (0..<count).map { index in
      var text = bytes[(index * size)..<((index + 1) * size)].prefix { $0 != 0 }
      while isSpacePadded, text.last == UInt8(ascii: " ") { text.removeLast() }
      return String(decoding: text, as: UTF8.self)
    }
  }
}
