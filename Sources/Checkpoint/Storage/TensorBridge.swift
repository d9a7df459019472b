import Foundation
import Tensor

extension ElementType {
  /// The type on disk of a tensor's elements.
  public init(_ dtype: DType) {
    self =
      switch dtype {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32: .float32
      case .float64: .float64
      case .uint8: .uint8
      case .int32: .int32
      case .int64: .int64
      case .bool: .bool
      }
  }

  /// The tensor element type that holds every value of this one; nil for UInt64, which has none.
  public var dtype: DType? {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float32: .float32
    case .float64: .float64
    case .uint8: .uint8
    case .int8, .int16, .uint16, .int32: .int32
    case .uint32, .int64: .int64
    case .bool: .bool
    case .uint64: nil
    }
  }
}

extension StoredArray {
  /// A tensor's elements in C order, without its gradient record.
  public init(_ tensor: Tensor) {
    self = tensor.withElementBytes {
      StoredArray(ElementType(tensor.dtype), shape: tensor.shape, bytes: [UInt8]($0))
    }
  }

  /// The array as a tensor of type ``ElementType/dtype``; nil for UInt64.
  public var tensor: Tensor? {
    try? bytes.withUnsafeBytes { try Tensor(elementType, shape: shape, bytes: $0) }
  }
}

/// An element type that no tensor can have.
struct NoTensorType: Error {
  let elementType: ElementType
}

extension Tensor {
  /// Elements that are converted or looked through at a time where a whole copy would cost memory. Few,
  /// because their buffers go back to the pool, which hands them to tensors half as large: those would keep
  /// twice what they need.
  package static let pieceLength = 1 << 16

  /// Calls `body` with the elements in C order.
  package func withElementBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
  {
    let flat = detached().contiguous()
    return try withExtendedLifetime(flat) {
      try body(UnsafeRawBufferPointer(start: flat.rawPointer, count: flat.count * dtype.byteSize))
    }
  }

  /// A tensor whose bytes `fill` reads from a file; element types without counterpart are widened.
  init(
    _ elementType: ElementType, shape: [Int], fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    guard let dtype = elementType.dtype else { throw NoTensorType(elementType: elementType) }
    if elementType == ElementType(dtype) {
      try self.init(shape: shape, dtype: dtype) { bytes in
        try fill(bytes)
        // Only 0 and 1 are valid in memory, whatever a file says.
        if dtype == .bool { for index in bytes.indices where bytes[index] != 0 { bytes[index] = 1 } }
      }
      return
    }
    let byteCount = shape.reduce(1, *) * elementType.byteSize
    let narrow = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
    defer { narrow.deallocate() }
    try fill(narrow)
    self.init(shape: shape, dtype: dtype) { wide in
      switch elementType {
      case .int8: Self.widen(narrow, Int8.self, wide, Int32.self)
      case .int16: Self.widen(narrow, Int16.self, wide, Int32.self)
      case .uint16: Self.widen(narrow, UInt16.self, wide, Int32.self)
      default: Self.widen(narrow, UInt32.self, wide, Int64.self)
      }
    }
  }

  /// A tensor from bytes in C order.
  init(_ elementType: ElementType, shape: [Int], bytes: UnsafeRawBufferPointer) throws {
    try self.init(elementType, shape: shape) { target in
      guard let from = bytes.baseAddress, let to = target.baseAddress else { return }
      Threads.parallel(bytes.count, grain: 1 << 20) { range in
        (to + range.lowerBound).copyMemory(from: from + range.lowerBound, byteCount: range.count)
      }
    }
  }

  private static func widen<From: FixedWidthInteger, To: FixedWidthInteger>(
    _ narrow: UnsafeMutableRawBufferPointer, _: From.Type, _ wide: UnsafeMutableRawBufferPointer, _: To.Type
  ) {
    let output = wide.bindMemory(to: To.self)
    for (index, value) in narrow.bindMemory(to: From.self).enumerated() { output[index] = To(value) }
  }
}

extension HDF5Writer {
  /// Writes a tensor as a new contiguous dataset, making the groups above it.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also when the name is taken.
  public func write(_ tensor: Tensor, to path: String) throws {
    try tensor.withElementBytes {
      try write($0, elementType: ElementType(tensor.dtype), shape: tensor.shape, to: path)
    }
  }
}

extension HDF5File {
  /// Reads a dataset as a tensor, straight into its memory.
  /// - Throws: as ``read(_:)``; `unsupported` for UInt64, which tensors do not have.
  public func tensor(_ path: String) throws -> Tensor {
    let (elementType, shape) = try checkedDescription(of: path)
    return try rethrowing(at: path) {
      try Tensor(elementType, shape: shape) { try read(path, as: elementType, into: $0) }
    }
  }

  private func rethrowing<Result>(at path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as NoTensorType {
      throw CheckpointError(
        .unsupported, file: url.path, at: path, found: "\(error.elementType) values",
        expected: "a type that tensors have")
    }
  }
}

extension SafeTensorsFile {
  /// A tensor, copied out of the file.
  /// - Throws: ``CheckpointError`` of kind `missing`; `damaged` for bytes that do not have the checksum of
  ///   the file's writer; `unsupported` for UInt64, which tensors do not have.
  public func tensor(_ name: String) throws -> Tensor {
    try read(name) { entry, mapping in
      try Tensor(entry.elementType, shape: entry.shape) { target in
        if let start = target.baseAddress { try mapping.read(entry.range, into: start) }
        try verify(name, UnsafeRawBufferPointer(target))
      }
    }
  }

  /// A tensor in another type than it is stored in, converted piece by piece: the stored form is never in
  /// memory whole.
  /// - Throws: as ``tensor(_:)``.
  public func tensor(_ name: String, as dtype: DType) throws -> Tensor {
    guard let entry = entry(name), let stored = entry.elementType.dtype, stored != dtype,
      entry.elementType == ElementType(stored)
    else { return try tensor(name).to(dtype) }
    return try read(name) { entry, mapping in
      let pieceLength = Tensor.pieceLength
      let count = entry.shape.reduce(1, *)
      var checksum: UInt32 = 0
      let tensor = try Tensor(shape: entry.shape, dtype: dtype) { target in
        for first in stride(from: 0, to: count, by: pieceLength) {
          let length = min(pieceLength, count - first)
          let piece = try Tensor(shape: [length], dtype: stored) {
            guard let start = $0.baseAddress else { return }
            let offset = entry.range.lowerBound + first * stored.byteSize
            try mapping.read(offset..<(offset + length * stored.byteSize), into: start)
          }
          if hasChecksums { piece.withElementBytes { checksum = CRC32.of($0, after: checksum) } }
          piece.to(dtype).withElementBytes {
            UnsafeMutableRawBufferPointer(rebasing: target[(first * dtype.byteSize)...]).copyMemory(from: $0)
          }
        }
      }
      try verify(name, checksum: checksum)
      return tensor
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
    do {
      return try body(entry, mapping)
    } catch let error as NoTensorType {
      throw CheckpointError(
        .unsupported, file: url.path, at: name, found: "\(error.elementType) values",
        expected: "a type that tensors have")
    }
  }
}
