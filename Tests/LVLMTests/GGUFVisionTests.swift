import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Vision-language models from llama.cpp's pairs of files, against the directories they were made of.
@Suite struct GGUFVisionTests {
  enum Family: String, CaseIterable {
    case llava, smolvlm

    var directory: URL { Fixtures.url(self == .llava ? "verification/llava_tiny" : "smolvlm") }
    var picture: URL {
      Fixtures.url(self == .llava ? "verification/images/rgb1_24x7.png" : "smolvlm/images/rgb0_61x37.png")
    }

    static func file(_ name: String) -> URL { Fixtures.url("gguf_vision/\(name).gguf") }

    /// A template that fits into the context: LLaVA's own has too long a system sentence.
    var template: ChatTemplate? { self == .llava ? .plain : nil }

    func load(_ type: String, weights: WeightStorage = .float32) throws -> PretrainedModel {
      let model = self == .smolvlm ? "model-f16" : "model-\(type)"
      return try PretrainedModel.load(
        from: Self.file("\(rawValue)/\(model)"), weights: weights, template: template,
        projector: Self.file("\(rawValue)/mmproj-\(type)"))
    }

    /// The directory's model; SmolVLM's decoder rounded as it is in its GGUF file.
    func reference() throws -> PretrainedModel {
      let loaded = try PretrainedModel.load(from: directory, template: template)
      guard self == .smolvlm else { return loaded }
      for (_, parameter) in loaded.model.decoder.namedParameters() where parameter.tensor.rank == 2 {
        parameter.tensor = noGradient { parameter.tensor.to(.float16).to(.float32) }
      }
      return loaded
    }
  }

  /// Features of a picture, and scores after every token of a prompt that shows it.
  ///
  /// - Parameter encoder: makes the prompt; the model's own when nil.
  static func answer(
    _ loaded: PretrainedModel, _ family: Family, encoder: PromptEncoder? = nil
  ) throws -> (ids: [Int32], features: Tensor, logits: Tensor) {
    let picture = try RGBImage(contentsOf: family.picture.path)
    let encoder = encoder ?? loaded.encoder
    let grid = encoder.geometry.grid(width: picture.width, height: picture.height, isAlone: true)
    let example = try encoder.example(
      question: "<image>\nWhich of the 2 shapes is red, naïvely?", images: [0], grids: [grid])
    let features = try loaded.imageFeatures([picture])
    let batch = try PackedBatch(
      [example], sharesPrefix: true, imageTokenID: encoder.imageTokenID, features: features.layout)
    return noGradient {
      let hidden = loaded.model.hiddenStates(batch, imageFeatures: features)
      return (example.promptIDs, features.rows, loaded.model.decoder.logits(hidden))
    }
  }

  static func deviation(_ a: Tensor, _ b: Tensor) -> Double {
    a.shape == b.shape ? Double((a - b).abs().max().item()) : .infinity
  }

  @Test(arguments: Family.allCases) func asTheDirectory(_ family: Family) throws {
    let own = try family.load("f32")
    var reference = try family.reference()
    // LLaVA's GGUF file pads where the fixture's own settings cut out the centre.
    reference.processor = own.processor
    let found = try Self.answer(own, family)
    let expected = try Self.answer(reference, family, encoder: own.encoder)
    if family == .llava {
      // The directory's ids are those of its `tokenizer.json`, which puts no blank behind a picture.
      let pieces = try Tokenizer(contentsOf: family.directory.appending(component: "tokenizer.model"))
      let encoder = PromptEncoder(
        tokenizer: pieces, template: .plain, configuration: reference.model.configuration)
      #expect(try found.ids == Self.answer(reference, family, encoder: encoder).ids)
    } else {
      #expect(try found.ids == Self.answer(reference, family).ids)
    }
    #expect(own.encoder.imageTokenID == reference.encoder.imageTokenID)
    #expect(Self.deviation(found.features, expected.features) < 1e-5)
    #expect(Self.deviation(found.logits, expected.logits) < 1e-5)
    #expect(own.tokenizer.eosID == reference.tokenizer.eosID)
    #expect(own.tokenizer.padID == reference.tokenizer.padID)
    #expect(own.template == (family == .llava ? .plain : .smolVLM))
  }

