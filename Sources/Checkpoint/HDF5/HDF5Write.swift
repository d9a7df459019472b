import CHDF5
import Foundation

extension HDF5File {
  /// Makes a group, and those above it, unless it is there already.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when a dataset of that name is in the way.
  public func createGroup(_ path: String) throws {
    try HDF5Library.locked {
      var soFar = ""
      for part in try components(of: path) {
        soFar += "/" + part
        if H5Lexists(identifier, soFar, 0) > 0 {
          guard try isGroup(soFar) else {
            throw CheckpointError(
              .cannotWrite, file: url.path, at: soFar, found: "a dataset", expected: "a group for \(path)")
          }
          continue
        }
        let create = H5Pcreate(chdf5_group_create())
        defer { H5Pclose(create) }
        H5Pset_link_creation_order(create, chdf5_creation_order())
        H5Pset_obj_track_times(create, false)
        try HDF5Library.using(
          H5Gcreate2(identifier, soFar, 0, create, 0), H5Gclose, orThrow: { self.writeFailure(soFar, $0) }
        ) { _ in try checkOutput() }
      }
    }
  }

  /// Writes a new contiguous dataset, making the groups above it.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when the name is taken.
  public func write(_ array: StoredArray, to path: String) throws {
    try array.bytes.withUnsafeBytes {
      try write($0, elementType: array.elementType, shape: array.shape, to: path)
    }
  }

  /// Writes a new contiguous dataset from memory: `bytes` in C order and of the size that type and shape ask for.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when the name is taken.
  public func write(
    _ bytes: UnsafeRawBufferPointer, elementType: ElementType, shape: [Int], to path: String
  ) throws {
    precondition(
      elementType.byteCount(shape: shape) == bytes.count,
      "HDF5File.write: \(bytes.count) bytes for \(elementType) \(shape)")
    try HDF5Library.locked {
      let parts = try components(of: path)
      let full = "/" + parts.joined(separator: "/")
      guard !parts.isEmpty, try !exists(full) else {
        throw CheckpointError(
          .cannotWrite, file: url.path, at: full, found: "an object of that name", expected: "a new name")
      }
      try createGroup(parts.dropLast().joined(separator: "/"))
      let extents = shape.map { hsize_t($0) }
      let space = shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), extents, nil)
      defer { H5Sclose(space) }
      let create = H5Pcreate(chdf5_dataset_create())
      defer { H5Pclose(create) }
      H5Pset_obj_track_times(create, false)
      try HDF5Types.with(elementType) { type in
        try HDF5Library.using(
          H5Dcreate2(identifier, full, type, space, 0, create, 0), H5Dclose,
          orThrow: { self.writeFailure(full, $0) }
        ) { dataset in
          if !bytes.isEmpty {
            guard H5Dwrite(dataset, type, 0, 0, 0, bytes.baseAddress) >= 0 else {
              throw writeFailure(full, HDF5Library.takeDescription())
            }
          }
          try checkOutput()
        }
      }
      if elementType == .bfloat16 { try setAttribute("dtype", .string("bfloat16"), on: full) }
    }
  }

  /// Whether something of that path is in the file.
  public func exists(_ path: String) throws -> Bool {
    try HDF5Library.locked {
      var soFar = ""
      for part in try components(of: path) {
        if !soFar.isEmpty, !(try isGroup(soFar)) { return false }
        soFar += "/" + part
        guard H5Lexists(identifier, soFar, 0) > 0 else { return false }
      }
      return true
    }
  }

  func isGroup(_ path: String) throws -> Bool {
    try HDF5Library.using(
      H5Oopen(identifier, path, 0), H5Oclose,
      orThrow: { CheckpointError(.damaged, file: self.url.path, at: path, found: $0) }
    ) { H5Iget_type($0) == H5I_GROUP }
  }
}
