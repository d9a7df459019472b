import Foundation
import Tensor

/// A safetensors file, mapped into memory after its header was checked.
///
/// Format: 8 bytes header length, little-endian; a JSON object from name to `dtype`, `shape` and
/// `data_offsets`, with `__metadata__` holding text; then the bytes of the tensors without holes.
/// Source: https://github.com/huggingface/safetensors
public final class SafeTensorsFile: Sendable {
  /// One tensor as the header describes it.
  public struct Entry: Equatable, Sendable {
    /// The tensor's name.
    public let name: String
    /// Its element type.
    public let elementType: ElementType
    /// Its shape.
    public let shape: [Int]
    let range: Range<Int>
  }

  /// Where the file is.
  public let url: URL
  /// The tensors in the order of their bytes.
  public let entries: [Entry]
  /// The text of `__metadata__` but for checksums, empty when there is none.
  public let metadata: [String: String]
  /// Whether the file carries the checksums of ``SafeTensors/write(_:metadata:hasChecksums:to:)``, which are
  /// then verified: the header's when it is opened, a tensor's whenever it is read.
  public var hasChecksums: Bool { checksums != nil }
  private let checksums: [UInt32]?
  let mapping: MappedFile
  private let indices: [String: Int]

  /// Names of the tensors in the order of their bytes.
  public var names: [String] { entries.map(\.name) }

  /// Maps a file and checks its header completely; tensor bytes are read when asked for.
  /// - Throws: ``CheckpointError``: `cannotOpen`, `wrongFormat` for something else, `damaged` for a header
  ///   that breaks the format's rules or a file cut short, `unsupported` for an element type without
  ///   counterpart.
  public init(reading url: URL) throws {
    self.url = url
    mapping = try MappedFile(url, expected: "a safetensors file")
    let header = try SafeTensorsHeader(mapping.bytes, file: url.path)
    entries = header.entries
    (metadata, checksums) = try SafeTensorsChecksums.verified(header, mapping.bytes, file: url.path)
    indices = Dictionary(
      header.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    guard indices.count == entries.count else {
      throw CheckpointError(
        .unsupported, file: url.path, at: "header", found: "names that differ in their Unicode form only",
        expected: "names that differ as text")
    }
  }

  /// The header's description of a tensor, or nil when the file has none of that name.
  public func entry(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// Calls `body` with the bytes of a tensor where they lie in the file, little-endian, C order.
  /// - Throws: ``CheckpointError`` of kind `missing`, `damaged` for bytes that do not have the checksum of
  ///   the file's writer, or what `body` throws.
  public func withBytes<Result>(
    of name: String, _ body: (Entry, UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let entry = entry(name) else {
      throw CheckpointError(.missing, file: url.path, at: name, found: "no tensor of that name")
    }
    return try withExtendedLifetime(mapping) {
      let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[entry.range])
      try verify(name, bytes)
      return try body(entry, bytes)
    }
  }

  /// Compares the bytes of a tensor with their checksum, where the file carries any.
  /// - Throws: ``CheckpointError`` of kind `damaged`.
  func verify(_ name: String, _ bytes: UnsafeRawBufferPointer) throws {
    if hasChecksums { try verify(name, checksum: CRC32.of(bytes)) }
  }

  /// As ``verify(_:_:)``, for bytes of this checksum.
  func verify(_ name: String, checksum: UInt32) throws {
    guard let checksums, let index = indices[name] else { return }
    try SafeTensorsChecksums.compare(checksum, checksums[index], name, url.path)
  }

  /// A copy of a tensor as it is stored.
  /// - Throws: ``CheckpointError`` of kind `missing`.
  public func array(_ name: String) throws -> StoredArray {
    try withBytes(of: name) { StoredArray($0.elementType, shape: $0.shape, bytes: [UInt8]($1)) }
  }
}

/// The checked header of a safetensors file.
struct SafeTensorsHeader {
  /// Longest header that the reference implementation accepts, in bytes.
  static let longest = 100_000_000

  /// Element types and their names, in the order in which the reference implementation lays tensors out.
  static let typeNames: [(ElementType, String)] = [
    (.uint64, "U64"), (.int64, "I64"), (.float64, "F64"), (.float32, "F32"), (.uint32, "U32"),
    (.int32, "I32"),
    (.bfloat16, "BF16"), (.float16, "F16"), (.uint16, "U16"), (.int16, "I16"), (.int8, "I8"), (.uint8, "U8"),
    (.bool, "BOOL"),
  ]

  let entries: [SafeTensorsFile.Entry]
  let metadata: [String: String]

  init(_ bytes: UnsafeRawBufferPointer, file: String) throws {
    func error(
      _ kind: CheckpointError.Kind, _ place: String?, _ found: String, _ expected: String?
    ) -> CheckpointError {
      CheckpointError(kind, file: file, at: place, found: found, expected: expected)
    }
    guard bytes.count >= 8 else {
      throw error(.damaged, nil, "\(bytes.count) bytes", "a safetensors file of at least 8 bytes")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Self.longest) else {
      throw error(.wrongFormat, nil, "a header length of \(length) bytes", "at most \(Self.longest)")
    }
    let start = 8 + Int(length)
    guard start <= bytes.count else {
      throw error(.damaged, nil, "\(bytes.count) bytes", "at least \(start) for the header")
    }
    guard length > 0, bytes[8] == UInt8(ascii: "{") else {
      throw error(.wrongFormat, "header", length == 0 ? "no bytes" : "no `{` at its start", "a JSON object")
    }
    let json: JSONValue
    do {
      json = try JSONReader.read(UnsafeRawBufferPointer(rebasing: bytes[8..<start]))
    } catch {
      throw CheckpointError(
        .damaged, file: file, at: "header byte \(error.offset)", found: error.message, expected: "valid JSON")
    }
    guard case .object(let members) = json else {
      throw error(.wrongFormat, "header", json.kind, "a JSON object")
    }

    var metadata: [String: String] = [:]
    var entries: [SafeTensorsFile.Entry] = []
    for (name, value) in members {
      if name == "__metadata__" {
        guard case .object(let texts) = value else { throw error(.damaged, name, value.kind, "an object") }
        for (key, text) in texts {
          guard case .string(let text) = text else {
            throw error(.damaged, "\(name).\(key)", text.kind, "text")
          }
          metadata[key] = text
        }
        continue
      }
      entries.append(try Self.entry(name, value, file))
    }
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name) < (
        $1.range.lowerBound, $1.range.upperBound, $1.name
      )
    }

    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound > end ? "a hole before" : "an overlap at"
        throw error(
          .damaged, entry.name, "\(what) data offset \(entry.range.lowerBound)", "data from offset \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == bytes.count - start else {
      throw error(.damaged, nil, "\(bytes.count - start) bytes of data", "\(end) as the header says")
    }
    self.entries = entries.map {
      .init(
        name: $0.name, elementType: $0.elementType, shape: $0.shape,
        range: ($0.range.lowerBound + start)..<($0.range.upperBound + start))
    }
    self.metadata = metadata
  }

