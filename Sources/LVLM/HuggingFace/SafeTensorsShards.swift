import Checkpoint
import Foundation
import Tensor

/// The weights of a model directory: one `model.safetensors`, or the shards that an index names.
struct SafeTensorsShards {
  private let directory: URL
  /// The files, in the order of their names.
  private let files: [URL]
  /// For each parameter of the index the file that shall hold it.
  private let index: [String: String]

  /// Finds the files without opening them.
  ///
  /// - Throws: ``ModelDirectoryError`` for an index that is none, or that names files elsewhere.
  init(of directory: URL) throws {
    struct Index: Decodable {
      var weights: [String: String]
      enum CodingKeys: String, CodingKey { case weights = "weight_map" }
    }
    self.directory = directory
    let indexFile = directory.appending(component: "model.safetensors.index.json")
    guard let data = try? Data(contentsOf: indexFile) else {
      index = [:]
      files = [try ModelFile.inside(directory, "model.safetensors")]
      return
    }
    guard let index = try? JSONDecoder().decode(Index.self, from: data) else {
      throw ModelDirectoryError(file: indexFile.path, unusable: ["the index (expected JSON with weight_map)"])
    }
    let names = Set(index.weights.values).sorted()
    let strange = names.filter { $0.contains("/") || $0.hasPrefix(".") }
    guard strange.isEmpty else {
      throw ModelDirectoryError(
        file: indexFile.path, unusable: strange.map { "\($0) (expected a file of this directory)" })
    }
    self.index = index.weights
    files = try names.map { try ModelFile.inside(directory, $0) }
  }

  /// Every parameter as it is stored, shard by shard; half precision and double precision as Float32.
  ///
  /// - Throws: `CheckpointError` for a file that is missing, cut short or damaged, ``ModelDirectoryError`` when a shard
  ///   lacks what the index says it holds.
  func tensors() throws -> [(name: String, tensor: Tensor)] {
    var result: [(name: String, tensor: Tensor)] = []
    var error = ModelDirectoryError(file: directory.path)
    for file in files {
      let shard = try SafeTensorsFile(reading: file)
      for name in shard.names {
        let tensor = try shard.tensor(name)
        result.append((name, tensor.dtype.isFloatingPoint ? tensor.to(.float32) : tensor))
      }
      let lacking = index.filter { $0.value == file.lastPathComponent && shard.entry($0.key) == nil }
      error.missing += lacking.keys.sorted().map {
        "\($0) (which the index expects in \(file.lastPathComponent))"
      }
    }
    guard error.isEmpty else { throw error }
    return result
  }
}

/// Files of a model directory by name.
enum ModelFile {
  /// The file of this name, which must lie in the directory itself once symbolic links are followed: what a directory
  /// brings along cannot make this package read files elsewhere.
  ///
  /// - Throws: ``ModelDirectoryError`` when a link leaves the directory.
  static func inside(_ directory: URL, _ name: String) throws -> URL {
    let file = directory.appending(component: name)
    let home = directory.resolvingSymlinksInPath().standardizedFileURL.path
    let target = file.resolvingSymlinksInPath().standardizedFileURL.path
    guard target.hasPrefix(home.hasSuffix("/") ? home : home + "/") else {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(name) (a symbolic link to \(target), expected a file of this directory)"])
    }
    return file
  }
}
