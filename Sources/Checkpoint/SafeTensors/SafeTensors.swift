import Foundation
import Tensor

/// Reading and writing safetensors files, Hugging Face's format for weights.
public enum SafeTensors {
  /// Maps a file and checks its header; tensors are read when asked for.
  /// - Throws: as ``SafeTensorsFile/init(reading:)``.
  public static func read(_ url: URL) throws -> SafeTensorsFile { try SafeTensorsFile(reading: url) }

  /// Writes tensors in one step. The header's order is that of the reference implementation (wide types
  /// first, then by name), so the same content gives the same bytes.
  /// - Parameter hasChecksums: adds the CRC-32 of the header and of each tensor as `crc32` to the metadata,
  ///   which ``SafeTensorsFile`` verifies.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a name given twice or reserved.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:],
    hasChecksums: Bool = false, to url: URL
  ) throws {
    let items = tensors.map { item in
      Item(name: item.name, elementType: ElementType(item.tensor.dtype), shape: item.tensor.shape) { body in
        try item.tensor.withElementBytes(body)
      }
    }
    try write(items, metadata, hasChecksums, url)
  }

  /// Writes arrays of any type on disk in one step; else as
  /// ``write(_:metadata:to:)-([(String,Tensor)],_,_)``.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a name given twice or reserved.
  public static func write(
    _ arrays: [(name: String, array: StoredArray)], metadata: [String: String] = [:],
    hasChecksums: Bool = false, to url: URL
  ) throws {
    let items = arrays.map { item in
      Item(name: item.name, elementType: item.array.elementType, shape: item.array.shape) { body in
        try item.array.bytes.withUnsafeBytes(body)
      }
    }
    try write(items, metadata, hasChecksums, url)
  }

  /// A tensor to write, whose bytes are asked for when it is its turn.
  package struct Item {
    package let name: String
    package let elementType: ElementType
    package let shape: [Int]
    /// Calls its argument once with the elements, little-endian, C order.
    package let withBytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// The size that the header states.
    package var byteCount: Int { shape.reduce(elementType.byteSize, *) }

    package init(
      name: String, elementType: ElementType, shape: [Int],
      withBytes: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      (self.name, self.elementType, self.shape, self.withBytes) = (name, elementType, shape, withBytes)
    }
  }

  /// Writes items in one step, one after the other, in the order of
  /// ``write(_:metadata:hasChecksums:to:)-([(String,Tensor)],_,_,_)``.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a name given twice or reserved; what an
  ///   item throws.
  package static func write(
    _ items: [Item], _ metadata: [String: String], _ hasChecksums: Bool, _ url: URL
  ) throws {
    try AtomicFile.replace(url) { try write(items, metadata, hasChecksums, to: $0, reportingAs: url) }
  }

  /// Writes a file that is not yet in its place.
  static func write(
    _ items: [Item], _ metadata: [String: String], _ hasChecksums: Bool, to temporary: URL,
    reportingAs url: URL
  ) throws {
    let ranks = Dictionary(uniqueKeysWithValues: SafeTensorsHeader.typeNames.enumerated().map { ($1.0, $0) })
    let sorted = items.sorted {
      let (a, b) = (ranks[$0.elementType] ?? 0, ranks[$1.elementType] ?? 0)
      return a == b ? $0.name < $1.name : a < b
    }
    var names: Set<String> = []
    for item in sorted {
      guard item.name != "__metadata__", names.insert(item.name).inserted else {
        throw CheckpointError(
          .cannotWrite, file: url.path, at: item.name, found: "a name that is reserved or given twice",
          expected: "unique names")
      }
    }
    var metadata = metadata
    if hasChecksums { metadata[SafeTensorsChecksums.key] = SafeTensorsChecksums.placeholder(sorted.count) }
    let header = header(sorted, metadata)
    let output = try OutputFile(temporary, reportingAs: url)
    try withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { try output.write($0) }
    try output.write(header)
    var checksums = SafeTensorsChecksums()
    for item in sorted {
      try item.withBytes { bytes in
        tensorRequire(
          bytes.count == item.byteCount, "SafeTensors.write", "\(bytes.count) bytes for \(item.name)")
        try output.write(bytes)
        if hasChecksums { checksums.add(bytes) }
      }
    }
    if hasChecksums { try checksums.write(into: header, at: 8, of: output) }
    try output.close()
  }

  private static func header(_ items: [Item], _ metadata: [String: String])
    -> String
  {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map {
        "\(jsonLiteral($0.key)):\(jsonLiteral($0.value))"
      }
      members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    let typeNames = Dictionary(uniqueKeysWithValues: SafeTensorsHeader.typeNames)
    var offset = 0
    for item in items {
      let shape = item.shape.map(String.init).joined(separator: ",")
      let end = offset + item.byteCount
      members.append(
        "\(jsonLiteral(item.name)):{\"dtype\":\"\(typeNames[item.elementType] ?? "")\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    let text = "{\(members.joined(separator: ","))}"
    return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
  }
}
