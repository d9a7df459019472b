import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Adapters as they are found: saved by several releases and programs, with whole weights beside the
/// matrices, and decomposed. Expected values are those of PEFT (`Tests/Fixtures/adapters/wild/make_wild.py`).
@Suite struct WildAdapterTests: ModelCopies {
  private static let tied = [
    "all_names", "all_linear", "regex", "saved", "dora", "dora_all", "bias_all", "bias_lora_only",
    "orthogonal", "layers_alone", "older", "llava",
  ]
  private static let untied = ["saved_head", "dora_head", "embedding"]
  /// Those whose files hold matrices and nothing else, so that they can be saved again.
  private static let pure = [
    "all_names", "all_linear", "regex", "dora", "dora_all", "orthogonal", "layers_alone",
  ]

  private func fixture(_ name: String) -> URL { Fixtures.url("adapters/wild/\(name)") }

  private func expected(_ name: String) throws -> Double {
    try #require(try object(fixture("likelihoods.json"))[name] as? Double)
  }

  private func base(_ directory: URL = Fixtures.url("verification/llava_tiny")) throws -> PretrainedModel {
    try PretrainedModel.load(from: directory, template: .plain)
  }

  /// Calls `body` with the test model whose head is half of its embedding.
  private func withUntied(_ body: (URL) throws -> Void) throws {
    try withCopy { folder in
      let url = folder.appending(component: "model.safetensors")
      let file = try SafeTensorsFile(reading: url)
      var tensors = try file.tensors()
      let embedding = try #require(tensors.first { $0.name.hasSuffix("embed_tokens.weight") })
      tensors.append(("language_model.lm_head.weight", embedding.tensor * 0.5))
      try SafeTensors.write(tensors, metadata: ["format": "pt"], to: url)
      try edit("config.json", folder) { $0["tie_word_embeddings"] = false }
      try edit("config.json", section: "text_config", folder) { $0["tie_word_embeddings"] = false }
      try body(folder)
    }
  }

