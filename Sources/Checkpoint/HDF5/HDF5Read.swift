import Foundation

extension HDF5File {
  /// Type and shape of a dataset.
  /// - Throws: ``CheckpointError`` of kind `missing` or `unsupported`.
  public func description(of path: String) throws -> (elementType: ElementType, shape: [Int]) {
    try withDataset(path) { _, _, dataset, type in (type, dataset.shape) }
  }

  /// As ``description(of:)``, for callers about to ask for the memory: refuses more data than the file can
  /// hold.
  func checkedDescription(of path: String) throws -> (elementType: ElementType, shape: [Int]) {
    try withDataset(path) { walk, _, dataset, type in
      _ = try byteCount(type, dataset.shape, walk)
      return (type, dataset.shape)
    }
  }

  /// Reads a dataset whole.
  /// - Throws: ``CheckpointError`` of kind `missing`, `unsupported`, or `damaged` when its bytes cannot be
  ///   read or do not have the checksum of the file's writer.
  public func read(_ path: String) throws -> StoredArray {
    try withDataset(path) { walk, header, dataset, type in
      let size = try byteCount(type, dataset.shape, walk)
      // An array that has no room ends the process. A packed or unwritten dataset can be of any size in a
      // small file.
      try requireRoom(for: size, walk)
      let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
        let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size)
        try dataset.read(into: raw, limit: limit(walk))
        if hasChecksums { try Self.verify(UnsafeRawBufferPointer(raw), walk, header) }
        filled = size
      }
      return StoredArray(type, shape: dataset.shape, bytes: bytes)
    }
  }

  /// Asks for memory as an array of so many bytes would, and gives it back. Not by `malloc`: a compiler may
  /// take one whose memory is not used for granted.
  private func requireRoom(for size: Int, _ walk: HDF5Walk) throws {
    guard size > 0 else { return }
    let room = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let room, room != MAP_FAILED else {
      throw walk.unsupported("\(size) bytes of data", "data that there is memory for")
    }
    munmap(room, size)
  }

  /// Reads a dataset of known type and shape straight into memory.
  /// - Throws: as ``read(_:)``; `mismatch` when type or size differ from what `buffer` was made for.
  public func read(_ path: String, as expected: ElementType, into buffer: UnsafeMutableRawBufferPointer)
    throws
  {
    try withDataset(path) { walk, header, dataset, type in
      guard type == expected, try byteCount(type, dataset.shape, walk) == buffer.count else {
        throw CheckpointError(
          .mismatch, file: url.path, at: walk.place, found: "\(type) \(dataset.shape)",
          expected: "\(buffer.count) bytes of \(expected)")
      }
      try dataset.read(into: buffer, limit: limit(walk))
      if hasChecksums { try Self.verify(UnsafeRawBufferPointer(buffer), walk, header) }
    }
  }

  private func withDataset<Result>(
    _ path: String, _ body: (HDF5Walk, HDF5ObjectHeader, HDF5Dataset, ElementType) throws -> Result
  ) throws -> Result {
    try withObject(path) { walk, header in
      let dataset = try HDF5Dataset(walk, header)
      guard case .numbers(var type, _) = dataset.type else {
        throw walk.unsupported(dataset.type.summary, "numbers or booleans")
      }
      if type == .uint16, try HDF5AttributeReader(walk, header).value(of: "dtype") == .string("bfloat16") {
        type = .bfloat16
      }
      return try body(walk, header, dataset, type)
    }
  }

  /// Most bytes that chunks can unpack to: deflate packs at most 1032 to 1, and a little may never have been
  /// written.
  private func limit(_ walk: HDF5Walk) -> Int { ZipDirectory.largestRatio * walk.bytes.count + (1 << 20) }

  /// Byte count of a dataset; refuses shapes that a file of this size cannot hold, before memory is asked
  /// for.
  private func byteCount(_ type: ElementType, _ shape: [Int], _ walk: HDF5Walk) throws -> Int {
    guard let size = type.byteCount(shape: shape), size <= limit(walk) else {
      throw walk.damage(
        "\(type) \(shape) in a file of \(walk.bytes.count) bytes", "no more data than the file can hold")
    }
    return size
  }
}
