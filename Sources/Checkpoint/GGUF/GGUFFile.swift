import Foundation
import Tensor

/// A value of a GGUF file's metadata.
public enum GGUFValue: Equatable, Sendable {
  /// A whole number of an unsigned type.
  case unsigned(UInt64)
  /// A whole number of a signed type.
  case integer(Int64)
  /// A floating-point number.
  case real(Double)
  /// A truth value.
  case boolean(Bool)
  /// A text.
  case string(String)
  /// Values of one type.
  case array([GGUFValue])

  /// The value as an Int when it is a whole number that fits.
  public var asInt: Int? {
    switch self {
    case .unsigned(let value): Int(exactly: value)
    case .integer(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The value as a Double when it is a number.
  public var asDouble: Double? {
    switch self {
    case .unsigned(let value): Double(value)
    case .integer(let value): Double(value)
    case .real(let value): value
    default: nil
    }
  }

  /// The text, when it is text.
  public var asString: String? { if case .string(let text) = self { text } else { nil } }

  /// The elements, when it is an array.
  public var asArray: [GGUFValue]? { if case .array(let elements) = self { elements } else { nil } }
}

/// A GGUF file, mapped into memory after its header was checked: llama.cpp's format, with quantised weights.
///
/// Reads versions 2 and 3, little-endian, and the types of ``GGUFEncoding``; the quantised ones become
/// Float32. Shapes are given in C order (the file lists the fastest axis first).
/// Query and key rows of LLaMA weights are stored for interleaved rotary pairs; this reader gives them as
/// they are.
/// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public final class GGUFFile: Sendable {
  /// One tensor as the header describes it.
  public struct Entry: Equatable, Sendable {
    /// The tensor's name.
    public let name: String
    /// The encoding of its elements.
    public let encoding: GGUFEncoding
    /// Its shape in C order.
    public let shape: [Int]
    let range: Range<Int>
  }

  /// Where the file is.
  public let url: URL
  /// The format's version.
  public let version: Int
  /// Metadata such as `general.architecture` or `llama.block_count`.
  public let metadata: [String: GGUFValue]
  /// The tensors in the order of the header.
  public let entries: [Entry]
  private let mapping: MappedFile
  private let indices: [String: Int]

  /// Maps a file and checks its header; tensor bytes are read when asked for.
  /// - Throws: ``CheckpointError``: `cannotOpen`, `wrongFormat` when it is something else, `damaged` when it
  ///   is cut short or inconsistent, `unsupported` for a version or encoding that is not read.
  public init(reading url: URL) throws {
    self.url = url
    mapping = try MappedFile(url, expected: "a GGUF file")
    let header = try GGUFHeader(mapping.bytes, file: url.path)
    version = header.version
    metadata = header.metadata
    entries = header.entries
    indices = Dictionary(uniqueKeysWithValues: header.entries.enumerated().map { ($1.name, $0) })
  }

  /// The header's description of a tensor, or nil when the file has none of that name.
  public func entry(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// Tensors whose data ends before that of the next one begins, by more than the gap that aligns it, and how
  /// many bytes are theirs by that. ggml writes no such files: shape or type is not the tensor's own.
  package var loose: [(entry: Entry, byteCount: Int, room: Int)] {
    let alignment = max(metadata["general.alignment"]?.asInt ?? 32, 32)
    let placed = entries.sorted { $0.range.lowerBound < $1.range.lowerBound }
    return zip(placed, placed.dropFirst()).compactMap { entry, next in
      let room = next.range.lowerBound - entry.range.lowerBound
      return room - entry.range.count < alignment ? nil : (entry, entry.range.count, room)
    }
  }

  /// The bytes of a quantised matrix where they lie in the mapped file, `[rows, bytes of a row]`, for
  /// `QuantizedMatrix`.
  ///
  /// Nothing is read before it is used. The file must not become shorter while the tensor lives.
  /// - Throws: ``CheckpointError`` of kind `missing`, or `unsupported` for a tensor that is no matrix.
  public func blocks(_ name: String) throws -> Tensor {
    let entry = try required(name)
    guard entry.shape.count == 2 else {
      throw CheckpointError(
        .unsupported, file: url.path, at: name, found: "\(entry.shape)", expected: "two axes")
    }
    let rowBytes = entry.shape[1] / entry.encoding.blockLength * entry.encoding.blockSize
    return Tensor(
      borrowing: bytes(of: entry), shape: [entry.shape[0], rowBytes], dtype: .uint8, owner: mapping)
  }

  /// A tensor that is not quantised where it lies in the mapped file, in the type it has there; nil where it
  /// is quantised or its elements do not begin at a multiple of their size.
  /// - Throws: ``CheckpointError`` of kind `missing`.
  package func mapped(_ name: String) throws -> Tensor? {
    let entry = try required(name)
    guard entry.encoding.blockEncoding == nil,
      entry.range.lowerBound.isMultiple(of: entry.encoding.dtype.byteSize)
    else { return nil }
    return Tensor(
      borrowing: bytes(of: entry), shape: entry.shape, dtype: entry.encoding.dtype, owner: mapping)
  }

  /// A tensor: Float32 for F32 and the quantised encodings, Float16 and BFloat16 as stored, unless `dtype`
  /// says otherwise.
  ///
  /// It is read and converted piece by piece: neither the stored nor the expanded form is in memory beside
  /// the result.
  /// - Throws: ``CheckpointError`` of kind `missing`.
  public func tensor(_ name: String, as dtype: DType? = nil) throws -> Tensor {
    let entry = try required(name)
    let encoding = entry.encoding
    let dtype = dtype ?? encoding.dtype
    if encoding.blockEncoding == nil, encoding.dtype == dtype {
      return try Tensor(shape: entry.shape, dtype: dtype) {
        if let start = $0.baseAddress { try mapping.read(entry.range, into: start) }
      }
    }
    let pieceLength = Tensor.pieceLength
    let count = entry.shape.reduce(1, *)
    return try Tensor(shape: entry.shape, dtype: dtype) { target in
      for first in stride(from: 0, to: count, by: pieceLength) {
        let length = min(pieceLength, count - first)
        let offset = entry.range.lowerBound + first / encoding.blockLength * encoding.blockSize
        let size = length / encoding.blockLength * encoding.blockSize
        let stored = try Tensor(shape: [size], dtype: .uint8) {
          if let start = $0.baseAddress { try mapping.read(offset..<(offset + size), into: start) }
        }
        let piece = Tensor(shape: [length], dtype: encoding.dtype) { piece in
          stored.withElementBytes { encoding.decode($0, into: piece) }
        }
        piece.to(dtype).withElementBytes {
          UnsafeMutableRawBufferPointer(rebasing: target[(first * dtype.byteSize)...]).copyMemory(from: $0)
        }
      }
    }
  }

  /// Gives back the pages of the file that were looked at so far; what is used again is read again.
  package func forget() { mapping.forget() }

  private func required(_ name: String) throws -> Entry {
    guard let entry = entry(name) else {
      throw CheckpointError(.missing, file: url.path, at: name, found: "no tensor of that name")
    }
    return entry
  }

  private func bytes(of entry: Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.range])
  }
}

/// The checked header of a GGUF file.
private struct GGUFHeader {
  var version = 0
  var metadata: [String: GGUFValue] = [:]
  var entries: [GGUFFile.Entry] = []

