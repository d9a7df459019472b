import Foundation
import Tensor

/// A value of a GGUF file's metadata with the type that is written.
package enum GGUFField: Equatable, Sendable {
  /// A whole number of 32 bits without a sign, as sizes and ids are.
  case uint32(UInt32)
  /// A number in single precision.
  case float32(Float)
  /// A truth value.
  case bool(Bool)
  /// A text.
  case string(String)
  /// Texts.
  case strings([String])
  /// Numbers in single precision.
  case floats([Float])
  /// Whole numbers of 32 bits.
  case integers([Int32])
}

/// Writing GGUF files: llama.cpp's format, version 3, little-endian.
///
/// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package enum GGUFWriter {
  /// A tensor to write, whose values are asked for when it is its turn.
  package struct Item {
    package let name: String
    /// In C order.
    package let shape: [Int]
    package let encoding: GGUFEncoding
    /// Floating-point values of ``shape``.
    package let value: () throws -> Tensor

    package init(
      name: String, shape: [Int], encoding: GGUFEncoding, value: @escaping () throws -> Tensor
    ) {
      (self.name, self.shape, self.encoding, self.value) = (name, shape, encoding, value)
    }
  }

  private static let alignment = 32

  /// Writes a file that is not yet in its place, tensor by tensor: beside the model there is one tensor in
  /// memory at a time, and a piece of it in the type of the file.
  ///
  /// - Parameters:
  ///   - metadata: keys in the order they are written.
  ///   - url: what errors call the file.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a key or a name given twice and for values
  ///   that their type cannot hold; what an item throws.
  package static func write(
    _ items: [Item], metadata: [(key: String, value: GGUFField)], to temporary: URL, reportingAs url: URL
  ) throws {
    try refuseDoubles(items.map(\.name) + metadata.map(\.key), url)
    let output = try OutputFile(temporary, reportingAs: url)
    var head = HeadWriter()
    head.bytes += Array("GGUF".utf8)
    head.put(UInt32(3))
    head.put(UInt64(items.count))
    head.put(UInt64(metadata.count))
    for (key, value) in metadata { head.put(key, value) }
    var offset = 0
    for item in items {
      guard let size = item.encoding.byteCount(shape: item.shape) else {
        throw CheckpointError(
          .cannotWrite, file: url.path, at: item.name, found: "shape \(item.shape) of \(item.encoding.name)",
          expected: "rows of a multiple of \(item.encoding.blockLength)")
      }
      head.put(item.name)
      head.put(UInt32(item.shape.count))
      for extent in item.shape.reversed() { head.put(UInt64(extent)) }
      head.put(item.encoding.rawValue)
      head.put(UInt64(offset))
      offset += size + padding(behind: size)
    }
    head.bytes += [UInt8](repeating: 0, count: padding(behind: head.bytes.count))
    try head.bytes.withUnsafeBytes { try output.write($0) }
    let zeros = [UInt8](repeating: 0, count: alignment)
    for item in items {
      try write(item, to: output, url)
      let size = item.encoding.byteCount(shape: item.shape) ?? 0
      try zeros.withUnsafeBytes { bytes in
        try output.write(UnsafeRawBufferPointer(rebasing: bytes[..<padding(behind: size)]))
      }
    }
    try output.close()
  }

  private static func padding(behind size: Int) -> Int { (alignment - size % alignment) % alignment }

  private static func refuseDoubles(_ names: [String], _ url: URL) throws {
    var seen: Set<String> = []
    guard let twice = names.first(where: { !seen.insert($0).inserted }) else { return }
    throw CheckpointError(
      .cannotWrite, file: url.path, at: twice, found: "two of this name", expected: "unique names")
  }

  private static func write(_ item: Item, to output: OutputFile, _ url: URL) throws {
    let value = try item.value()
    tensorRequire(
      value.shape == item.shape, "GGUFWriter.write", "\(value.shape) for \(item.name), not \(item.shape)")
    let encoding = item.encoding
    if encoding.blockEncoding == nil, value.dtype == encoding.dtype {
      return try value.withElementBytes { try output.write($0) }
    }
    let flat = value.detached().contiguous().reshaped([value.count])
    // A piece per thread, so that all have work.
    let length = Tensor.pieceLength * 16
    for first in stride(from: 0, to: value.count, by: length) {
      let piece = flat.slice(axis: 0, first..<min(first + length, value.count))
      let bytes = try noGradient { try encoded(piece, encoding, item.name, url) }
      try bytes.withElementBytes { try output.write($0) }
    }
  }

  /// A piece of a tensor, whole blocks, in the type of a file.
  private static func encoded(
    _ piece: Tensor, _ encoding: GGUFEncoding, _ name: String, _ url: URL
  ) throws -> Tensor {
    guard let blocks = encoding.blockEncoding else {
      let converted = piece.to(encoding.dtype)
      guard isFinite(converted) else { throw unholdable(name, encoding, url) }
      return converted
    }
    let values = piece.to(.float32).contiguous()
    guard isFinite(values) else { throw unholdable(name, encoding, url) }
    let (count, size) = (values.count / blocks.blockLength, blocks.blockSize)
    let result = Tensor(shape: [count * size], dtype: .uint8) { target in
      values.withElementBytes { source in
        guard let numbers = source.bindMemory(to: Float.self).baseAddress, let out = target.baseAddress
        else { return }
        Threads.parallel(count, grain: 256) { range in
          blocks.round(
            numbers + range.lowerBound * blocks.blockLength, count: range.count,
            into: out + range.lowerBound * size)
        }
      }
    }
    let isHeld = result.withElementBytes { bytes in
      bytes.baseAddress.map { blocks.isFinite($0, count: count) } ?? true
    }
    guard isHeld else { throw unholdable(name, encoding, url) }
    return result
  }

  /// Whether all values are numbers; their sum alone may be none for other reasons.
  private static func isFinite(_ piece: Tensor) -> Bool {
    piece.sum().item().isFinite || (piece - piece).sum().item() == 0
  }

  private static func unholdable(_ name: String, _ encoding: GGUFEncoding, _ url: URL) -> CheckpointError {
    CheckpointError(
      .cannotWrite, file: url.path, at: name, found: "values that \(encoding.name) cannot hold",
      expected: "another --dtype")
  }
}

