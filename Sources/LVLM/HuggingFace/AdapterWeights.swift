import Checkpoint
import Foundation
import Tensor

/// The weights in the files of an adapter's directory, by what becomes of them.
struct AdapterWeights {
  /// A weight that takes the place of the model's.
  struct Whole {
    /// What errors call it.
    let label: String
    /// Its name here.
    let name: String
    let tensor: Tensor
  }

  /// What errors call the place that the matrices came from.
  let source: String
  /// Matrices under the names used here; and what has no meaning, under its own.
  private(set) var matrices: [(name: String, tensor: Tensor)] = []
  /// Weights of the model, trained as they are.
  private(set) var whole: [Whole] = []
  /// Width and numerator of the scale for each module of ``matrices``.
  private(set) var scalings: [String: (rank: Int, alpha: Double)] = [:]

  /// Reads every file.
  ///
  /// - Parameters:
  ///   - adapter: what the directory's configuration says.
  ///   - model: the names of the model's parameters.
  /// - Throws: `CheckpointError` for a file that is none; ``ModelDirectoryError`` for matrices that the
  ///   configuration does not name, for modules it says were saved and were not, and for values that are no
  ///   floating-point numbers.
  init(of directory: URL, _ adapter: PEFTAdapter, names: ParameterNames, model: [String]) throws {
    let file = try Self.main(of: directory)
    source = file.url.path
    var error = ModelDirectoryError(file: source)
    var seen: Set<String> = []
    for entry in file.descriptions {
      guard var tensor = try Self.tensor(entry.name, entry.elementType, file, &error) else { continue }
      var given = entry.name
      if let linear = PEFTAdapter.linearName(ofEmbedding: given), tensor.rank == 2 {
        (given, tensor) = (linear, tensor.transposed().contiguous())
      }
      let name = PEFTAdapter.canonical(given, names)
      if !seen.insert(name ?? given).inserted { error.unusable.append("\(entry.name) (there twice)") }
      if let module = PEFTAdapter.module(given), let own = PEFTAdapter.module(name ?? given) {
        scalings[own] = adapter.scaling(of: module)
        if !adapter.adapts(module) {
          error.unusable.append(
            "\(entry.name) (a module that \(PEFTAdapter.configurationName) does not name)")
        }
      } else if let name, adapter.holdsWhole(entry.name) {
        whole.append(Whole(label: entry.name, name: name, tensor: tensor))
        continue
      }
      let isMatrix = PEFTAdapter.module(given) != nil
      matrices.append((isMatrix ? name ?? given : given, tensor))
    }
    error.missing = adapter.savedModules.flatMap { missing($0, model, names) }
    guard error.isEmpty else { throw error }
    try readOthers(of: directory, names)
  }

  /// The file with the matrices: safetensors, or where there is none PyTorch's own format.
  private static func main(of directory: URL) throws -> any TensorFile {
    let isPickled =
      !holds(PEFTAdapter.weightsName, directory) && holds(PEFTAdapter.pickledName, directory)
    return isPickled
      ? try PyTorchFile(reading: ModelFile.inside(directory, PEFTAdapter.pickledName))
      : try SafeTensorsFile(reading: ModelFile.inside(directory, PEFTAdapter.weightsName))
  }

  /// Whether a directory has a file of this name; a link to nothing is one, which cannot be read.
  private static func holds(_ name: String, _ directory: URL) -> Bool {
    (try? FileManager.default.attributesOfItem(atPath: directory.appending(component: name).path)) != nil
  }

  private static func tensor(
    _ name: String, _ type: ElementType, _ file: any TensorFile, _ error: inout ModelDirectoryError
  ) throws -> Tensor? {
    guard type.dtype.isFloatingPoint else {
      error.unusable.append("\(name) (\(type) values, expected floating point)")
      return nil
    }
    return try file.tensor(name, as: .float32)
  }

  /// What LLaVA's own training keeps in a file for itself, with the names that its `builder.py` undoes.
  private mutating func readOthers(of directory: URL, _ names: ParameterNames) throws {
    guard Self.holds(PEFTAdapter.othersName, directory) else { return }
    let file = try PyTorchFile(reading: ModelFile.inside(directory, PEFTAdapter.othersName))
    var error = ModelDirectoryError(file: file.url.path)
    func without(_ prefix: String, _ name: String) -> String {
      name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }
    let bare = file.descriptions.map { without("base_model.", $0.name) }
    let isWrapped = bare.contains { $0.hasPrefix("model.model.") }
    for (entry, name) in zip(file.descriptions, bare) {
      guard let tensor = try Self.tensor(entry.name, entry.elementType, file, &error),
        let own = names.canonical(isWrapped ? without("model.", name) : name)
      else { continue }
      whole.append(Whole(label: "\(PEFTAdapter.othersName): \(entry.name)", name: own, tensor: tensor))
    }
    guard error.isEmpty else { throw error }
  }

  /// Parameters of a module that was saved and that no file holds.
  private func missing(_ saved: String, _ model: [String], _ names: ParameterNames) -> [String] {
    let given = Set(whole.map(\.name))
    let wanted = model.filter { parameter in
      ParameterNames.Layout.allCases.contains { PEFTAdapter.lies(names.name(parameter, in: $0), in: saved) }
    }
    guard wanted.isEmpty else { return wanted.filter { !given.contains($0) } }
    let isThere = whole.contains { PEFTAdapter.lies(PEFTAdapter.bare($0.label), in: saved) }
    return isThere ? [] : ["weights of \(saved), which modules_to_save of the configuration names"]
  }
}

extension PEFTAdapter {
  /// Which biases were trained with the matrices.
  enum Biases: String, CaseIterable {
    case none, all
    /// Those of the layers that carry a matrix.
    case adapted = "lora_only"
  }

  /// Whether a parameter belongs to a module whose name ends in this, or to one inside it.
  static func lies(_ parameter: String, in module: String) -> Bool {
    var name = parameter[...]
    while let dot = name.lastIndex(of: ".") {
      name = name[..<dot]
      if name.hasSuffix(module) { return true }
    }
    return false
  }

  /// Whether a parameter of PEFT's file takes the place of the model's as it is.
  func holdsWhole(_ name: String) -> Bool {
    let bare = Self.bare(name)
    guard let dot = bare.lastIndex(of: ".") else { return false }
    let (module, kind) = (String(bare[..<dot]), bare[dot...].dropFirst())
    if savedModules.contains(where: { Self.lies(bare, in: $0) }) { return true }
    // PEFT adds these two where they carry a matrix or the vocabulary has grown.
    let isEnd = ["embed_tokens", "lm_head"].contains(String(module.split(separator: ".").last ?? ""))
    if isEnd && kind == "weight" { return true }
    guard kind == "bias" else { return false }
    return switch biases {
    case .none: false
    case .all: true
    case .adapted: adapts(module)
    }
  }
}
