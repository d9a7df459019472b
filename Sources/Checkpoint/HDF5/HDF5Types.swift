import CHDF5

/// How element types look inside HDF5, following h5py's conventions.
enum HDF5Types {
  /// Calls `body` with the little-endian type of a file, which on little-endian machines is also the type in memory.
  static func with<Result>(_ type: ElementType, _ body: (hid_t) throws -> Result) rethrows -> Result {
    switch type {
    case .float32: return try body(chdf5_float32_le())
    case .float64: return try body(chdf5_float64_le())
    case .int8: return try body(chdf5_int8_le())
    case .int16: return try body(chdf5_int16_le())
    case .int32: return try body(chdf5_int32_le())
    case .int64: return try body(chdf5_int64_le())
    case .uint8: return try body(chdf5_uint8_le())
    case .uint16, .bfloat16: return try body(chdf5_uint16_le())
    case .uint32: return try body(chdf5_uint32_le())
    case .uint64: return try body(chdf5_uint64_le())
    case .float16:
      let half = H5Tcopy(chdf5_float32_le())
      defer { H5Tclose(half) }
      H5Tset_fields(half, 15, 10, 5, 0, 10)
      H5Tset_size(half, 2)
      H5Tset_ebias(half, 15)
      return try body(half)
    case .bool:
      let boolean = H5Tenum_create(chdf5_int8_le())
      defer { H5Tclose(boolean) }
      for (name, value) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
        withUnsafePointer(to: value) { _ = H5Tenum_insert(boolean, name, $0) }
      }
      return try body(boolean)
    }
  }

  /// Calls `body` with the type of a variable-length UTF-8 string.
  static func withString<Result>(_ body: (hid_t) throws -> Result) rethrows -> Result {
    let type = H5Tcopy(chdf5_c_string())
    defer { H5Tclose(type) }
    H5Tset_size(type, chdf5_variable_length())
    H5Tset_cset(type, H5T_CSET_UTF8)
    return try body(type)
  }

  /// The element type that a file's type stands for, or nil for one that has no counterpart.
  static func elementType(of type: hid_t) -> ElementType? {
    let size = H5Tget_size(type)
    switch H5Tget_class(type) {
    case H5T_FLOAT:
      return [2: isHalf(type) ? ElementType.float16 : nil, 4: .float32, 8: .float64][size] ?? nil
    case H5T_INTEGER where H5Tget_sign(type) == H5T_SGN_NONE:
      return [1: .uint8, 2: .uint16, 4: .uint32, 8: .uint64][size]
    case H5T_INTEGER:
      return [1: .int8, 2: .int16, 4: .int32, 8: .int64][size]
    case H5T_ENUM:
      return isBoolean(type) ? .bool : nil
    default:
      return nil
    }
  }

  /// A few words for an error message about a type without counterpart.
  static func describe(_ type: hid_t) -> String {
    let names: [H5T_class_t: String] = [
      H5T_FLOAT: "floating-point", H5T_INTEGER: "integer", H5T_STRING: "string", H5T_COMPOUND: "compound",
      H5T_ENUM: "enumeration", H5T_VLEN: "variable-length", H5T_ARRAY: "array", H5T_OPAQUE: "opaque",
      H5T_REFERENCE: "reference", H5T_BITFIELD: "bit field", H5T_TIME: "time",
    ]
    return "\(names[H5Tget_class(type)] ?? "unknown") type of \(H5Tget_size(type)) bytes"
  }

  private static func isHalf(_ type: hid_t) -> Bool {
    var sign = 0
    var exponent = 0
    var exponentBits = 0
    var mantissa = 0
    var mantissaBits = 0
    guard H5Tget_fields(type, &sign, &exponent, &exponentBits, &mantissa, &mantissaBits) >= 0 else {
      return false
    }
    return exponentBits == 5 && mantissaBits == 10 && H5Tget_ebias(type) == 15
  }

  private static func isBoolean(_ type: hid_t) -> Bool {
    guard H5Tget_nmembers(type) == 2, H5Tget_size(type) == 1 else { return false }
    var values = [Int8](repeating: -1, count: 2)
    guard H5Tenum_valueof(type, "FALSE", &values[0]) >= 0, H5Tenum_valueof(type, "TRUE", &values[1]) >= 0
    else {
      H5Eclear2(0)
      return false
    }
    return values == [0, 1]
  }
}
