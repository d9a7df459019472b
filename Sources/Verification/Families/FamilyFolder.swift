import Checkpoint
import Foundation
import LVLM
import Tensor

/// A folder of expected values for a family that cuts pictures into views: one model directory in Float32,
/// the same model in another type and with the keys of other releases where there is one, and what the
/// reference implementation computed.
struct FamilyFolder: GoldenModels {
  /// Forward passes and generation, by which the kind of folder is known.
  static let passes = ["smolvlm.h5", "onevision.h5", "xc.h5"]
  /// Notes, generators, and the arrays of single operations.
  private static let others: Set<String> = [
    "README.md", "ARRAYS.tsv", "MANIFEST.json", "spec.json", "corpus.txt", "ops.h5", "images", "__pycache__",
    "published_tokenizer_cases.json",
  ]
  private static let compared: Set<String> = [
    "pictures.h5", "preprocess.json", "preprocess.h5", "hd.json", "hd.h5", "geometry.json", "prompts.json",
    "tokenizer_cases.json", "dpo_step.h5", "ref.safetensors", "lora.h5", "bf16.h5",
  ]

  let url: URL
  /// The name of the file of passes.
  let passes: String
  /// The model in Float32.
  let model: URL
  /// The same model as others write it.
  let others: [URL]
  /// Vocabularies without a model, by the end of their names.
  let vocabularies: [String: URL]
  /// Folders of adapters.
  let adapters: [String]
  /// Names in the folder that belong to nothing.
  let unknown: [String]
  /// Files that are read only with another one, which is missing.
  var unaccompanied: [(name: String, companion: String)] {
    [
      ("hd.h5", "hd.json"), ("preprocess.h5", "preprocess.json"), ("ref.safetensors", "dpo_step.h5"),
    ].filter { has($0.0) && !has($0.1) }
  }

  /// Whether a folder is of this kind.
  static func isOne(_ url: URL) -> Bool {
    passes.contains { FileManager.default.fileExists(atPath: url.appending(component: $0).path) }
  }

  /// Looks through a folder.
  ///
  /// - Throws: ``VerificationError`` unless it has one model directory in Float32.
  init(_ url: URL) throws {
    self.url = url
    let names = try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    func holds(_ name: String, _ file: String) -> Bool {
      FileManager.default.fileExists(atPath: url.appending(components: name, file).path)
    }
    passes = Self.passes.first(where: names.contains) ?? ""
    let models = names.filter { holds($0, "config.json") && !holds($0, "adapter_config.json") }
    func isHalf(_ name: String) -> Bool { holds(name, "model.safetensors.index.json") }
    guard let first = models.first(where: { !isHalf($0) }) else {
      throw VerificationError(
        file: url.path, found: "models: \(models.joined(separator: ", "))",
        expected: "one with a model.safetensors")
    }
    model = url.appending(component: first)
    others = models.filter { $0 != first }.map { url.appending(component: $0) }
    let words = names.filter { $0.hasPrefix("tokenizer_") && holds($0, "tokenizer.json") }
    vocabularies = Dictionary(
      uniqueKeysWithValues: words.map {
        (String($0.dropFirst("tokenizer_".count)), url.appending(component: $0))
      })
    adapters = names.filter { holds($0, "adapter_config.json") }
    let known = Self.others.union(Self.compared).union(models).union(words).union(adapters)
      .union([passes]).union(words.map { "tokenizer_cases_\($0.dropFirst("tokenizer_".count)).json" })
    unknown = names.filter { !known.contains($0) && !$0.hasSuffix(".py") && !$0.hasPrefix(".") }
  }

  /// Whether the model is an InternLM-XComposer2.5, whose folders have files of their own.
  var isXComposer: Bool { passes == "xc.h5" }

  func file(_ name: String) -> URL { url.appending(component: name) }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }

  /// Runs the part of a verification that is about the first of some files and needs the others; does nothing
  /// where it is not there.
  func part(
    _ names: [String], in report: inout VerificationReport,
    _ body: (inout VerificationReport) throws -> Void
  ) {
    guard let first = names.first, has(first) else { return }
    let missing = names.filter { !has($0) }
    guard missing.isEmpty else {
      report.fail(first, "nothing to compare it with: no \(missing.joined(separator: ", "))")
      return
    }
    report.part(first, body)
  }

  /// The model with its vocabulary, opened as every command opens it.
  func open() throws -> PretrainedModel { try PretrainedModel.load(from: model) }

  func loadModel(_ dtype: DType) throws -> VisionLanguageModel {
    let model = try open().model
    model.convert(to: dtype)
    return model
  }

  func loadReference(_ dtype: DType) throws -> VisionLanguageModel {
    let model = try open().model
    let file = try SafeTensorsFile(reading: file("ref.safetensors"))
    try model.setParameters(file.tensors(), source: file.url.path)
    model.convert(to: dtype)
    return model
  }
}
