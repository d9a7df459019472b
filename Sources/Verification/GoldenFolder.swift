import Checkpoint
import Foundation
import LVLM
import Tensor

/// A folder of expected values: a model directory and the files that the reference implementation wrote about
/// it.
struct GoldenFolder: GoldenModels {
  /// Files that belong to the format and hold nothing to compare with this model: notes, generators, and the
  /// arrays of single operations.
  static let others: Set<String> = [
    "README.md", "ARRAYS.tsv", "MANIFEST.json", "make_golden.py", "check_numpy.py", "__pycache__",
    "spec.json",
    "corpus.txt", "ops.h5", "ops.json", "optim.h5", "linalg.h5", "dpo_losses.json",
  ]
  /// Files that a verification reads, besides the model directory.
  static let compared = [
    "llava.h5", "dpo_losses.h5", "dpo_step.h5", "ref.safetensors", "lora", "lora.h5", "images",
    "preprocess.h5",
    "preprocess.json", "tokenizer_cases.json",
  ]

  let url: URL
  /// The Hugging Face directory of the model.
  let model: URL
  /// Names in the folder that belong to nothing.
  let unknown: [String]
  /// Names that a complete folder has and this one lacks.
  let missing: [String]

  /// Looks through a folder.
  ///
  /// - Throws: ``VerificationError`` unless it has exactly one model directory.
  init(_ url: URL) throws {
    self.url = url
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: url.path).sorted() else {
      throw VerificationError(
        file: url.path, found: "no such folder", expected: "a folder of expected values")
    }
    let models = names.filter { name in
      !Self.compared.contains(name)
        && FileManager.default.fileExists(atPath: url.appending(components: name, "config.json").path)
    }
    guard models.count == 1 else {
      throw VerificationError(
        file: url.path,
        found: models.isEmpty
          ? "no folder with a config.json" : "config.json in \(models.joined(separator: ", "))",
        expected: "one Hugging Face model directory")
    }
    model = url.appending(component: models[0])
    unknown = names.filter {
      $0 != models[0] && !Self.others.contains($0) && !Self.compared.contains($0) && !$0.hasPrefix(".")
    }
    missing = Self.compared.filter { !names.contains($0) }
  }

  func file(_ name: String) -> URL { url.appending(component: name) }

  /// The model with its vocabulary, opened as every command opens it.
  func open() throws -> PretrainedModel { try PretrainedModel.load(from: model) }

  /// The model in single or double precision.
  func loadModel(_ dtype: DType) throws -> VisionLanguageModel {
    let model = try open().model
    model.convert(to: dtype)
    return model
  }

  /// The model with the weights of `ref.safetensors`.
  func loadReference(_ dtype: DType) throws -> VisionLanguageModel {
    let model = try open().model
    let file = try SafeTensorsFile(reading: file("ref.safetensors"))
    try model.setParameters(file.tensors(), source: file.url.path)
    model.convert(to: dtype)
    return model
  }
}