  /// What llama.cpp itself (in xllamacpp 2026.10) answers to the same files, on one thread: the likeliest
  /// tokens after a prompt with a picture of one colour, which every way of scaling leaves as it is.
  @Test func asLlamaCppHasIt() throws {
    let loaded = try Family.smolvlm.load("f32")
    let picture = RGBImage(width: 38, height: 38, colour: RGBColour(200, 30, 90))
    let features = try loaded.imageFeatures([picture])
    let ids = try loaded.encoder.encode("<image>\nWhat?", grids: features.layout.grids)
    #expect(ids.count == 68)
    let batch = try PackedBatch(
      [PackedExample(promptIDs: ids, images: [0])], sharesPrefix: true,
      imageTokenID: loaded.encoder.imageTokenID, features: features.layout)
    let scores = noGradient {
      let hidden = loaded.model.hiddenStates(batch, imageFeatures: features)
      let logits = loaded.model.decoder.logits(hidden.slice(axis: 0, ids.count - 1..<ids.count))
      return (logits - logits.logSumExp(axes: [1]).reshaped([1, 1])).array(of: Float.self)
    }
    for (id, expected) in [
      (365, -0.97575), (360, -2.25535), (196, -3.63408), (208, -3.69907), (122, -3.72145), (23, -3.74259),
      (107, -4.08422), (231, -4.09387),
    ] {
      #expect(abs(Double(scores[id]) - expected) < 0.01, "\(id): \(scores[id])")
    }
  }

  @Test(arguments: Family.allCases) func blocksStayAsTheyAre(_ family: Family) throws {
    let expanded = try family.load("q8_0")
    let kept = try family.load("q8_0", weights: .auto)
    let vision = kept.model.visionTower.modules() + kept.model.projector.modules()
    // Rows of 24 are no whole blocks of 32: of LLaVA's the second layer of the projector alone.
    #expect(vision.count { $0 is QuantizedLinear } == (family == .llava ? 1 : 13))
    #expect(kept.model.trainableParameters().isEmpty)
    #expect(!expanded.model.projector.trainableParameters().isEmpty)
    let (a, b) = (try Self.answer(kept, family), try Self.answer(expanded, family))
    #expect(Self.deviation(a.features, b.features) < 2e-5)
    #expect(Self.deviation(a.logits, b.logits) < 5e-5)
    let exact = try Self.answer(family.load("f32"), family)
    let scale = Double(exact.logits.abs().max().item())
    #expect(Self.deviation(a.logits, exact.logits) < 0.05 * scale)
    #expect(Self.deviation(a.logits, exact.logits) > 0)
    let rounded = try Self.answer(family.load("q8_0", weights: .bfloat16), family)
    #expect(Self.deviation(rounded.logits, exact.logits) < 0.05 * scale)
  }

