import Checkpoint
import Foundation

/// Files with weights in a directory. Those that nobody reads are refused by name: they may belong to the
/// model.
enum WeightFiles {
  private static let endings: Set = [
    "safetensors", "bin", "pt", "pth", "ckpt", "h5", "msgpack", "gguf", "npz", "npy", "onnx", "ot", "pkl",
    "pdparams",
  ]

  /// The same weights for other programs, by the names that transformers gives them, and what its trainer
  /// leaves.
  private static func isKnown(_ name: String) -> Bool {
    let others = [
      "tf_model.h5", "flax_model.msgpack", "rust_model.ot", "optimizer.pt", "optimizer.bin", "scheduler.pt",
      "scheduler.bin", "scaler.pt", "training_args.bin",
    ]
    let isPyTorch = isPickled(name)
    let isState = name.hasPrefix("rng_state") || name.hasPrefix("random_states")
    return others.contains(name) || isPyTorch || isState
  }

  static func isPickled(_ name: String) -> Bool {
    name.hasPrefix("pytorch_model") && name.hasSuffix(".bin")
  }

  /// The file of a model's weights, or of which there are shards: safetensors, and where there are none
  /// PyTorch's own format.
  static func main(of directory: URL) -> String {
    let names = ["model.safetensors", "pytorch_model.bin"]
    let found = names.first { name in
      [name, index(of: name)].contains {
        FileManager.default.fileExists(atPath: directory.appending(component: $0).path)
      }
    }
    return found ?? names[0]
  }

  /// The first file in PyTorch's own format.
  static func pickled(in directory: URL) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.filter(isPickled).min()
  }

  /// The list of the shards of a file.
  static func index(of name: String) -> String { name + ".index.json" }

  /// The files that a model's weights are read from.
  private static func read(in directory: URL) throws -> Set<String> {
    let main = main(of: directory)
    guard let index = try ModelJSON.ifPresent(index(of: main), in: directory) else { return [main] }
    guard case .object(let places)? = index["weight_map"] else { return [] }
    return Set(places.compactMap(\.value.text))
  }

  /// Refuses a model directory with other weights in it, or with an adapter.
  ///
  /// - Throws: ``ModelDirectoryError``.
  static func check(model directory: URL) throws {
    let read = try read(in: directory)
    // A link to a file of the directory reads that file.
    let targets = read.map { directory.appending(component: $0).resolvingSymlinksInPath().lastPathComponent }
    var unusable = others(in: directory, besides: read.union(targets)).map {
      "\($0) (weights in a file of their own, expected \(read.sorted().prefix(2).joined(separator: ", ")) "
        + "alone)"
    }
    if isPickled(main(of: directory)) {
      // Beside safetensors they are the same weights for other programs; here they are the weights.
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
      unusable += names.sorted().filter { isPickled($0) && !read.contains($0) && !targets.contains($0) }.map {
        "\($0) (weights beside those of \(read.sorted().prefix(2).joined(separator: ", ")), expected one "
          + "meaning)"
      }
    }
    let adapter = PEFTAdapter.configurationName
    if FileManager.default.fileExists(atPath: directory.appending(component: adapter).path) {
      unusable.append("\(adapter) (an adapter among a model's files, expected one in a directory of its own)")
    }
    guard unusable.isEmpty else { throw ModelDirectoryError(file: directory.path, unusable: unusable) }
  }

  /// Refuses an adapter's directory with other weights in it.
  ///
  /// - Throws: ``ModelDirectoryError``.
  static func check(adapter directory: URL) throws {
    let name = PEFTAdapter.weightsName
    // Beside safetensors the pickled ones are the same weights for other programs.
    let others = others(in: directory, besides: [name, PEFTAdapter.pickledName, PEFTAdapter.othersName])
    guard others.isEmpty else {
      throw ModelDirectoryError(
        file: directory.path,
        unusable: others.map {
          "\($0) (weights in a file of their own, expected \(name) and \(PEFTAdapter.othersName) alone)"
        })
    }
  }

  private static func others(in directory: URL, besides read: Set<String>) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.sorted().filter { name in
      let ending = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
      return name.contains(".") && endings.contains(ending) && !read.contains(name) && !isKnown(name)
    }
  }
}
