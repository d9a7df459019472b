import Foundation
import Tensor

extension SafeTensorsFile {
  /// A tensor, copied out of the file.
  /// - Throws: ``CheckpointError`` of kind `missing`; `damaged` for bytes that do not have the checksum of
  ///   the file's writer; `unsupported` for UInt64, which tensors do not have.
  public func tensor(_ name: String) throws -> Tensor {
    try read(name) { entry, mapping in
      try Tensor(entry.elementType, shape: entry.shape) { target in
        guard let start = target.baseAddress else { return try verify(name, checksum: 0) }
        if hasChecksums {
          try verify(name, checksum: try mapping.readCounting(entry.range, into: start))
        } else {
          try mapping.read(entry.range, into: start)
        }
      }
    }
  }

  /// A tensor in another type than it is stored in, converted piece by piece: the stored form is never in
  /// memory whole.
  /// - Throws: as ``tensor(_:)``.
  public func tensor(_ name: String, as dtype: DType) throws -> Tensor {
    guard let entry = entry(name), entry.elementType.dtype != dtype else { return try tensor(name) }
    let stored = entry.elementType.dtype
    return try read(name) { entry, mapping in
      var checksum: UInt32? = hasChecksums ? 0 : nil
      let tensor = try mapping.tensor(
        entry.range, shape: entry.shape, stored: stored, as: dtype, checksum: &checksum)
      if let checksum { try verify(name, checksum: checksum) }
      return tensor
    }
  }

  /// A tensor where it lies in the mapped file, which takes no memory of its own; nil where it is stored in
  /// another type, or at a place that is no multiple of its elements' size.
  /// - Throws: as ``tensor(_:)``.
  package func mapped(_ name: String, as dtype: DType) throws -> Tensor? {
    guard let entry = entry(name), entry.elementType == ElementType(dtype) else { return nil }
    return try withBytes(of: name) { entry, bytes in
      guard entry.range.lowerBound.isMultiple(of: dtype.byteSize) else { return nil }
      return Tensor(borrowing: bytes, shape: entry.shape, dtype: dtype, owner: mapping)
    }
  }

  /// Calls `body` with the bytes of a tensor in pieces of a MiB, front to back.
  /// - Throws: ``CheckpointError`` of kind `missing`, or what `body` throws.
  package func forEachPiece(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    guard let entry = entry(name) else {
      throw CheckpointError(.missing, file: url.path, at: name, found: "no tensor of that name")
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(entry.range.count, 1 << 20), alignment: 64)
    defer { buffer.deallocate() }
    var checksum: UInt32 = 0
    for first in stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: 1 << 20) {
      let range = first..<Swift.min(first + (1 << 20), entry.range.upperBound)
      guard let start = buffer.baseAddress else { return }
      try mapping.read(range, into: start)
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<range.count])
      if hasChecksums { checksum = CRC32.of(piece, after: checksum) }
      try body(piece)
    }
    try verify(name, checksum: checksum)
  }

  /// Whether a tensor of this file and one of another have the same bytes, compared in pieces.
  /// - Throws: as ``forEachPiece(of:_:)``.
  package func hasSameBytes(_ name: String, as other: String, in file: SafeTensorsFile) throws -> Bool {
    guard let entry = file.entry(other) else {
      throw CheckpointError(.missing, file: file.url.path, at: other, found: "no tensor of that name")
    }
    guard self.entry(name)?.range.count == entry.range.count else { return false }
    var (isSame, place) = (true, entry.range.lowerBound)
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(entry.range.count, 1 << 20), alignment: 64)
    defer { buffer.deallocate() }
    try forEachPiece(of: name) { piece in
      guard isSame, let start = buffer.baseAddress, let own = piece.baseAddress else { return }
      try file.mapping.read(place..<place + piece.count, into: start)
      isSame = memcmp(own, start, piece.count) == 0
      place += piece.count
    }
    return isSame
  }

  /// All tensors, in the order of their bytes.
  /// - Throws: as ``tensor(_:)``.
  public func tensors() throws -> [(name: String, tensor: Tensor)] {
    try names.map { ($0, try tensor($0)) }
  }

  private func read(_ name: String, _ body: (Entry, MappedFile) throws -> Tensor) throws -> Tensor {
    guard let entry = entry(name) else {
      throw CheckpointError(.missing, file: url.path, at: name, found: "no tensor of that name")
    }
    return try body(entry, mapping)
  }
}
