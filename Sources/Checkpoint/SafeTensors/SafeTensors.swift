import Foundation

/// Reading and writing safetensors files, Hugging Face's format for weights.
public enum SafeTensors {
  /// Writes arrays in one step. The header's order is that of the reference implementation (wide types first, then by
  /// name), so the same content gives the same bytes.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`, also for a name given twice or reserved.
  public static func write(
    _ arrays: [(name: String, array: StoredArray)], metadata: [String: String] = [:], to url: URL
  ) throws {
    let ranks = Dictionary(uniqueKeysWithValues: SafeTensorsHeader.typeNames.enumerated().map { ($1.0, $0) })
    let sorted = arrays.sorted {
      let (a, b) = (ranks[$0.array.elementType] ?? 0, ranks[$1.array.elementType] ?? 0)
      return a == b ? $0.name < $1.name : a < b
    }
    var names: Set<String> = []
    for (name, _) in sorted {
      guard name != "__metadata__", names.insert(name).inserted else {
        throw CheckpointError(
          .cannotWrite, file: url.path, at: name, found: "a name that is reserved or given twice",
          expected: "unique names")
      }
    }
    let header = header(sorted, metadata)
    try AtomicFile.replace(url) { temporary in
      let output = try OutputFile(temporary, reportingAs: url)
      try withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { try output.write($0) }
      try output.write(header)
      for (_, array) in sorted { try array.bytes.withUnsafeBytes { try output.write($0) } }
      try output.close()
    }
  }

  private static func header(_ arrays: [(name: String, array: StoredArray)], _ metadata: [String: String])
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
    for (name, array) in arrays {
      let shape = array.shape.map(String.init).joined(separator: ",")
      let end = offset + array.bytes.count
      members.append(
        "\(jsonLiteral(name)):{\"dtype\":\"\(typeNames[array.elementType] ?? "")\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    let text = "{\(members.joined(separator: ","))}"
    return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
  }
}