  init(_ bytes: UnsafeRawBufferPointer, file: String) throws {
    func error(
      _ kind: CheckpointError.Kind, _ place: String?, _ found: String, _ expected: String?
    ) -> CheckpointError {
      CheckpointError(kind, file: file, at: place, found: found, expected: expected)
    }
    guard bytes.count >= 4, bytes.prefix(4).elementsEqual("GGUF".utf8) else {
      throw error(.wrongFormat, nil, "no GGUF signature", "a GGUF file")
    }
    var reader = ByteReader(bytes, file: file, position: 4)
    let version = try reader.next(UInt32.self, "version")
    guard version == 2 || version == 3 else {
      throw error(.unsupported, nil, "GGUF version \(version)", "version 2 or 3, little-endian")
    }
    self.version = Int(version)
    let tensorCount = try reader.next(UInt64.self, "tensor count")
    let valueCount = try reader.next(UInt64.self, "metadata count")
    var parser = GGUFMetadataReader(reader: reader, file: file)
    for _ in 0..<valueCount {
      let key = try parser.text("metadata key")
      guard metadata.updateValue(try parser.value(key), forKey: key) == nil else {
        throw error(.damaged, key, "the key a second time", "unique keys")
      }
    }

    let stated = metadata["general.alignment"]
    guard let alignment = stated == nil ? 32 : stated?.asInt, alignment > 0,
      alignment & (alignment - 1) == 0
    else {
      let found = stated?.asInt.map(String.init) ?? "no whole number"
      throw error(.damaged, "general.alignment", found, "a power of two")
    }
    var infos: [(name: String, encoding: GGUFEncoding, shape: [Int], offset: UInt64)] = []
    var names: Set<String> = []
    for _ in 0..<tensorCount {
      let name = try parser.text("tensor name")
      guard names.insert(name).inserted else {
        throw error(.damaged, name, "the name a second time", "unique names")
      }
      let rank = try parser.reader.next(UInt32.self, name)
      guard rank <= 4 else { throw error(.damaged, name, "\(rank) axes", "at most 4") }
      let extents = try (0..<rank).map { _ in try parser.reader.next(UInt64.self, name) }
      let code = try parser.reader.next(UInt32.self, name)
      guard let encoding = GGUFEncoding(rawValue: code) else {
        throw error(.unsupported, name, GGUFEncoding.name(ofUnread: code), GGUFEncoding.list)
      }
      if let none = extents.first(where: { $0 == 0 }) {
        throw error(.damaged, name, "an axis of \(none)", "extents of 1 or more")
      }
      let shape = extents.reversed().map { Int(clamping: $0) }
      infos.append((name, encoding, shape, try parser.reader.next(UInt64.self, name)))
    }
    let start = (parser.reader.position + alignment - 1) / alignment * alignment
    entries = try infos.map { info in
      guard let size = info.encoding.byteCount(shape: info.shape) else {
        throw error(
          .damaged, info.name, "shape \(info.shape) of \(info.encoding.name)",
          "rows of a multiple of \(info.encoding.blockLength)")
      }
      guard info.offset <= UInt64(bytes.count), start + Int(info.offset) <= bytes.count,
        size <= bytes.count - start - Int(info.offset)
      else {
        throw error(
          .damaged, info.name,
          "\(size) bytes from byte \(start) + \(info.offset) in a file of \(bytes.count)",
          "data within the file")
      }
      guard info.offset.isMultiple(of: UInt64(alignment)) else {
        throw error(
          .damaged, info.name, "data at offset \(info.offset)",
          "a multiple of general.alignment (\(alignment))")
      }
      let first = start + Int(info.offset)
      return .init(name: info.name, encoding: info.encoding, shape: info.shape, range: first..<(first + size))
    }
    let placed = entries.filter { !$0.range.isEmpty }.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for (one, next) in zip(placed, placed.dropFirst()) where next.range.lowerBound < one.range.upperBound {
      throw error(
        .damaged, next.name, "data from byte \(next.range.lowerBound)",
        "none before byte \(one.range.upperBound), where \(one.name) ends")
    }
  }
}

/// Reads the typed values of a GGUF header.
private struct GGUFMetadataReader {
  var reader: ByteReader
  let file: String

