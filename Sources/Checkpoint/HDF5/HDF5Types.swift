import CMIAHDF5

/// How element types look inside HDF5, following h5py's conventions.
enum HDF5Types {
  /// Calls `body` with the little-endian type of a file, which on little-endian machines is also the type in
  /// memory.
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
}
