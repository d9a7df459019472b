import Checkpoint
import Foundation
import LVLM
import Records
import Tensor

/// The files that a model and its adapter are read from, and what they hold: answers go on only with the
/// same, wherever it lies.
package struct ModelContent {
  /// The model's files.
  package let model: [URL]
  /// Those of the adapter; nil where there is none.
  package let adapter: [URL]?
  /// How weights are kept.
  package let weights: WeightStorage

  /// Looks for the files of a model that a command was given.
  /// - Parameter projector: the vision tower's file of a GGUF file; the one beside it when nil.
  /// - Throws: `DataError` for a model that is not there; `ModelDirectoryError` for several projectors.
  package init(_ choice: ModelChoice, projector: String? = nil, weights: WeightStorage = .auto) throws {
    var model = try Self.files(at: choice.model.path, expected: "a model directory or GGUF file (--model)")
    if choice.model.pathExtension == "gguf" {
      let beside = try projector == nil ? PretrainedModel.projector(beside: choice.model) : nil
      if let file = projector.map({ URL(fileURLWithPath: $0) }) ?? beside { model.append(file) }
    }
    self.model = model
    adapter = try choice.adapter.map {
      try Self.files(
        at: $0.path, expected: "a PEFT directory or a checkpoint of a LoRA run (--adapter)")
    }
    self.weights = weights
  }

  /// Every file that is read.
  package var paths: [String] { (model + (adapter ?? [])).map(\.path) }

  /// A file, or those of a directory that say what it computes, in the order of their names.
  /// - Throws: `DataError` where nothing is there.
  package static func files(at path: String, expected: String) throws -> [URL] {
    let url = URL(fileURLWithPath: path)
    switch FileKind(path) {
    case .file: return [url]
    case .folder: break
    case let other: throw DataError(file: path, problem: "found \(other.words), expected \(expected)")
    }
    let endings = ["safetensors", "bin", "json", "model", "jinja"]
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    return names.filter { !$0.hasPrefix(".") }.flatMap { name -> [URL] in
      let file = url.appending(component: name)
      if FileKind(file.path) == .folder {
        // A tower may be described in a folder of its own.
        let inner = file.appending(component: "config.json")
        return FileKind(inner.path) == .file ? [inner] : []
      }
      return endings.contains(file.pathExtension) && FileKind(file.path) == .file ? [file] : []
    }
  }

  /// What answers depend on, by name: the content of the files and how weights are kept.
  ///
  /// The chat template is not among it, though a file of the model has it: what counts is the one in use.
  /// - Throws: `CheckpointError` for a file that cannot be read.
  package func settings() throws -> [(name: String, value: String)] {
    [
      ("model", try Self.digest(model.filter { $0.pathExtension != "jinja" })),
      ("adapter", try adapter.map(Self.digest) ?? "none"), ("dtype", weights.rawValue),
    ]
  }

  private static func digest(_ files: [URL]) throws -> String {
    let sums = concurrently(files.count) { try StoredBytes.checksum(of: files[$0]) }
    let lines = try zip(files, sums).map { file, sum in
      let (crc32, byteCount) = try sum.get()
      // What is in a file of its own counts by whatever name.
      let name = ["gguf", "h5"].contains(file.pathExtension) ? "" : file.lastPathComponent
      return "\(name) \(CRC32.digits(crc32)) \(byteCount)\n"
    }
    return String(Digest.of(lines.joined()).prefix(16))
  }
}
