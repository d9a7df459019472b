import Foundation

/// Files of named weights in either format.
public enum WeightFile {
  /// Copies a safetensors file into an HDF5 file or the other way, told apart by their endings.
  ///
  /// Names, element types, shapes and bytes are the same on both sides: a dataset's name is its path,
  /// `layers/0/weight`. Text attributes of an HDF5 file's root and the text metadata of safetensors are each
  /// other; every other attribute, of datasets and groups too, and groups without datasets, go to one text of
  /// the metadata, `hdf5.attributes`, and back. Numbers among them come back with 64 bits. Checksums are
  /// verified and written anew.
  /// - Throws: ``CheckpointError``: as the readers and writers; `unsupported` for other endings, or for what one format
  ///   cannot hold.
  public static func convert(_ source: URL, to target: URL) throws {
    switch (source.pathExtension, target.pathExtension) {
    case ("safetensors", "h5"): try toHDF5(source, target)
    case ("h5", "safetensors"): try toSafeTensors(source, target)
    default:
      throw CheckpointError(
        .unsupported, file: target.path, found: ".\(source.pathExtension) to .\(target.pathExtension)",
        expected: ".safetensors to .h5 or .h5 to .safetensors")
    }
  }

  private static func toHDF5(_ source: URL, _ target: URL) throws {
    let file = try SafeTensorsFile(reading: source)
    var metadata = file.metadata
    let objects = try metadata.removeValue(forKey: HDF5AttributeText.key).map {
      try HDF5AttributeText.objects(in: $0, file: source.path)
    }
    try HDF5File.write(to: target) { output in
      for entry in file.entries {
        let parts = entry.name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && !$0.utf8.contains(0) }) else {
          throw CheckpointError(
            .unsupported, file: source.path, at: entry.name, found: "a name that is no path in HDF5",
            expected: "parts between slashes that are neither empty nor `.`")
        }
        // A copy past the mapping: the pages of all tensors would add up.
        let array = try [UInt8](unsafeUninitializedCapacity: entry.range.count) { buffer, filled in
          if let start = buffer.baseAddress { try file.mapping.read(entry.range, into: start) }
          filled = entry.range.count
        }
        try array.withUnsafeBytes { try file.verify(entry.name, $0) }
        try array.withUnsafeBytes {
          try output.write($0, elementType: entry.elementType, shape: entry.shape, to: "/" + entry.name)
        }
      }
      for (key, text) in metadata.sorted(by: { $0.key < $1.key }) {
        try output.setAttribute(key, .string(text))
      }
      if file.hasChecksums { try output.setAttribute(SafeTensorsChecksums.key, .string("")) }
      for object in objects ?? [] {
        if !file.names.contains(where: { "/" + $0 == object.path }) { try output.createGroup(object.path) }
        for (name, value) in object.attributes { try output.setAttribute(name, value, on: object.path) }
      }
    }
  }

  private static func toSafeTensors(_ source: URL, _ target: URL) throws {
    let file = try HDF5File(reading: source)
    let contents = try HDF5Contents(of: file)
    var metadata: [String: String] = [:]
    var objects: [HDF5AttributeText.Object] = []
    for var object in contents.objects {
      if object.path == "/" {
        for (key, value) in object.attributes {
          guard case .string(let text) = value else { continue }
          guard key != HDF5AttributeText.key else {
            throw CheckpointError(
              .unsupported, file: source.path, at: "/@\(key)",
              found: "an attribute of the name that is used here",
              expected: "another name")
          }
          metadata[key] = text
        }
        object.attributes.removeAll { if case .string = $0.value { true } else { false } }
        if object.attributes.isEmpty { continue }
      }
      objects.append(object)
    }
    if !objects.isEmpty { metadata[HDF5AttributeText.key] = HDF5AttributeText.text(of: objects) }
    let items = try contents.datasets.map { path in
      let (type, shape) = try file.description(of: path)
      return SafeTensors.Item(name: path, elementType: type, shape: shape) { body in
        try file.read(path).bytes.withUnsafeBytes(body)
      }
    }
    let hasChecksums = metadata.removeValue(forKey: SafeTensorsChecksums.key) != nil
    try SafeTensors.write(items, metadata, hasChecksums, target)
  }
}

/// What is in an HDF5 file: datasets, and the attributes of all objects.
private struct HDF5Contents {
  /// Paths without the slash in front.
  var datasets: [String] = []
  /// Objects that have attributes, and groups with nothing in them.
  var objects: [HDF5AttributeText.Object] = []

  init(of file: HDF5File) throws {
    try visit("", file, depth: 0)
  }

