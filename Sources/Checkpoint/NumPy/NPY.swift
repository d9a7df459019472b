import Foundation
import Tensor

/// Reading and writing npy files, NumPy's format for one array.
///
/// Reads versions 1 to 3, both byte orders and both element orders; writes version 1, little-endian, in C
/// order. The bytes of a file must be exactly those its header announces. Python objects, text, records and
/// complex numbers are refused.
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
public enum NPY {
  /// A tensor of the array's shape; see ``ElementType/dtype`` for its type.
  /// - Throws: ``CheckpointError``: `cannotOpen`, `wrongFormat` for something else, `damaged` for a header
  ///   that breaks the format's rules or a wrong number of bytes, `unsupported` for elements that tensors do
  ///   not have.
  public static func read(_ url: URL) throws -> Tensor {
    let mapping = try MappedFile(url, expected: "an npy file")
    return try withExtendedLifetime(mapping) {
      try NPYArray(mapping.bytes, file: url.path, entry: nil).tensor()
    }
  }

  /// The array as it is stored, brought to C order and little-endian.
  /// - Throws: as ``read(_:)``.
  public static func readStored(_ url: URL) throws -> StoredArray {
    let mapping = try MappedFile(url, expected: "an npy file")
    return try withExtendedLifetime(mapping) {
      try NPYArray(mapping.bytes, file: url.path, entry: nil).stored()
    }
  }

  /// Writes a tensor in one step.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`; `unsupported` for bfloat16, which NumPy does not
  ///   have.
  public static func write(_ tensor: Tensor, to url: URL) throws {
    try write(elementType: ElementType(tensor.dtype), shape: tensor.shape, to: url) {
      try tensor.withElementBytes($0)
    }
  }

  /// Writes a stored array in one step.
  /// - Throws: as ``write(_:to:)-(Tensor,_)``.
  public static func write(_ array: StoredArray, to url: URL) throws {
    try write(elementType: array.elementType, shape: array.shape, to: url) {
      try array.bytes.withUnsafeBytes($0)
    }
  }

  private static func write(
    elementType: ElementType, shape: [Int], to url: URL,
    withBytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    let header = try NPYHeader.bytes(elementType, shape: shape, file: url.path, entry: nil)
    try AtomicFile.replace(url) { temporary in
      let output = try OutputFile(temporary, reportingAs: url)
      try header.withUnsafeBytes { try output.write($0) }
      try withBytes { try output.write($0) }
      try output.close()
    }
  }
}

/// The bytes of an npy file or of a member of an npz file, after their header was checked.
struct NPYArray {
  let header: NPYHeader
  private let data: UnsafeRawBufferPointer
  private let file: String
  private let entry: String?

  /// - Throws: ``CheckpointError``.
  init(_ bytes: UnsafeRawBufferPointer, file: String, entry: String?) throws {
    header = try NPYHeader(bytes, file: file, entry: entry)
    self.file = file
    self.entry = entry
    let found = bytes.count - header.length
    guard header.byteCount == found else {
      throw CheckpointError(
        .damaged, file: file, at: entry, found: "\(found) bytes of elements",
        expected: "\(header.byteCount) for \(header.elementType) of shape \(header.shape)")
    }
    data = UnsafeRawBufferPointer(rebasing: bytes[header.length...])
  }

  func tensor() -> Tensor { Tensor(header.elementType, shape: header.shape, fill: decode) }

  func stored() -> StoredArray {
    let bytes = [UInt8](unsafeUninitializedCapacity: data.count) { buffer, count in
      decode(into: UnsafeMutableRawBufferPointer(buffer))
      count = data.count
    }
    return StoredArray(header.elementType, shape: header.shape, bytes: bytes)
  }

  /// Copies the elements in C order and little-endian.
  private func decode(into target: UnsafeMutableRawBufferPointer) {
    switch header.elementType.byteSize {
    case 1: decode(into: target, UInt8.self)
    case 2: decode(into: target, UInt16.self)
    case 4: decode(into: target, UInt32.self)
    default: decode(into: target, UInt64.self)
    }
  }

  private func decode<Word: FixedWidthInteger>(into target: UnsafeMutableRawBufferPointer, _: Word.Type) {
    let size = MemoryLayout<Word>.size
    guard header.isFortranOrder, header.shape.count > 1 else {
      target.copyMemory(from: data)
      if header.isBigEndian {
        for word in target.bindMemory(to: Word.self).indices { swap(target, word, Word.self) }
      }
      return
    }
    // Walks the target in C order; the source's first axis is the fastest.
    let shape = header.shape
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * max(shape[axis - 1], 1) }
    var index = [Int](repeating: 0, count: shape.count)
    var source = 0
    for position in 0..<(target.count / size) {
      let word = data.loadUnaligned(fromByteOffset: source * size, as: Word.self)
      target.storeBytes(
        of: header.isBigEndian ? word.byteSwapped : word, toByteOffset: position * size, as: Word.self)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        source += strides[axis]
        if index[axis] < shape[axis] { break }
        source -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }

  private func swap<Word: FixedWidthInteger>(
    _ target: UnsafeMutableRawBufferPointer, _ index: Int, _: Word.Type
  ) {
    let offset = index * MemoryLayout<Word>.size
    target.storeBytes(
      of: target.loadUnaligned(fromByteOffset: offset, as: Word.self).byteSwapped, toByteOffset: offset,
      as: Word.self)
  }
}