  @Test func picturesAreTreatedAsTheFileSays() throws {
    let llava = try #require(try Family.llava.load("f32").squareSettings)
    #expect(llava == ImageProcessorConfiguration(size: 12))
    #expect(ImageProcessor(llava).padding == RGBColour(122, 116, 104))
    let smolVLM = try #require(try Family.smolvlm.load("f32").processor as? SmolVLMImageProcessor)
    let own = try #require(
      try PretrainedModel.load(from: Family.smolvlm.directory).processor as? SmolVLMImageProcessor)
    #expect(smolVLM.configuration == own.configuration)
  }

  @Test func whatIsAssumedIsTold() throws {
    let opened = try PretrainedModel.load(
      from: Family.file("llava/model-f32"), projector: Family.file("llava/mmproj-f32"))
    let llava = opened.notes.joined(separator: "\n")
    #expect(opened.template == .vicunaV1)
    #expect(llava.contains("no clip.vision.feature_layer"))
    #expect(llava.contains("border in the mean colour"))
    #expect(llava.contains("no chat template; vicuna_v1 is used"))
    let smolVLM = try Family.smolvlm.load("f32").notes.joined(separator: "\n")
    #expect(smolVLM.contains("Lanczos") && !smolVLM.contains("preproc_image_size"))
  }

  @Test func theFileBesideIt() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let files = FileManager.default
      let model = folder.appending(component: "Tiny.gguf")
      try files.copyItem(at: Family.file("llava/model-f32"), to: model)
      let alone = try PretrainedModel.load(from: model)
      #expect(alone.processor == nil && alone.notes.isEmpty)
      try files.copyItem(
        at: Family.file("llava/mmproj-f32"), to: folder.appending(component: "Tiny-MMProj-F32.gguf"))
      let both = try PretrainedModel.load(from: model, template: .plain)
      #expect(both.processor != nil)
      #expect(both.notes.contains { $0.contains("read by Tiny-MMProj-F32.gguf") })
      let found = try Self.answer(both, .llava)
      let expected = try Self.answer(Family.llava.load("f32"), .llava)
      #expect(Self.deviation(found.logits, expected.logits) == 0)
      try files.copyItem(
        at: Family.file("llava/mmproj-q8_0"), to: folder.appending(component: "mmproj.gguf"))
      let error = #expect(throws: ModelDirectoryError.self) { try PretrainedModel.load(from: model) }
      #expect(
        error?.description.contains(
          "Tiny-MMProj-F32.gguf, mmproj.gguf (2 projectors for Tiny.gguf, expected one") == true)
      let chosen = try PretrainedModel.load(
        from: model, projector: folder.appending(component: "mmproj.gguf"))
      #expect(chosen.processor != nil)
    }
  }

  /// LLaVA's own vocabulary has no token for pictures.
  @Test func aVocabularyWithoutAMark() throws {
    try Fixtures.withTemporaryDirectory { folder in
      var bytes = try Data(contentsOf: Family.file("llava/model-f32"))
      let mark = try #require(bytes.range(of: Data("<image>".utf8)))
      bytes.replaceSubrange(mark, with: Data("<other>".utf8))
      let url = folder.appending(component: "model.gguf")
      try bytes.write(to: url)
      let own = try PretrainedModel.load(
        from: url, template: .plain, projector: Family.file("llava/mmproj-f32"))
      #expect(own.tokenizer.imageID == -100 && own.tokenizer.id(of: "<image>") == nil)
      let expected = try Self.answer(Family.llava.load("f32"), .llava)
      let found = try Self.answer(own, .llava)
      #expect(found.ids.map { $0 == -100 ? 330 : $0 } == expected.ids)
      #expect(Self.deviation(found.logits, expected.logits) == 0)
      let picture = try RGBImage(contentsOf: Family.llava.picture.path)
      let answer = try Generator(model: own.model, tokenizer: own.tokenizer).generate(
        [own.encoder.example(question: "<image>\nWhat?", images: [0])],
        imageFeatures: own.imageFeatures([picture]), maxNewTokens: 4,
        sampling: Sampling(
          temperature: 0, repetitionPenalty: 1.5, generator: RandomGenerator(seed: 0)))
      #expect(answer[0].ids.count <= 4)
      let target = folder.appending(component: "saved")
      let error = #expect(throws: TokenizerError.self) { try own.save(to: target) }
      #expect(error?.description.contains("no id for <image>") == true)
      #expect(!FileManager.default.fileExists(atPath: target.path))
    }
  }

  @Test(arguments: Family.allCases) func savedAsADirectory(_ family: Family) throws {
    try Fixtures.withTemporaryDirectory { folder in
      for (type, weights) in [("f32", WeightStorage.float32), ("q8_0", .auto)] {
        let own = try family.load(type, weights: weights)
        let target = folder.appending(component: type)
        try own.save(to: target)
        let read = try PretrainedModel.load(from: target)
        let (a, b) = (try Self.answer(own, family), try Self.answer(read, family))
        #expect(a.ids == b.ids)
        #expect(Self.deviation(a.features, b.features) < 2e-5)
        #expect(Self.deviation(a.logits, b.logits) < 5e-5)
        #expect(read.template == own.template && read.tokenizer.eosID == own.tokenizer.eosID)
        #expect(read.tokenizer.imageID == own.tokenizer.imageID)
      }
    }
  }
}
