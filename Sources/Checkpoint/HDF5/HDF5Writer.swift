import CMIAHDF5
import Foundation
import Tensor

extension HDF5File {
  /// Writes a file in one step: `body` fills it under a temporary name, which is synced and renamed to `url`.
  ///
  /// When `body` throws or the disk is full the temporary file is removed and an earlier file at `url` stays
  /// as it was.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, or what `body` throws.
  public static func write(to url: URL, _ body: (HDF5Writer) throws -> Void) throws {
    try AtomicFile.replace(url) { temporary in
      let writer = try HDF5Writer(temporary, reportingAs: url)
      do {
        try body(writer)
        try writer.seal()
      } catch {
        try? writer.close()
        throw error
      }
      try writer.close()
    }
  }
}

/// An HDF5 file that is being written, by libhdf5; see ``HDF5File/write(to:_:)``.
///
/// Datasets are contiguous, little-endian and in C order. The same content gives the same bytes. Every call
/// goes through one process-wide lock. Each dataset gets the CRC-32 of its bytes as the attribute `crc32`,
/// and the file that of everything else; see ``HDF5Checksums``.
public final class HDF5Writer: @unchecked Sendable {
  /// Where the file will be.
  public let url: URL
  // Both are touched inside HDF5Library.locked only.
  private var identifier: hid_t
  private let status: UnsafeMutablePointer<Int32>
  private var checksums = HDF5Checksums()

  fileprivate init(_ temporary: URL, reportingAs url: URL) throws {
    self.url = url
    let status = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    status.initialize(to: 0)
    self.status = status
    identifier = -1
    identifier = try HDF5Library.locked {
      let create = H5Pcreate(chdf5_file_create())
      defer { H5Pclose(create) }
      H5Pset_link_creation_order(create, chdf5_creation_order())
      H5Pset_obj_track_times(create, false)
      let access = H5Pcreate(chdf5_file_access())
      defer { H5Pclose(access) }
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
      _ = chdf5_use_output_driver(access, HDF5Library.outputDriver, status)
      let file = H5Fcreate(temporary.path, chdf5_truncate(), create, access)
      guard file >= 0 else {
        let description = HDF5Library.takeDescription()
        throw status.pointee == 0
          ? CheckpointError(.cannotWrite, file: url.path, found: description)
          : AtomicFile.failure(url, status.pointee)
      }
      return file
    }
  }

  deinit {
    try? close()
    status.deallocate()
  }

  /// Makes a group, and those above it, unless it is there already.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when a dataset of that name is in the way.
  public func createGroup(_ path: String) throws {
    try HDF5Library.locked {
      var soFar = ""
      for part in try HDF5Path.components(of: path, file: url) {
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
          H5Gcreate2(identifier, soFar, 0, create, 0), H5Gclose, orThrow: { self.failure(soFar, $0) }
        ) { _ in try checkOutput() }
        checksums.add(object: soFar)
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

  /// Writes a new contiguous dataset from memory: `bytes` in C order and of the size that type and shape ask
  /// for.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when the name is taken.
  public func write(
    _ bytes: UnsafeRawBufferPointer, elementType: ElementType, shape: [Int], to path: String
  ) throws {
    tensorRequire(
      elementType.byteCount(shape: shape) == bytes.count, "HDF5Writer.write",
      "\(bytes.count) bytes for \(elementType) \(shape)")
    try HDF5Library.locked {
      let parts = try HDF5Path.components(of: path, file: url)
      let full = "/" + parts.joined(separator: "/")
      guard !parts.isEmpty, try !exists(parts) else {
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
          orThrow: { self.failure(full, $0) }
        ) { dataset in
          if !bytes.isEmpty {
            guard H5Dwrite(dataset, type, 0, 0, 0, bytes.baseAddress) >= 0 else {
              throw failure(full, HDF5Library.takeDescription(), needed: bytes.count)
            }
          }
          try checkOutput(needed: bytes.count)
        }
      }
      checksums.add(object: full)
      checksums.add(dataset: full, elementType, shape)
      try setAttribute(HDF5Checksums.dataName, .integer(Int64(CRC32.of(bytes))), on: full)
      if elementType == .bfloat16 { try setAttribute("dtype", .string("bfloat16"), on: full) }
    }
  }

  /// Writes a new attribute; strings are variable-length UTF-8, which h5py reads as `str`.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, `missing` when there is no such object.
  public func setAttribute(_ name: String, _ value: HDF5Attribute, on path: String = "/") throws {
    try setAttribute(name, value, shape: nil, on: path)
  }

  /// As ``setAttribute(_:_:on:)``, lists in a shape of any rank, in C order.
  func setAttribute(
    _ name: String, _ value: HDF5Attribute, shape: [Int]?, on path: String
  ) throws {
    switch value {
    case .string(let text): try setStrings(name, [text], [], on: path)
    case .strings(let texts): try setStrings(name, texts, shape ?? [texts.count], on: path)
    case .integer(let value): try setNumbers(name, [value], [], on: path)
    case .integers(let values): try setNumbers(name, values, shape ?? [values.count], on: path)
    case .real(let value): try setNumbers(name, [value], [], on: path)
    case .reals(let values): try setNumbers(name, values, shape ?? [values.count], on: path)
    case .boolean(let value): try setNumbers(name, [value], [], on: path)
    }
    HDF5Library.locked { checksums.add(attribute: name, value, on: path) }
  }

  /// Writes the checksum of everything that was written.
  fileprivate func seal() throws {
    try setAttribute(HDF5Checksums.contentsName, .integer(HDF5Library.locked { checksums.value }))
  }

  private func setNumbers<Scalar: StoredScalar>(
    _ name: String, _ values: [Scalar], _ shape: [Int], on path: String
  ) throws {
    try HDF5Types.with(Scalar.elementType) { type in
      try values.withUnsafeBytes { try setAttribute(name, type, $0, shape, path) }
    }
  }

  private func setStrings(_ name: String, _ texts: [String], _ shape: [Int], on path: String) throws {
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw CheckpointError(
        .cannotWrite, file: url.path, at: "\(path)@\(name)", found: "text with a zero byte",
        expected: "UTF-8 text")
    }
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    try HDF5Types.withString { type in
      try copies.withUnsafeBytes { try setAttribute(name, type, $0, shape, path) }
    }
  }

