import Checkpoint
import Foundation
import Tensor

/// The weights of a model directory: one `model.safetensors`, or the shards that an index names; without
/// either the same of `pytorch_model.bin`.
struct WeightShards {
  private let directory: URL
  /// The files, in the order of their names.
  private let files: [URL]
  /// For each parameter of the index the file that shall hold it.
  private let index: [String: String]

  /// Finds the files without opening them.
  ///
  /// - Throws: ``ModelDirectoryError`` for an index that is none, or that names files elsewhere.
  init(of directory: URL) throws {
    self.directory = directory
    let name = WeightFiles.main(of: directory)
    let indexFile = directory.appending(component: WeightFiles.index(of: name))
    guard let json = try ModelJSON.ifPresent(indexFile.lastPathComponent, in: directory) else {
      index = [:]
      files = [try ModelFile.inside(directory, name)]
      if !FileManager.default.fileExists(atPath: files[0].path),
        let shard = WeightFiles.pickled(in: directory)
      {
        let expected = WeightFiles.index(of: "pytorch_model.bin")
        throw ModelDirectoryError(
          file: directory.path, unusable: ["\(shard) (a shard, expected \(expected) beside it)"])
      }
      return
    }
    guard case .object(let places)? = json["weight_map"], places.allSatisfy({ $0.value.text != nil }) else {
      throw ModelDirectoryError(file: indexFile.path, unusable: ["the index (expected JSON with weight_map)"])
    }
    index = Dictionary(places.map { ($0.key, $0.value.text ?? "") }, uniquingKeysWith: { first, _ in first })
    let names = Set(index.values).sorted()
    let strange = names.filter { $0.contains("/") || $0.hasPrefix(".") }
    guard strange.isEmpty else {
      throw ModelDirectoryError(
        file: indexFile.path, unusable: strange.map { "\($0) (expected a file of this directory)" })
    }
    let errors = ErrorCollection()
    files = names.compactMap { name in errors.attempt { try ModelFile.inside(directory, name) } }
    guard errors.isEmpty else { throw errors.error }
  }

  /// A weight as the header of its file describes it.
  struct Weight {
    let name: String
    let file: any TensorFile
    let elementType: ElementType
    let shape: [Int]

    var count: Int { shape.reduce(1, *) }
  }

  /// Opens a file of weights. Beside a list of checksums it has been written with its own: where they are
  /// not found, what names them is damaged.
  private func open(_ url: URL) throws -> any TensorFile {
    if WeightFiles.isPickled(url.lastPathComponent) { return try PyTorchFile(reading: url) }
    let file = try SafeTensorsFile(reading: url)
    guard file.hasChecksums || !ChecksumList.isPresent(in: directory) else {
      let list = directory.appending(component: ChecksumList.name).path
      throw CheckpointError(
        .damaged, file: url.path, at: "__metadata__", found: "no checksums",
        expected: "those of its writer; where the change is meant, remove \(list)")
    }
    return file
  }

  /// Every weight, shard by shard, in the order of the bytes; and the names that the index places in files
  /// that cannot be read. Headers alone are looked at.
  ///
  /// `errors` gets a `CheckpointError` for each file that is missing, cut short or damaged, and a
  /// ``ModelDirectoryError`` when a shard lacks what the index says it holds. Nil when there is nothing to
  /// judge a model by.
  func weights(errors: ErrorCollection) -> (weights: [Weight], unread: Set<String>)? {
    var weights: [Weight] = []
    var unread: Set<String> = []
    var lacking: [String] = []
    for url in files {
      let placed = index.filter { $0.value == url.lastPathComponent }.keys.sorted()
      let file = errors.attempt { try open(url) }
      if let file {
        weights += file.descriptions.map {
          Weight(name: $0.name, file: file, elementType: $0.elementType, shape: $0.shape)
        }
      }
      let held = Set(file?.descriptions.map(\.name) ?? [])
      let absent = placed.filter { !held.contains($0) }
      unread.formUnion(absent)
      if file != nil {
        lacking += absent.map { "\($0) (which the index expects in \(url.lastPathComponent))" }
      }
    }
    if !lacking.isEmpty { errors.add(ModelDirectoryError(file: directory.path, missing: lacking)) }
    return weights.isEmpty && !errors.isEmpty ? nil : (weights, unread)
  }
}

/// The weights of a model directory as bytes, for a hash of what they are.
package enum WeightBytes {
  /// Goes through the weights in the order of their names here, so that layout and sharding make no
  /// difference.
  ///
  /// - Parameters:
  ///   - weight: gets the name, and type and shape as text.
  ///   - bytes: gets the values of that weight piece by piece, as they are stored.
  /// - Throws: `CheckpointError` or ``ModelDirectoryError``; what the closures throw.
  package static func forEach(
    of directory: URL, weight: (String, String) throws -> Void, bytes: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let errors = ErrorCollection()
    guard let weights = try WeightShards(of: directory).weights(errors: errors)?.weights, errors.isEmpty
    else { throw errors.error }
    let names = try FamilyRegistry.family(of: directory.appending(component: "config.json")).names
    let named = weights.compactMap { weight in names.canonical(weight.name).map { ($0, weight) } }
    for (name, item) in named.sorted(by: { $0.0 < $1.0 }) {
      try weight(name, "\(item.elementType) \(item.shape)")
      try item.file.forEachPiece(of: item.name, bytes)
    }
  }
}
