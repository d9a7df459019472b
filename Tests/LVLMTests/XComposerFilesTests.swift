import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Directories of InternLM-XComposer2.5: what is read, what is refused, what is written.
@Suite struct XComposerFilesTests {
  private func withCopy<Result>(_ body: (URL) throws -> Result) throws -> Result {
    try Fixtures.withTemporaryDirectory { folder in
      let copy = folder.appending(component: "model")
      try FileManager.default.copyItem(at: XComposerGolden.modelDirectory, to: copy)
      return try body(copy)
    }
  }

  private func change(_ name: String, in folder: URL, _ edit: (inout [String: Any]) -> Void) throws {
    let file = folder.appending(component: name)
    var keys = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
    edit(&keys)
    try JSONSerialization.data(withJSONObject: keys).write(to: file)
  }

  private func expectSame(_ one: VisionLanguageModel, _ other: VisionLanguageModel) {
    #expect(one.namedParameters().map(\.name) == other.namedParameters().map(\.name))
    for (a, b) in zip(one.namedParameters(), other.namedParameters()) {
      #expect(
        a.parameter.tensor.array(of: Float.self) == b.parameter.tensor.array(of: Float.self), "\(a.name)")
    }
  }

  @Test func whatIsRead() throws {
    let loaded = try PretrainedModel.load(from: XComposerGolden.modelDirectory)
    let configuration = try #require(loaded.model.configuration as? XComposerConfiguration)
    #expect(configuration.vision.imageSize == 56 && configuration.vision.hiddenLayerCount == 3)
    #expect(configuration.text.ropeScaling == .dynamic(factor: 2) && configuration.text.contextLength == 240)
    #expect(configuration.text.partialRank == 8 && configuration.text.partialAlpha == 16)
    #expect((loaded.processor as? XComposerProcessor)?.configuration == XComposerPictureTests.configuration)
    #expect(loaded.notes.count == 1 && loaded.notes[0].contains("xcomposer is used"))
    #expect(loaded.tokenizer.imageID == -100 && loaded.tokenizer.vocabularySize == 363)
    #expect(loaded.model.linearNames == ["wqkv", "wo", "w1", "w3", "w2"])
    let counts = [
      configuration.visionWeightCount, configuration.projectorWeightCount, configuration.decoderWeightCount,
    ]
    let parts: [any Module] = [loaded.model.visionTower, loaded.model.projector, loaded.model.decoder]
    #expect(counts == parts.map { $0.namedParameters().reduce(0) { $0 + $1.parameter.count } })
  }

  @Test func thePublishedSizes() {
    let published = XComposerConfiguration()
    #expect(published.decoderWeightCount == 7_737_708_544 + 603_979_776)
    #expect(published.projectorWeightCount == 33_562_624 + 8_192)
    // The norm behind the tower is counted there.
    #expect(published.visionWeightCount == 304_556_032 - 2_048)
    #expect(published.viewGrid.count == 841)
  }

  /// Each with the key that is named.
  @Test func whatIsRefused() throws {
    let cases: [(file: String, key: String, value: Any?)] = [
      ("config.json", "architectures", ["InternLM2ForCausalLM"]), ("config.json", "bias", true),
      ("config.json", "bias", nil), ("config.json", "num_key_value_heads", nil),
      ("config.json", "plora_r", 0), ("config.json", "new_key", 1),
      ("config.json", "rope_scaling", ["type": "dynamic"]), ("config.json", "hidden_act", "gelu"),
      ("internlm-xcomposer2d5-clip/config.json", "image_size", 42),
      ("internlm-xcomposer2d5-clip/config.json", "use_head", true),
      ("preprocessor_config.json", "tile_size", 57), ("preprocessor_config.json", "hd_num", 0),
      ("preprocessor_config.json", "padding", "left"), ("preprocessor_config.json", "resample", 3),
      ("preprocessor_config.json", "scale_margin", -1.0),
      ("preprocessor_config.json", "image_processor_type", "CLIPImageProcessor"),
      ("tokenizer_config.json", "add_eos_token", true),
    ]
    for (file, key, value) in cases {
      try withCopy { folder in
        try change(file, in: folder) { $0[key] = value }
        let words = message { _ = try PretrainedModel.load(from: folder) }
        #expect(words.contains(key) && words.contains("expected"), "\(file) \(key): \(words)")
      }
    }
    // A width that the weights do not have.
    try withCopy { folder in
      try change("config.json", in: folder) { $0["plora_r"] = nil }
      let words = message { _ = try PretrainedModel.load(from: folder) }
      #expect(words.contains("Plora_A.weight: found [8, 64], expected [256, 64]"))
    }
    try withCopy { folder in
      try change("added_tokens.json", in: folder) { $0["<|im_end|>"] = 400 }
      #expect(message { _ = try PretrainedModel.load(from: folder) }.contains("<|im_end|>"))
    }
  }

  @Test func savedAndLoaded() throws {
    let loaded = try PretrainedModel.load(from: XComposerGolden.modelDirectory)
    try Fixtures.withTemporaryDirectory { folder in
      try loaded.save(to: folder)
      let file = try SafeTensorsFile(reading: folder.appending(component: "model.safetensors"))
      let given = try SafeTensorsFile(
        reading: XComposerGolden.modelDirectory.appending(component: "model.safetensors"))
      // The published names, without what nobody reads.
      #expect(file.names.count == 113)
      for name in file.names { #expect(try file.array(name) == given.array(name), "\(name)") }
      let unread = Set(given.names).subtracting(file.names)
      #expect(unread.allSatisfy { $0.contains(".lora_") || $0.contains("post_layernorm") })
      let again = try PretrainedModel.load(from: folder)
      #expect(
        again.model.configuration as? XComposerConfiguration
          == loaded.model.configuration as? XComposerConfiguration)
      #expect(again.template == .xComposer && again.tokenizer.imageID == -100)
      #expect(
        (again.processor as? XComposerProcessor)?.configuration
          == (loaded.processor as? XComposerProcessor)?.configuration)
      expectSame(loaded.model, again.model)
    }
  }

  /// The published files are shards that PyTorch pickled.
  @Test func pickledShards() throws {
    let model = try VisionLanguageModel.load(from: XComposerGolden.modelDirectory)
    try withCopy { folder in
      let whole = folder.appending(component: "model.safetensors")
      let tensors = try SafeTensorsFile(reading: whole).tensors()
      try FileManager.default.removeItem(at: whole)
      let names = (1...2).map { "pytorch_model-0000\($0)-of-00002.bin" }
      var places: [String: String] = [:]
      for (shard, part) in [tensors.prefix(60), tensors.dropFirst(60)].enumerated() {
        try PyTorchWriter.save(Array(part), to: folder.appending(component: names[shard]))
        for item in part { places[item.name] = names[shard] }
      }
      let index = folder.appending(component: "pytorch_model.bin.index.json")
      try JSONSerialization.data(withJSONObject: ["weight_map": places]).write(to: index)
      expectSame(model, try PretrainedModel.load(from: folder).model)
      try FileManager.default.removeItem(at: folder.appending(component: names[1]))
      #expect(message { _ = try VisionLanguageModel.load(from: folder) }.contains(names[1]))
      // One file, in half the bytes.
      try FileManager.default.removeItem(at: folder.appending(component: names[0]))
      try FileManager.default.removeItem(at: index)
      try PyTorchWriter.save(
        tensors.map { ($0.name, $0.tensor.to(.bfloat16)) },
        to: folder.appending(component: "pytorch_model.bin"))
      let narrow = try VisionLanguageModel.load(from: folder, weights: .auto)
      for (a, b) in zip(model.namedParameters(), narrow.namedParameters()) {
        let expected = a.parameter.tensor.detached().to(.bfloat16).array(of: Float.self)
        #expect(b.parameter.tensor.array(of: Float.self) == expected, "\(a.name)")
        #expect(b.parameter.dtype == .bfloat16 || !a.name.contains("Plora"))
      }
    }
  }

  @Test func picturesThatCannotBeShown() throws {
    let loaded = try PretrainedModel.load(from: XComposerGolden.modelDirectory)
    let line = RGBImage(width: 600, height: 1, colour: .black)
    let error = #expect(throws: ImageError.self) { try loaded.imageFeatures([line, line]) }
    #expect(error?.description.contains("picture 0: image cannot be shown: found a picture of 600x1") == true)
    #expect(try loaded.imageFeatures([RGBImage(width: 60, height: 2, colour: .black)]).layout.rowCount > 0)
  }
}
