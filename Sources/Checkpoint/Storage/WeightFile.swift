import Foundation

/// Files of named weights in either format.
public enum WeightFile {
  /// Copies a safetensors file into an HDF5 file or the other way, told apart by their endings.
  ///
  /// Names, element types, shapes and bytes are the same on both sides; text metadata goes to attributes of the root and
  /// back. HDF5 datasets lie at the root under the tensor's whole name. Checksums are verified and written anew.
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
    try HDF5File.write(to: target) { output in
      for name in file.names {
        guard !name.contains("/") else {
          throw CheckpointError(
            .unsupported, file: source.path, at: name, found: "a slash in a name",
            expected: "names without slashes")
        }
        try output.write(file.array(name), to: "/" + name)
      }
      for (key, text) in file.metadata.sorted(by: { $0.key < $1.key }) {
        try output.setAttribute(key, .string(text))
      }
      if file.hasChecksums { try output.setAttribute(SafeTensorsChecksums.key, .string("")) }
    }
  }

  private static func toSafeTensors(_ source: URL, _ target: URL) throws {
    let file = try HDF5File(reading: source)
    var metadata: [String: String] = [:]
    for (key, value) in try file.attributes() where key != HDF5Checksums.contentsName {
      guard case .string(let text) = value else {
        throw CheckpointError(
          .unsupported, file: source.path, at: "/@\(key)", found: "an attribute that is no text",
          expected: "text, which safetensors can hold")
      }
      metadata[key] = text
    }
    let arrays = try file.datasets().map { (name: $0.replacing("/", with: "."), array: try file.read($0)) }
    let hasChecksums = metadata.removeValue(forKey: SafeTensorsChecksums.key) != nil
    try SafeTensors.write(arrays, metadata: metadata, hasChecksums: hasChecksums, to: target)
  }
}
