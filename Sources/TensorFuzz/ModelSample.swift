import Checkpoint
import Foundation
import LVLM
import Tensor

/// A whole model that is damaged file by file: what it consists of, and what comes of opening it.
struct ModelSample {
  /// What it is called in reports.
  let name: String
  /// Its files by their paths in the folder that it is opened in.
  let files: [String: Data]
  /// The files that are damaged.
  let damaged: [String]
  /// Whether checksums say what every file must be: damage is an error then, or changes nothing.
  let isSealed: Bool

  init(_ name: String, files: [String: Data], damaged: [String]? = nil, isSealed: Bool = false) {
    self.name = name
    self.files = files
    self.damaged = (damaged ?? Array(files.keys)).sorted()
    self.isSealed = isSealed
  }

  /// Puts all files into an empty folder.
  func write(to folder: URL) throws {
    let manager = FileManager.default
    if manager.fileExists(atPath: folder.path) { try manager.removeItem(at: folder) }
    for (path, data) in files {
      let file = folder.appending(path: path)
      try manager.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: file)
    }
  }

  /// Opens what is in a folder and answers a question, which reads all that was opened.
  ///
  /// - Returns: the log-probabilities of an answer.
  func open(_ folder: URL) throws -> [Float] {
    let gguf = folder.appending(path: "model.gguf")
    let isLanguageModel = files["model.gguf"] != nil
    // The template of a language model's own vocabulary is longer than its context.
    let loaded = try PretrainedModel.load(
      from: isLanguageModel ? gguf : folder.appending(path: "model"),
      template: isLanguageModel ? .plain : nil)
    let adapter = folder.appending(path: "adapter")
    let isAdapted = files.keys.contains { $0.hasPrefix("adapter/") }
    if isAdapted { try loaded.model.loadAdapter(from: adapter) }
    let (encoder, model) = (loaded.encoder, loaded.model)
    let question = isLanguageModel ? "Which colour?" : "<image>\nWhich colour?"
    let example = try encoder.example(
      question: question, images: isLanguageModel ? [] : [0], answers: ["red"])
    let picture = RGBImage(width: 50, height: 20, colour: RGBColour(200, 40, 90))
    let features = try loaded.imageFeatures(isLanguageModel ? [] : [picture])
    let batch = try PackedBatch(
      [example], sharesPrefix: true, imageTokenID: encoder.imageTokenID, features: features.layout)
    return noGradient { model.logProbabilities(batch, imageFeatures: features) }.array(of: Float.self)
  }

  /// The models of the test fixtures, in every layout that is read.
  ///
  /// - Parameter scratch: an empty folder.
  static func all(fixtures: URL, scratch: URL) throws -> [ModelSample] {
    var plain = try contents(of: fixtures.appending(path: "verification/llava_tiny"), as: "model")
    let jinja = try JSONSerialization.data(withJSONObject: ["chat_template": ChatTemplate.plain.jinja])
    plain["model/chat_template.json"] = jinja
    let source = try PretrainedModel.load(
      from: fixtures.appending(path: "verification/llava_tiny"), template: .plain)
    let saved = scratch.appending(path: "saved")
    try source.save(to: saved, shardBytes: 30_000)
    let sharded = try contents(of: saved, as: "model")
    try ChecksumList.write(of: saved)
    let sealed = try contents(of: saved, as: "model")
    // As transformers 5 writes it: the image settings inside processor_config.json.
    var newer = plain
    newer["model/preprocessor_config.json"] = nil
    newer["model/chat_template.json"] = nil
    newer["model/processor_config.json"] =
      Data(#"{"processor_class": "LlavaProcessor", "image_processor": "#.utf8)
      + (plain["model/preprocessor_config.json"] ?? Data("{}".utf8)) + Data("}".utf8)
    newer["model/chat_template.jinja"] = sharded["model/chat_template.jinja"]
    newer["model/generation_config.json"] = sharded["model/generation_config.json"]
    let adapters = try ["patterns", "list", "wild/dora", "wild/saved", "wild/llava"].map { name in
      let files = try contents(of: fixtures.appending(path: "adapters/\(name)"), as: "adapter")
      return ModelSample(
        "adapter \(name)", files: plain.merging(files) { $1 }, damaged: Array(files.keys))
    }
    let language = try ["tiny", "tiny_quantized"].map { name in
      ModelSample(
        "\(name).gguf",
        files: ["model.gguf": try Data(contentsOf: fixtures.appending(path: "tokenizers/\(name).gguf"))])
    }
    return [
      ModelSample("directory", files: plain), ModelSample("transformers 5", files: newer),
      ModelSample("shards", files: sharded), ModelSample("sealed", files: sealed, isSealed: true),
    ] + adapters + language
  }

  private static func contents(of folder: URL, as name: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return Dictionary(
      uniqueKeysWithValues: try names.map {
        ("\(name)/\($0)", try Data(contentsOf: folder.appending(path: $0)))
      })
  }
}