  mutating func text(_ what: String) throws -> String {
    let length = try reader.next(UInt64.self, what)
    return try reader.text(Int(clamping: length), what)
  }

  mutating func value(_ key: String) throws -> GGUFValue {
    try value(type: try reader.next(UInt32.self, key), key, depth: 0)
  }

  private mutating func value(type: UInt32, _ key: String, depth: Int) throws -> GGUFValue {
    switch type {
    case 0: return .unsigned(UInt64(try reader.next(UInt8.self, key)))
    case 1: return .integer(Int64(try reader.next(Int8.self, key)))
    case 2: return .unsigned(UInt64(try reader.next(UInt16.self, key)))
    case 3: return .integer(Int64(try reader.next(Int16.self, key)))
    case 4: return .unsigned(UInt64(try reader.next(UInt32.self, key)))
    case 5: return .integer(Int64(try reader.next(Int32.self, key)))
    case 6: return .real(Double(try reader.next(Float.self, key)))
    case 7: return .boolean(try reader.next(UInt8.self, key) != 0)
    case 8: return .string(try text(key))
    case 9 where depth < 4:
      let elementType = try reader.next(UInt32.self, key)
      let count = try reader.next(UInt64.self, key)
      var elements: [GGUFValue] = []
      for _ in 0..<count { elements.append(try value(type: elementType, key, depth: depth + 1)) }
      return .array(elements)
    case 10: return .unsigned(try reader.next(UInt64.self, key))
    case 11: return .integer(try reader.next(Int64.self, key))
    case 12: return .real(try reader.next(Double.self, key))
    default:
      throw CheckpointError(
        .damaged, file: file, at: key, found: "value type \(type)",
        expected: "one of 0 to 12, arrays at most 4 deep")
    }
  }
}