  private static func entry(_ name: String, _ value: JSONValue, _ file: String) throws
    -> SafeTensorsFile.Entry
  {
    func error(_ found: String, _ expected: String, _ kind: CheckpointError.Kind = .damaged)
      -> CheckpointError
    {
      CheckpointError(kind, file: file, at: name, found: found, expected: expected)
    }
    guard case .object(let fields) = value else {
      throw error(value.kind, "an object with dtype, shape, data_offsets")
    }
    for key in ["dtype", "shape", "data_offsets"] where value[key] == nil {
      throw error("no `\(key)`", "dtype, shape and data_offsets")
    }
    guard fields.count == 3 else {
      let extra = fields.first { !["dtype", "shape", "data_offsets"].contains($0.key) }
      throw error("`\(extra?.key ?? "")`", "only dtype, shape and data_offsets")
    }
    guard case .string(let typeName)? = value["dtype"] else { throw error("a dtype that is no text", "text") }
    guard let type = typeNames.first(where: { $0.1 == typeName })?.0 else {
      throw error("dtype `\(typeName)`", "one of \(typeNames.map(\.1).joined(separator: ", "))", .unsupported)
    }
    guard let shape = naturals(value["shape"]) else {
      throw error("a shape that is no list of extents", "[Int >= 0]")
    }
    guard let offsets = naturals(value["data_offsets"]), offsets.count == 2, offsets[0] <= offsets[1] else {
      throw error("data_offsets that are no range", "[begin, end] with begin <= end")
    }
    guard let size = type.byteCount(shape: shape), size == offsets[1] - offsets[0] else {
      let needed = type.byteCount(shape: shape).map { "\($0)" } ?? "more than Int.max"
      throw error("\(offsets[1] - offsets[0]) bytes for \(typeName) \(shape)", "\(needed)")
    }
    return .init(name: name, elementType: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  private static func naturals(_ value: JSONValue?) -> [Int]? {
    guard case .array(let elements)? = value else { return nil }
    var result: [Int] = []
    for element in elements {
      guard case .integer(let number) = element, number >= 0 else { return nil }
      result.append(number)
    }
    return result
  }
}