  private func setAttribute(
    _ name: String, _ type: hid_t, _ bytes: UnsafeRawBufferPointer, _ shape: [Int], _ path: String
  ) throws {
    let extents = shape.map { hsize_t($0) }
    try HDF5Library.locked {
      let parts = try HDF5Path.components(of: path, file: url)
      let full = "/" + parts.joined(separator: "/")
      guard try exists(parts) else {
        throw CheckpointError(.missing, file: url.path, at: full, found: "no such object")
      }
      try HDF5Library.using(H5Oopen(identifier, full, 0), H5Oclose, orThrow: { self.failure(full, $0) }) {
        let space = shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), extents, nil)
        defer { H5Sclose(space) }
        try HDF5Library.using(
          H5Acreate2($0, name, type, space, 0, 0), H5Aclose,
          orThrow: { self.failure("\(full)@\(name)", $0) }
        ) { attribute in
          if !bytes.isEmpty, H5Awrite(attribute, type, bytes.baseAddress) < 0 {
            throw failure("\(full)@\(name)", HDF5Library.takeDescription())
          }
          try checkOutput()
        }
      }
    }
  }

  /// Whether something was written at a path.
  private func exists(_ parts: [String]) throws -> Bool {
    var soFar = ""
    for part in parts {
      if !soFar.isEmpty, !(try isGroup(soFar)) { return false }
      soFar += "/" + part
      guard H5Lexists(identifier, soFar, 0) > 0 else { return false }
    }
    return true
  }

  private func isGroup(_ path: String) throws -> Bool {
    try HDF5Library.using(H5Oopen(identifier, path, 0), H5Oclose, orThrow: { self.failure(path, $0) }) {
      H5Iget_type($0) == H5I_GROUP
    }
  }

  /// Closes the file; done by itself when the last reference goes. Writing afterwards traps.
  fileprivate func close() throws {
    try HDF5Library.locked {
      guard identifier >= 0 else { return }
      let result = H5Fclose(identifier)
      identifier = -1
      try checkOutput()
      if result < 0 {
        throw CheckpointError(.cannotWrite, file: url.path, found: HDF5Library.takeDescription())
      }
    }
  }

  /// Throws when the operating system refused an earlier write, which the output driver hides from libhdf5.
  private func checkOutput(needed: Int? = nil) throws {
    if status.pointee != 0 { throw AtomicFile.failure(url, status.pointee, needed: needed) }
  }

  /// The reason of a failed write: the operating system's where it refused one, else the library's
  /// description.
  private func failure(_ path: String, _ description: String, needed: Int? = nil) -> CheckpointError {
    status.pointee != 0
      ? AtomicFile.failure(url, status.pointee, needed: needed)
      : CheckpointError(.cannotWrite, file: url.path, at: path, found: description)
  }
}
