import CHDF5
import Foundation

extension HDF5File {
  /// One name in a group.
  public struct Entry: Equatable, Sendable {
    /// The name, without the path of the group.
    public let name: String
    /// Whether it is a group or a dataset.
    public let isGroup: Bool
  }

  /// The order of a listing.
  public enum Order: Sendable {
    /// As written, where the file recorded it (files of this library do); else by name.
    case creation
    /// By name, in byte order.
    case name
  }

  /// Lists a group.
  /// - Throws: ``CheckpointError`` of kind `missing` when there is no such group, `unsupported` when it holds a link to elsewhere.
  public func entries(in group: String = "/", order: Order = .creation) throws -> [Entry] {
    try HDF5Library.locked {
      let path = try resolve(group)
      return try HDF5Library.using(
        H5Gopen2(identifier, path, 0), H5Gclose, orThrow: readFailure(path, "a group")
      ) {
        group in
        var info = H5G_info_t()
        guard H5Gget_info(group, &info) >= 0 else { throw damage(path) }
        var index = H5_INDEX_NAME
        if order == .creation, tracksCreationOrder(group) { index = H5_INDEX_CRT_ORDER }
        return try (0..<info.nlinks).map { position in
          let name = try linkName(group, index, position, path)
          let full = path == "/" ? "/" + name : path + "/" + name
          try refuseIndirectLink(full)
          return Entry(name: name, isGroup: try isGroup(full))
        }
      }
    }
  }

  /// Paths of all datasets under a group, relative to it, depth first.
  /// - Throws: as ``entries(in:order:)``; also when groups are nested deeper than 64 levels, as only a loop of links is.
  public func datasets(under group: String = "/", order: Order = .creation) throws -> [String] {
    var result: [String] = []
    func visit(_ prefix: String, _ depth: Int) throws {
      guard depth <= 64 else {
        throw CheckpointError(
          .unsupported, file: url.path, at: group, found: "groups nested deeper than 64 levels",
          expected: "a tree")
      }
      for entry in try entries(in: group + "/" + prefix, order: order) {
        let path = prefix.isEmpty ? entry.name : prefix + "/" + entry.name
        if entry.isGroup { try visit(path, depth + 1) } else { result.append(path) }
      }
    }
    try HDF5Library.locked { try visit("", 0) }
    return result
  }

  /// Type and shape of a dataset.
  /// - Throws: ``CheckpointError`` of kind `missing` or `unsupported`.
  public func description(of path: String) throws -> (elementType: ElementType, shape: [Int]) {
    try withDataset(path) { _, _, type, shape in (type, shape) }
  }

  /// As ``description(of:)``, for callers about to ask for the memory: refuses more data than the file can hold.
  func checkedDescription(of path: String) throws -> (elementType: ElementType, shape: [Int]) {
    try withDataset(path) { _, path, type, shape in
      _ = try byteCount(type, shape, path)
      return (type, shape)
    }
  }