  private mutating func visit(_ group: String, _ file: HDF5File, depth: Int) throws {
    guard depth <= 64, datasets.count + objects.count <= 1 << 24 else {
      throw CheckpointError(
        .unsupported, file: file.url.path, at: group,
        found: "groups nested deeper than 64 levels, or a maze of links",
        expected: "a tree")
    }
    let entries = try file.entries(in: "/" + group)
    var attributes = try file.attributes(on: "/" + group)
    // Checksums are those of the file and of what was written to it, not of what is copied.
    if group.isEmpty { attributes.removeAll { $0.name == HDF5Checksums.contentsName } }
    if !attributes.isEmpty || entries.isEmpty && !group.isEmpty {
      objects.append(.init(path: "/" + group, attributes: attributes))
    }
    for entry in entries {
      let path = group.isEmpty ? entry.name : group + "/" + entry.name
      if entry.isGroup {
        try visit(path, file, depth: depth + 1)
        continue
      }
      datasets.append(path)
      var attributes = try file.attributes(on: "/" + path)
      // How BFloat16 is told from 16-bit integers, which safetensors says in its own way.
      if try file.description(of: path).elementType == .bfloat16 {
        attributes.removeAll { $0.name == "dtype" }
      }
      if file.hasChecksums { attributes.removeAll { $0.name == HDF5Checksums.dataName } }
      if !attributes.isEmpty { objects.append(.init(path: "/" + path, attributes: attributes)) }
    }
  }
}

/// Attributes of an HDF5 file as one text: JSON from path to name to type to value. Floating-point numbers
/// are text, which holds all of them exactly.
enum HDF5AttributeText {
  struct Object {
    var path: String
    var attributes: [(name: String, value: HDF5Attribute)]
  }

  static let key = "hdf5.attributes"

  static func text(of objects: [Object]) -> String {
    func object(_ members: [(String, String)]) -> String {
      "{" + members.map { "\(jsonLiteral($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
    func list(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }
    return object(
      objects.map { item in
        (
          item.path,
          object(
            item.attributes.map { name, value in
              let typed: (String, String) =
                switch value {
                case .string(let text): ("string", jsonLiteral(text))
                case .strings(let texts): ("strings", list(texts.map(jsonLiteral)))
                case .integer(let number): ("integer", "\(number)")
                case .integers(let numbers): ("integers", list(numbers.map { "\($0)" }))
                case .real(let number): ("real", "\"\(number)\"")
                case .reals(let numbers): ("reals", list(numbers.map { "\"\($0)\"" }))
                case .boolean(let value): ("boolean", "\(value)")
                }
              return (name, object([typed]))
            })
        )
      })
  }

  /// - Throws: ``CheckpointError`` of kind `damaged` for a text that ``text(of:)`` does not write.
  static func objects(in text: String, file: String) throws -> [Object] {
    let failure = CheckpointError(
      .damaged, file: file, at: "__metadata__.\(key)", found: "another text",
      expected: "the attributes of an HDF5 file as this program writes them")
    let bytes = Array(text.utf8)
    guard case .object(let objects)? = try? bytes.withUnsafeBytes({ try JSONReader.read($0) }) else {
      throw failure
    }
    return try objects.map { path, attributes in
      guard case .object(let attributes) = attributes, path.hasPrefix("/") else { throw failure }
      return Object(
        path: path,
        attributes: try attributes.map { name, typed in
          guard case .object(let members) = typed, members.count == 1, let value = Self.value(members[0])
          else {
            throw failure
          }
          return (name, value)
        })
    }
  }

  private static func value(_ typed: (key: String, value: JSONValue)) -> HDF5Attribute? {
    func text(_ value: JSONValue) -> String? { if case .string(let text) = value { text } else { nil } }
    func integer(_ value: JSONValue) -> Int64? {
      if case .integer(let number) = value { Int64(number) } else { nil }
    }
    func real(_ value: JSONValue) -> Double? { text(value).flatMap(Double.init) }
    func all<Element>(_ value: JSONValue, _ element: (JSONValue) -> Element?) -> [Element]? {
      guard case .array(let elements) = value else { return nil }
      let found = elements.compactMap(element)
      return found.count == elements.count ? found : nil
    }
    switch typed.key {
    case "string": return text(typed.value).map(HDF5Attribute.string)
    case "strings": return all(typed.value, text).map(HDF5Attribute.strings)
    case "integer": return integer(typed.value).map(HDF5Attribute.integer)
    case "integers": return all(typed.value, integer).map(HDF5Attribute.integers)
    case "real": return real(typed.value).map(HDF5Attribute.real)
    case "reals": return all(typed.value, real).map(HDF5Attribute.reals)
    case "boolean": if case .boolean(let value) = typed.value { return .boolean(value) } else { return nil }
    default: return nil
    }
  }
}