  /// Calls `body` with a copy of an adapter's directory.
  private func withAdapter(_ name: String, _ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let copy = folder.appending(component: "adapter")
      try FileManager.default.copyItem(at: fixture(name), to: copy)
      try body(copy)
    }
  }

  private func refusal(_ adapter: URL) throws -> String {
    let model = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
    let before = model.namedParameters().map { ($0.name, $0.parameter.tensor.detached()) }
    let words = message { try model.loadAdapter(from: adapter) }
    let after = model.namedParameters()
    #expect(before.count == after.count && !model.hasAdapters)
    for ((name, old), new) in zip(before, after) {
      #expect(
        name == new.name && old.array(of: Float.self) == new.parameter.tensor.array(of: Float.self), "\(name)"
      )
    }
    return words
  }

  // MARK: What PEFT computes

  @Test("The likelihood is PEFT's, of the merged model too", arguments: tied)
  func likelihood(_ name: String) throws {
    try check(name, Fixtures.url("verification/llava_tiny"))
  }

  @Test("On a model with a head of its own", arguments: untied)
  func likelihoodWithHead(_ name: String) throws {
    try withUntied { try check(name, $0) }
  }

  private func check(_ name: String, _ directory: URL) throws {
    let loaded = try base(directory)
    let before = try answer(loaded)
    try loaded.model.loadAdapter(from: fixture(name))
    let found = try answer(loaded)
    #expect(abs(try found - expected(name)) < 2e-4, "\(found)")
    #expect(abs(found - before) > 0.01)
    try Fixtures.withTemporaryDirectory { folder in
      try loaded.save(to: folder)
      #expect(abs(try answer(try PretrainedModel.load(from: folder)) - found) < 2e-4)
    }
    loaded.model.mergeAdapters()
    #expect(abs(try answer(loaded) - found) < 2e-4)
  }

  @Test("Saved again it is the same, and off it is the model beneath", arguments: pure)
  func savedAgain(_ name: String) throws {
    let loaded = try base()
    let before = try answer(loaded)
    try loaded.model.loadAdapter(from: fixture(name))
    let found = try answer(loaded)
    try Fixtures.withTemporaryDirectory { folder in
      try loaded.model.saveAdapter(to: folder, baseModel: "x")
      let again = try base()
      try again.model.loadAdapter(from: folder)
      #expect(abs(try answer(again) - found) < 1e-5)
    }
    loaded.model.isAdapterEnabled = false
    #expect(abs(try answer(loaded) - before) < 1e-6)
  }

  @Test(
    "With whole weights beside the matrices only merged weights are written", arguments: ["saved", "llava"])
  func notSavedAgain(_ name: String) throws {
    let loaded = try base()
    try loaded.model.loadAdapter(from: fixture(name))
    try Fixtures.withTemporaryDirectory { folder in
      let words = message { try loaded.model.saveAdapter(to: folder, baseModel: "x") }
      #expect(words.contains("only merged weights hold"), "\(words)")
    }
  }

  // MARK: Decomposed adapters

  @Test func gradientsOfADecomposedAdapterArePEFTs() throws {
    let loaded = try base()
    try loaded.model.loadAdapter(from: fixture("dora"))
    let example = try loaded.encoder.example(
      question: "<image>\nWhich colour?", images: [0], answers: ["red"])
    let features = try loaded.imageFeatures([ImageProcessorTableTests.picture(50, 20)])
    let batch = try PackedBatch(
      [example], sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID, features: features.layout)
    let gradients = loaded.model.logProbabilities(batch, imageFeatures: features).sum().backward()
    let file = try SafeTensorsFile(reading: fixture("dora_gradients.safetensors"))
    var compared = 0
    for (name, parameter) in loaded.model.namedParameters() where name.contains(".lora_") {
      let expected = try file.tensor(PEFTAdapter.name(name))
      let found = try #require(gradients[parameter], "\(name)")
      #expect(found.shape == expected.shape)
      let difference = (found - expected).abs().max().item()
      #expect(difference < 1e-4 * max(1, expected.abs().max().item()), "\(name): \(difference)")
      compared += 1
    }
    #expect(compared == 12 && file.names.count == 12)
  }

  @Test func aNewDecomposedAdapterChangesNothingAndLearns() throws {
    let loaded = try base()
    let before = try answer(loaded)
    var generator = RandomGenerator(seed: 4)
    loaded.model.applyLoRA(
      rank: 2, alpha: 4, targets: ["q_proj", "down_proj"], decomposesWeights: true, using: &generator)
    #expect(abs(try answer(loaded) - before) < 1e-4)
    let magnitudes = loaded.model.namedParameters().filter { $0.name.hasSuffix("lora_magnitude_vector") }
    #expect(magnitudes.count == 4 && magnitudes.allSatisfy(\.parameter.isTrainable))
    // Values that were kept for a pass are worked out again after a change, in place or not.
    for (name, parameter) in loaded.model.namedParameters() where name.hasSuffix("lora_B.weight") {
      parameter.update { $0 = $0 + 0.3 }
    }
    let changed = try answer(loaded)
    #expect(abs(changed - before) > 0.01)
    loaded.model.mergeAdapters()
    #expect(abs(try answer(loaded) - changed) < 2e-4)
  }

  @Test("Answers token by token are those of the merged model", arguments: ["dora_all", "saved", "llava"])
  func generated(_ name: String) throws {
    let loaded = try base()
    try loaded.model.loadAdapter(from: fixture(name))
    let prompt = try loaded.encoder.example(question: "<image>\nWhich colour?", images: [0], answers: [])
    let features = try loaded.imageFeatures([ImageProcessorTableTests.picture(50, 20)])
    func generate() throws -> GeneratedAnswer {
      try Generator(model: loaded.model, tokenizer: loaded.tokenizer)
        .generate([prompt], imageFeatures: features, maxNewTokens: 6)[0]
    }
    let adapted = try generate()
    loaded.model.mergeAdapters()
    let merged = try generate()
    #expect(adapted.ids == merged.ids && !adapted.ids.isEmpty)
    for (a, b) in zip(adapted.logProbabilities, merged.logProbabilities) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func magnitudesWithoutTheKeyAndTheKeyWithoutThem() throws {
    try withAdapter("dora") { adapter in
      try edit("adapter_config.json", adapter) { $0["use_dora"] = false }
      let words = try refusal(adapter)
      #expect(words.contains("4 unexpected") && words.contains("lora_magnitude_vector"), "\(words)")
    }
    try withAdapter("orthogonal") { adapter in
      try edit("adapter_config.json", adapter) { $0["use_dora"] = true }
      let words = try refusal(adapter)
      #expect(words.contains("4 missing") && words.contains("lora_magnitude_vector"), "\(words)")
    }
  }

  @Test func layersWithOtherWeightsForPicturesAreNotDecomposed() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let adapter = folder.appending(component: "adapter")
      try FileManager.default.copyItem(at: Fixtures.url("xcomposer/lora"), to: adapter)
      try edit("adapter_config.json", adapter) { $0["use_dora"] = true }
      let model = try VisionLanguageModel.load(from: Fixtures.url("xcomposer/model"))
      let words = message { try model.loadAdapter(from: adapter) }
      #expect(words.contains("(use_dora on a layer with another weight"), "\(words)")
      #expect(!model.hasAdapters)
    }
  }

  @Test func anEmptyListOfLayersIsAllOfThem() throws {
    try withAdapter("orthogonal") { adapter in
      try edit("adapter_config.json", adapter) { $0["layers_to_transform"] = [Int]() }
      let loaded = try base()
      try loaded.model.loadAdapter(from: adapter)
      #expect(abs(try answer(loaded) - expected("orthogonal")) < 2e-4)
    }
  }

  // MARK: Whole weights

  @Test func modulesThatWereSavedMustBeThere() throws {
    try withAdapter("orthogonal") { adapter in
      try edit("adapter_config.json", adapter) { $0["modules_to_save"] = ["multi_modal_projector", "nose"] }
      let words = try refusal(adapter)
      #expect(words.contains("multi_modal_projector.linear_1.weight"), "\(words)")
      #expect(words.contains("weights of nose"), "\(words)")
    }
    try withAdapter("saved") { adapter in
      try edit("adapter_config.json", adapter) { $0["modules_to_save"] = ["linear_1"] }
      let words = try refusal(adapter)
      #expect(words.contains("2 unexpected") && words.contains("linear_2"), "\(words)")
    }
  }

  @Test func headsOfTiedModels() throws {
    for name in ["saved_head", "embedding"] {
      let words = try refusal(fixture(name))
      #expect(words.contains("not the same as") && words.contains("tie_word_embeddings"), "\(words)")
    }
  }

  @Test func biasesThatWereNotTrainedAreUnexpected() throws {
    try withAdapter("bias_all") { adapter in
      try edit("adapter_config.json", adapter) { $0["bias"] = "lora_only" }
      let words = try refusal(adapter)
      #expect(words.contains("unexpected") && words.contains("out_proj.bias"), "\(words)")
      try edit("adapter_config.json", adapter) { $0["bias"] = "none" }
      #expect(try refusal(adapter).contains("base_layer.bias"))
    }
  }

  @Test func wrongShapesAndNumbers() throws {
    try withAdapter("saved") { adapter in
      let url = adapter.appending(component: "adapter_model.safetensors")
      let good = try SafeTensorsFile(reading: url).tensors()
      func change(_ ending: String, _ body: (Tensor) -> Tensor) throws {
        try SafeTensors.write(
          good.map { ($0.name, $0.name.hasSuffix(ending) ? body($0.tensor) : $0.tensor) }, to: url)
      }
      try change("linear_1.weight") { $0.transposed() }
      #expect(
        try refusal(adapter).contains(
          "multi_modal_projector.linear_1.weight: found [24, 32], expected [32, 24]"))
      try change("linear_1.bias") { $0 * Double.nan }
      #expect(try refusal(adapter).contains("linear_1.bias (not all values are finite)"))
      try change("linear_1.bias") { $0.to(.int32) }
      #expect(try refusal(adapter).contains("linear_1.bias (int32 values, expected floating point)"))
    }
  }

  // MARK: LLaVA's own files

  @Test func llavasProjectorIsNotLeftOut() throws {
    try withAdapter("llava") { adapter in
      let others = adapter.appending(component: "non_lora_trainables.bin")
      let loaded = try base()
      try FileManager.default.removeItem(at: others)
      try loaded.model.loadAdapter(from: adapter)
      #expect(abs(try answer(loaded) - expected("layers_alone")) < 2e-4)
      try Data("no pickle".utf8).write(to: others)
      #expect(try refusal(adapter).contains("non_lora_trainables.bin"))
      // A whole file of the other kind: its names have no meaning here.
      try FileManager.default.removeItem(at: others)
      try FileManager.default.copyItem(at: adapter.appending(component: "adapter_model.bin"), to: others)
      let words = try refusal(adapter)
      #expect(
        words.contains("unexpected") && words.contains("non_lora_trainables.bin: base_model"), "\(words)")
    }
  }

  @Test func pickledMatricesBesideSafetensorsAreForOthers() throws {
    try withAdapter("orthogonal") { adapter in
      let file = adapter.appending(component: "adapter_model.safetensors")
      let pickled = adapter.appending(component: "adapter_model.bin")
      try FileManager.default.copyItem(at: fixture("llava/adapter_model.bin"), to: pickled)
      let loaded = try base()
      try loaded.model.loadAdapter(from: adapter)
      #expect(abs(try answer(loaded) - expected("orthogonal")) < 2e-4)
      // A link to nothing does not make the other file the one that is meant.
      try FileManager.default.removeItem(at: file)
      try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: "nothing-there")
      #expect(try refusal(adapter).contains("adapter_model.safetensors"))
    }
    try withAdapter("llava") { adapter in
      let others = adapter.appending(component: "non_lora_trainables.bin")
      try FileManager.default.removeItem(at: others)
      try FileManager.default.createSymbolicLink(atPath: others.path, withDestinationPath: "nothing-there")
      #expect(try refusal(adapter).contains("non_lora_trainables.bin"))
    }
  }

  @Test func oneMatrixUnderTwoNamesIsNotHalfRead() throws {
    try withAdapter("all_names") { adapter in
      let url = adapter.appending(component: "adapter_model.safetensors")
      let old = try SafeTensorsFile(reading: fixture("older/adapter_model.safetensors")).tensors()
      let new = try SafeTensorsFile(reading: url).tensors()
      try SafeTensors.write(new + old.prefix(1), metadata: ["format": "pt"], to: url)
      #expect(try refusal(adapter).contains("(there twice)"))
    }
  }

  @Test func furtherFilesAreRefused() throws {
    try withAdapter("llava") { adapter in
      try Data([1]).write(to: adapter.appending(component: "mm_projector.bin"))
      let words = try refusal(adapter)
      #expect(words.contains("mm_projector.bin (weights in a file of their own"), "\(words)")
    }
  }

  // MARK: Changed weights beneath

  @Test(arguments: ["pissa", "olora", "loftq", "eva", "corda", "lora_ga"])
  func adaptersOfChangedWeightsSayWhatToDo(_ kind: String) throws {
    try withAdapter("orthogonal") { adapter in
      try edit("adapter_config.json", adapter) { $0["init_lora_weights"] = kind }
      let words = try refusal(adapter)
      #expect(
        words.contains("adapter_config.json: init_lora_weights: found \"\(kind)\", expected true"), "\(words)"
      )
      #expect(words.contains("path_initial_model_for_weight_conversion"))
    }
  }
}
