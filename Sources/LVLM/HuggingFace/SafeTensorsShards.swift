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
    let indexFile = try ModelFile.inside(directory, "model.safetensors.index.json")
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
    let errors = ErrorCollection()
    files = names.compactMap { name in errors.attempt { try ModelFile.inside(directory, name) } }
    guard errors.isEmpty else { throw errors.error }
  }

  /// Every parameter as it is stored, shard by shard, half and double precision as Float32; and the names that the index
  /// places in files that cannot be read.
  ///
  /// `errors` gets a `CheckpointError` for each file that is missing, cut short or damaged, and a ``ModelDirectoryError``
  /// when a shard lacks what the index says it holds. Nil when there is nothing to judge a model by.
  func weights(
    errors: ErrorCollection
  ) -> (tensors: [(name: String, tensor: Tensor)], unread: Set<String>)? {
    var tensors: [(name: String, tensor: Tensor)] = []
    var unread: Set<String> = []
    var lacking: [String] = []
    for file in files {
      let placed = index.filter { $0.value == file.lastPathComponent }.keys.sorted()
      let shard = errors.attempt {
        let shard = try SafeTensorsFile(reading: file)
        tensors += try shard.names.map { name in
          let tensor = try shard.tensor(name)
          return (name, tensor.dtype.isFloatingPoint ? tensor.to(.float32) : tensor)
        }
        return shard
      }
      let absent = placed.filter { shard?.entry($0) == nil }
      unread.formUnion(absent)
      if shard != nil {
        lacking += absent.map { "\($0) (which the index expects in \(file.lastPathComponent))" }
      }
    }
    if !lacking.isEmpty { errors.add(ModelDirectoryError(file: directory.path, missing: lacking)) }
    return tensors.isEmpty && !errors.isEmpty ? nil : (tensors, unread)
  }
}

/// Files of a model directory by name.
enum ModelFile {
  /// The file of this name, which must lie in the directory itself once symbolic links are followed: what a directory
  /// brings along cannot make this package read files elsewhere.
  ///
  /// - Throws: ``ModelDirectoryError`` when a link leaves the directory, `CheckpointError` when the file is not as the list of
  ///   checksums beside it says.
  static func inside(_ directory: URL, _ name: String) throws -> URL {
    // The directory may be reached through links itself, and a file that is not there resolves to where it would be.
    let home = directory.resolvingSymlinksInPath().standardizedFileURL
    let target = home.appending(component: name).resolvingSymlinksInPath().standardizedFileURL.path
    guard target.hasPrefix(home.path.hasSuffix("/") ? home.path : home.path + "/") else {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(name) (a symbolic link to \(target), expected a file of this directory)"])
    }
    try ChecksumList.verify(name, in: directory)
    return directory.appending(component: name)
  }
}
