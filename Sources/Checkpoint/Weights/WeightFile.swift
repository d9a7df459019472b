import Foundation

/// Files of named weights in either format.
public enum WeightFile {
  /// Copies a safetensors file into an HDF5 file or the other way, told apart by their endings.
  ///
  /// Names, element types, shapes and bytes are the same on both sides: a dataset's name is its path,
  /// `layers/0/weight`. Text attributes of an HDF5 file's root and the text metadata of safetensors are each
  /// other; every other attribute, of datasets and groups too, and groups without datasets, go to one text of
  /// the metadata, `hdf5.attributes`, and back, shapes included. Numbers among them come back with 64 bits.
  /// Checksums are verified and written anew.
  /// - Throws: ``CheckpointError``: as the readers and writers; `unsupported` for other endings, or for what
  ///   one format cannot hold.
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
        for (name, value, shape) in object.attributes {
          try output.setAttribute(name, value, shape: shape, on: object.path)
        }
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
        for (key, value, _) in object.attributes {
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
    var attributes = try file.shapedAttributes(on: "/" + group)
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
      var attributes = try file.shapedAttributes(on: "/" + path)
      // How BFloat16 is told from 16-bit integers, which safetensors says in its own way.
      if try file.description(of: path).elementType == .bfloat16 {
        attributes.removeAll { $0.name == "dtype" }
      }
      if file.hasChecksums { attributes.removeAll { $0.name == HDF5Checksums.dataName } }
      if !attributes.isEmpty { objects.append(.init(path: "/" + path, attributes: attributes)) }
    }
  }
}