/// The bytes of a header.
private struct HeadWriter {
  var bytes: [UInt8] = []

  mutating func put<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }

  mutating func put(_ text: String) {
    put(UInt64(text.utf8.count))
    bytes += text.utf8
  }

  /// Numbers of the value types: `gguf_metadata_value_type`.
  private enum Kind: UInt32 {
    case uint32 = 4
    case int32, float32, bool, string, array
  }

  private mutating func put(_ kind: Kind) { put(kind.rawValue) }

  private mutating func list<Element>(
    _ kind: Kind, _ values: [Element], _ body: (inout HeadWriter, Element) -> Void
  ) {
    put(Kind.array)
    put(kind)
    put(UInt64(values.count))
    for value in values { body(&self, value) }
  }

  mutating func put(_ key: String, _ value: GGUFField) {
    put(key)
    switch value {
    case .uint32(let number):
      put(Kind.uint32)
      put(number)
    case .float32(let number):
      put(Kind.float32)
      put(number.bitPattern)
    case .bool(let flag):
      put(Kind.bool)
      put(UInt8(flag ? 1 : 0))
    case .string(let text):
      put(Kind.string)
      put(text)
    case .strings(let texts): list(.string, texts) { $0.put($1) }
    case .floats(let numbers): list(.float32, numbers) { $0.put($1.bitPattern) }
    case .integers(let numbers): list(.int32, numbers) { $0.put($1) }
    }
  }
}