  /// Reads a dataset whole.
  /// - Throws: ``CheckpointError`` of kind `missing`, `unsupported`, or `damaged` when its bytes cannot be read.
  public func read(_ path: String) throws -> StoredArray {
    try withDataset(path) { dataset, path, elementType, shape in
      let size = try byteCount(elementType, shape, path)
      let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
        let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size)
        try readBytes(dataset, path, elementType, into: raw)
        filled = size
      }
      return StoredArray(elementType, shape: shape, bytes: bytes)
    }
  }

  /// Reads a dataset of known type and shape straight into memory.
  /// - Throws: as ``read(_:)``; `mismatch` when type or size differ from what `buffer` was made for.
  public func read(_ path: String, as expected: ElementType, into buffer: UnsafeMutableRawBufferPointer)
    throws
  {
    try withDataset(path) { dataset, path, elementType, shape in
      guard elementType == expected, try byteCount(elementType, shape, path) == buffer.count else {
        throw CheckpointError(
          .mismatch, file: url.path, at: path, found: "\(elementType) \(shape)",
          expected: "\(buffer.count) bytes of \(expected)")
      }
      try readBytes(dataset, path, elementType, into: buffer)
    }
  }

  private func readBytes(
    _ dataset: hid_t, _ path: String, _ elementType: ElementType, into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    guard !buffer.isEmpty else { return }
    try HDF5Types.with(elementType) { type in
      guard H5Dread(dataset, type, 0, 0, 0, buffer.baseAddress) >= 0 else { throw damage(path) }
    }
  }

  private func withDataset<Result>(
    _ path: String, _ body: (hid_t, String, ElementType, [Int]) throws -> Result
  ) throws -> Result {
    try HDF5Library.locked {
      let path = try resolve(path)
      return try HDF5Library.using(
        H5Dopen2(identifier, path, 0), H5Dclose, orThrow: readFailure(path, "a dataset")
      ) {
        dataset in
        try refuseForeignStorage(dataset, path)
        let type = H5Dget_type(dataset)
        defer { H5Tclose(type) }
        guard var elementType = HDF5Types.elementType(of: type) else {
          throw CheckpointError(
            .unsupported, file: url.path, at: path, found: HDF5Types.describe(type),
            expected: "numbers or booleans")
        }
        if elementType == .uint16, try attribute("dtype", on: path) == .string("bfloat16") {
          elementType = .bfloat16
        }
        let space = H5Dget_space(dataset)
        defer { H5Sclose(space) }
        return try body(dataset, path, elementType, try shape(of: space, path))
      }
    }
  }

  /// Byte count of a dataset; refuses shapes that a file of this size cannot hold, before memory is asked for.
  private func byteCount(_ type: ElementType, _ shape: [Int], _ path: String) throws -> Int {
    // Deflate, the strongest usual filter, packs at most 1032 to 1.
    let limit = 1032 * fileSize + (1 << 20)
    guard let size = type.byteCount(shape: shape), size <= limit else {
      throw CheckpointError(
        .damaged, file: url.path, at: path, found: "\(type) \(shape) in a file of \(fileSize) bytes",
        expected: "no more data than the file can hold")
    }
    return size
  }

  func shape(of space: hid_t, _ path: String) throws -> [Int] {
    switch H5Sget_simple_extent_type(space) {
    case H5S_SCALAR: return []
    case H5S_SIMPLE:
      let rank = max(0, Int(H5Sget_simple_extent_ndims(space)))
      var extents = [hsize_t](repeating: 0, count: rank)
      H5Sget_simple_extent_dims(space, &extents, nil)
      return extents.map { Int(clamping: $0) }
    default:
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "a null dataspace", expected: "a shape")
    }
  }

  /// Walks a path one hard link at a time and returns it in normal form.
  func resolve(_ path: String) throws -> String {
    var soFar = ""
    for part in try components(of: path) {
      let group = soFar.isEmpty ? "/" : soFar
      soFar += "/" + part
      guard try isGroup(group), H5Lexists(identifier, soFar, 0) > 0 else {
        throw CheckpointError(
          .missing, file: url.path, at: "/" + (try components(of: path)).joined(separator: "/"),
          found: "no `\(part)` in \(group)")
      }
      try refuseIndirectLink(soFar)
    }
    return soFar.isEmpty ? "/" : soFar
  }

  private func refuseIndirectLink(_ path: String) throws {
    switch chdf5_link_is_indirect(identifier, path) {
    case 0: return
    case 1:
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "a soft or external link",
        expected: "data in this file")
    default: throw damage(path)
    }
  }

  private func refuseForeignStorage(_ dataset: hid_t, _ path: String) throws {
    let create = H5Dget_create_plist(dataset)
    defer { H5Pclose(create) }
    let isVirtual = H5Pget_layout(create) == H5D_VIRTUAL
    guard !isVirtual, H5Pget_external_count(create) <= 0 else {
      throw CheckpointError(
        .unsupported, file: url.path, at: path,
        found: isVirtual ? "a virtual dataset" : "a dataset stored in other files",
        expected: "data in this file")
    }
  }

  private func tracksCreationOrder(_ group: hid_t) -> Bool {
    let create = H5Gget_create_plist(group)
    defer { H5Pclose(create) }
    var flags: UInt32 = 0
    return H5Pget_link_creation_order(create, &flags) >= 0 && flags == chdf5_creation_order()
  }

  private func linkName(_ group: hid_t, _ index: H5_index_t, _ position: hsize_t, _ path: String) throws
    -> String
  {
    let length = H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, position, nil, 0, 0)
    guard length >= 0 else { throw damage(path) }
    var buffer = [CChar](repeating: 0, count: length + 1)
    guard H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, position, &buffer, buffer.count, 0) >= 0 else {
      throw damage(path)
    }
    return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func readFailure(_ path: String, _ expected: String) -> (String) -> CheckpointError {
    { [url] in CheckpointError(.mismatch, file: url.path, at: path, found: $0, expected: expected) }
  }

  func damage(_ path: String) -> CheckpointError {
    CheckpointError(
      .damaged, file: url.path, at: path, found: HDF5Library.takeDescription(), expected: "readable data")
  }
}
