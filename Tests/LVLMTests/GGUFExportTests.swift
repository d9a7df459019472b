import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// What is written for llama.cpp, read again by this package: every family, every type.
@Suite struct GGUFExportTests: ModelCopies {
  typealias Family = GGUFVisionTests.Family

  /// A model of each kind of vocabulary and decoder that is written.
  enum Sample: String, CaseIterable {
    case llava, smolvlm, qwen2, mistral, biases

    func load() throws -> PretrainedModel {
      switch self {
      case .llava:
        return try PretrainedModel.load(from: Family.llava.directory, template: .plain)
      case .smolvlm: return try PretrainedModel.load(from: Family.smolvlm.directory)
      case .qwen2, .mistral, .biases:
        let vocabulary = Fixtures.url(self == .qwen2 ? "qwen2" : "smolvlm")
        let tokenizer = try TokenizerFiles(of: vocabulary).tokenizer
        let family = self == .qwen2 ? TextFamily.qwen2 : self == .mistral ? .mistral : .llama
        let text = TextConfiguration(
          vocabularySize: tokenizer.vocabularySize + 3, hiddenSize: 64, intermediateSize: 96,
          hiddenLayerCount: 2, attentionHeadCount: 4, keyValueHeadCount: 2,
          headSize: self == .qwen2 ? 16 : 32, contextLength: 128,
          ropeTheta: 7000, ropeScaling: self == .mistral ? .linear(factor: 2) : .none,
          tiesWordEmbeddings: self == .mistral, hasAttentionBias: self == .biases ? true : nil,
          hasPerceptronBias: self == .biases, bosTokenID: Int(tokenizer.bosID),
          eosTokenID: Int(tokenizer.eosID), padTokenID: Int(tokenizer.padID), family: family)
        var generator = RandomGenerator(seed: 5)
        let model = try VisionLanguageModel(
          LlavaConfiguration(
            vision: VisionConfiguration(
              hiddenSize: 32, intermediateSize: 64, hiddenLayerCount: 2, attentionHeadCount: 2,
              imageSize: 12, patchSize: 6, projectionSize: 32),
            text: text, imageTokenIndex: Int(tokenizer.imageID)), using: &generator)
        // Norms and biases with values that matter.
        for (name, parameter) in model.namedParameters() where parameter.shape.count == 1 {
          let noise = Tensor.randomNormal(parameter.shape, standardDeviation: 0.2, using: &generator)
          parameter.tensor = noGradient { parameter.tensor + noise + (name.hasSuffix("bias") ? 0.1 : 0) }
        }
        return try PretrainedModel(
          new: model, tokenizerIn: vocabulary, template: self == .qwen2 ? .oneVisionChatML : .plain)
      }
    }

    var family: Family { self == .smolvlm ? .smolvlm : .llava }
  }

  static func encode(_ tokenizer: Tokenizer) throws -> [[Int32]] {
    try ["Compare the two pictures.", " a  b\n\n12 345", "naïve 図 🦊 don't", "<image>x"].map(tokenizer.encode)
  }

  @Test(arguments: Sample.allCases) func theFileInFloat32IsTheModel(_ sample: Sample) throws {
    let own = try sample.load()
    try Fixtures.withTemporaryDirectory { folder in
      let export = try own.saveGGUF(to: folder, name: "tiny", type: .encoding(.f32))
      #expect(export.files.map(\.lastPathComponent) == ["model-F32.gguf", "mmproj-F32.gguf"])
      var read = try PretrainedModel.load(from: export.files[0])
      #expect(read.template == own.template)
      // LLaVA's `tokenizer.json` puts no blank before a text that begins with one, which the file cannot say.
      let pieces =
        sample == .llava
        ? try Tokenizer(contentsOf: Family.llava.directory.appending(component: "tokenizer.model"))
        : own.tokenizer
      #expect(export.notes.contains { $0.contains("at the beginning alone") } == (sample == .llava))
      #expect(try Self.encode(read.tokenizer) == Self.encode(pieces))
      #expect(read.tokenizer.imageID == own.tokenizer.imageID && read.tokenizer.eosID == own.tokenizer.eosID)
      #expect(read.tokenizer.bosID == own.tokenizer.bosID && read.tokenizer.padID == own.tokenizer.padID)
      #expect(read.tokenizer.addsBOS == own.tokenizer.addsBOS)
      if sample == .llava { read.processor = own.processor }
      let found = try GGUFVisionTests.answer(read, sample.family, encoder: own.encoder)
      let expected = try GGUFVisionTests.answer(own, sample.family, encoder: own.encoder)
      #expect(found.ids == expected.ids)
      #expect(GGUFVisionTests.deviation(found.features, expected.features) < 1e-5)
      #expect(GGUFVisionTests.deviation(found.logits, expected.logits) < 1e-5)
      let text = try GGUFFile(reading: export.files[0])
      #expect(text.metadata["general.name"]?.asString == "tiny")
      #expect(text.metadata["general.file_type"]?.asInt == 0)
      #expect((text.entry("output.weight") == nil) == own.model.configuration.text.tiesWordEmbeddings)
    }
  }

  @Test(arguments: Sample.allCases, [GGUFEncoding.f16, .bf16, .q8_0, .q4_0])
  func roundedFilesComeClose(_ sample: Sample, _ type: GGUFEncoding) throws {
    let own = try sample.load()
    try Fixtures.withTemporaryDirectory { folder in
      let export = try own.saveGGUF(to: folder, name: "tiny", type: .encoding(type))
      for url in export.files {
        for entry in try GGUFFile(reading: url).entries {
          let isKept = entry.shape.count == 1 || entry.name.contains("_embd.") && entry.name.hasPrefix("v.")
          let isWhole = entry.shape.last?.isMultiple(of: type.blockLength) == true
          #expect(entry.encoding == (isKept ? .f32 : isWhole ? type : .f16), "\(entry.name)")
        }
      }
      let isWhole = sample != .llava && sample != .smolvlm
      #expect(
        export.notes.contains { $0.contains("no multiple of 32") } == (!isWhole && type.blockLength > 1))
      var read = try PretrainedModel.load(from: export.files[0])
      if sample == .llava { read.processor = own.processor }
      let found = try GGUFVisionTests.answer(read, sample.family, encoder: own.encoder)
      let expected = try GGUFVisionTests.answer(own, sample.family, encoder: own.encoder)
      let scale = Double(expected.logits.abs().max().item())
      let share = type == .q4_0 ? 1 : type == .f16 ? 0.01 : 0.05
      let deviation = GGUFVisionTests.deviation(found.logits, expected.logits)
      #expect(deviation > 0 && deviation < share * scale, "\(deviation) of \(scale)")
      let exact = try own.saveGGUF(to: folder.appending(component: "f32"), name: "x", type: .encoding(.f32))
      for (own, rounded) in zip(exact.files, export.files) {
        let (own, rounded) = (try GGUFFile(reading: own), try GGUFFile(reading: rounded))
        for entry in rounded.entries {
          let values = try own.tensor(entry.name).array(of: Float.self)
          let found = try rounded.tensor(entry.name).array(of: Float.self)
          let width = entry.encoding.blockLength
          for first in stride(from: 0, to: values.count, by: width) {
            let block = first..<min(first + width, values.count)
            let largest = block.map { abs(values[$0]) }.max() ?? 0
            let error = block.map { abs(values[$0] - found[$0]) }.max() ?? 0
            // Half a step and 127 times what the scale loses in half precision; of Q4_0 a whole step, at the
            // end where it has none.
            let step: Float =
              switch entry.encoding {
              case .q4_0: 1.0 / 8
              case .q8_0: (0.5 + 127.0 / 2048) / 127
              default: 1.0 / 256
              }
            guard error > largest * step * 1.01 + 1e-6 else { continue }
            Issue.record("\(entry.name) \(entry.encoding): \(error) of \(largest)")
            break
          }
        }
      }
    }
  }

  /// A model that is kept in BF16 is written in it.
  @Test func theStoredTypeIsKept() throws {
    try withCopy { copy in
      let loaded = try PretrainedModel.load(from: copy, template: .plain)
      try loaded.save(to: copy.appending(component: "half"), type: .type(.bfloat16))
      let half = try PretrainedModel.load(from: copy.appending(component: "half"), weights: .auto)
      let folder = copy.appending(component: "gguf")
      let export = try half.saveGGUF(to: folder, name: "x", type: .stored)
      #expect(export.files.map(\.lastPathComponent) == ["model-BF16.gguf", "mmproj-BF16.gguf"])
      for url in export.files {
        for entry in try GGUFFile(reading: url).entries where entry.shape.count == 2 {
          #expect(entry.encoding == (entry.name == "v.position_embd.weight" ? .f32 : .bf16))
        }
      }
    }
  }

  /// A language model of a GGUF file, and one with a projector, are written again as they were.
  @Test func filesOfFiles() throws {
    try Fixtures.withTemporaryDirectory { folder in
      for (family, hasProjector) in [(Family.llava, true), (.smolvlm, true), (.smolvlm, false)] {
        let own =
          hasProjector
          ? try family.load("f32")
          : try PretrainedModel.load(from: Fixtures.url("tokenizers/tiny.gguf"))
        let target = folder.appending(component: "\(family)-\(hasProjector)")
        let export = try own.saveGGUF(to: target, name: "again", type: .encoding(.f32))
        #expect(export.files.count == (hasProjector ? 2 : 1))
        let read = try PretrainedModel.load(from: export.files[0])
        #expect(try Self.encode(read.tokenizer) == Self.encode(own.tokenizer))
        #expect(read.template == own.template)
        if hasProjector, family == .smolvlm {
          // The decoder's matrices are F16 in the file, and with auto so they are again.
          let kept = try family.load("f32", weights: .auto)
          let same = try kept.saveGGUF(to: folder.appending(component: "same"), name: "same", type: .stored)
          #expect(same.files.map(\.lastPathComponent) == ["model-F16.gguf", "mmproj-F32.gguf"])
        }
        let ids = try own.tokenizer.encode("Compare.")
        let batch = try PackedBatch(
          [PackedExample(promptIDs: ids, images: [])], sharesPrefix: true, imageTokenID: -1,
          features: FeatureLayout([]))
        func logits(_ loaded: PretrainedModel) throws -> Tensor {
          let none = try loaded.imageFeatures([])
          return noGradient {
            loaded.model.decoder.logits(loaded.model.hiddenStates(batch, imageFeatures: none))
          }
        }
        #expect(try GGUFVisionTests.deviation(logits(own), logits(read)) < 1e-5)
      }
    }
  }

  /// The form of LLaMA 3's rule: what llama.cpp's converter writes for these numbers.
  @Test func factorsOfLlama3() throws {
    var own = try Sample.biases.load()
    var text = own.model.configuration.text
    text.ropeTheta = 500_000
    text.ropeScaling = .llama3(.init(factor: 8, slowTurns: 1, fastTurns: 4, originalContext: 64))
    text.hasAttentionBias = false
    text.hasPerceptronBias = false
    var generator = RandomGenerator(seed: 1)
    var configuration = try #require(own.model.configuration as? LlavaConfiguration)
    configuration.text = text
    own = try PretrainedModel(
      new: VisionLanguageModel(configuration, using: &generator), tokenizerIn: Fixtures.url("smolvlm"),
      template: .plain)
    try Fixtures.withTemporaryDirectory { folder in
      let export = try own.saveGGUF(to: folder, name: "x", type: .encoding(.f32))
      let factors = try GGUFFile(reading: export.files[0]).tensor("rope_freqs.weight").array(of: Float.self)
      // generate_extra_tensors of conversion/llama.py, llama.cpp of October 2026.
      let expected: [Float] = [
        1, 1, 2.4422594, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
      ]
      #expect(factors.count == expected.count)
      for (a, b) in zip(factors, expected) { #expect(abs(a - b) < 1e-5 * b, "\(factors)") }
    }
  }

  // MARK: Refusals

  /// What llama.cpp cannot compute is named before a byte is written.
  @Test func whatIsRefused() throws {
    let oneVision = try PretrainedModel.load(from: Fixtures.url("onevision"))
    let xComposer = try PretrainedModel.load(from: Fixtures.url("xcomposer/model"))
    var rows: [(PretrainedModel, String)] = [
      (oneVision, "clip.projector_type: found the LLaVA-OneVision family"),
      (xComposer, "text_config.model_type: found \"internlm2\" with partial LoRA"),
    ]
    func changed(_ change: (inout LlavaConfiguration) -> Void) throws -> PretrainedModel {
      let own = try Sample.biases.load()
      var configuration = try #require(own.model.configuration as? LlavaConfiguration)
      change(&configuration)
      var generator = RandomGenerator(seed: 1)
      return try PretrainedModel(
        new: VisionLanguageModel(configuration, using: &generator), tokenizerIn: Fixtures.url("smolvlm"),
        template: .plain)
    }
    rows += [
      (try changed { $0.featureSelection = .full }, "vision_feature_select_strategy: found \"full\""),
      (
        try changed { $0.projectorActivation = .geluTanh },
        "projector_hidden_act: found \"gelu_pytorch_tanh\""
      ),
      (try changed { $0.vision.activation = .geluTanh }, "vision_config.hidden_act: found"),
      (try changed { $0.vision.intermediateSize = 32 }, "vision_config.intermediate_size: found 32"),
      (
        try changed {
          $0.text.family = .qwen2
          $0.text.hasPerceptronBias = false
        }, "text_config.head_dim: found 32 in each of 4 heads"
      ),
      (
        try changed {
          $0.text.ropeScaling = .yarn(.init(factor: 2, originalContext: 64, fastTurns: 16))
        }, "text_config.rope_parameters: found yarn with bounds"
      ),
    ]
    var square = try Sample.biases.load()
    square.processor = ImageProcessor(ImageProcessorConfiguration(size: 12, rescaleFactor: 1))
    rows.append((square, "rescale_factor: found 1.0"))
    let smolVLM = try Sample.smolvlm.load()
    let processor = try #require(smolVLM.processor as? SmolVLMImageProcessor)
    for (words, change) in [
      ("do_image_splitting: found false", { $0.tiling.splits = false }),
      ("resample: found bicubic", { $0.resampling = .bicubic }),
    ] as [(String, (inout SmolVLMImageConfiguration) -> Void)] {
      var settings = processor.configuration
      change(&settings)
      var other = smolVLM
      let shape = try #require(smolVLM.model.configuration as? SmolVLMConfiguration)
      other.processor = SmolVLMImageProcessor(
        settings, patchSide: shape.vision.patchSize, scaleFactor: shape.scaleFactor)
      rows.append((other, words))
    }
    try Fixtures.withTemporaryDirectory { folder in
      for (loaded, words) in rows {
        let target = folder.appending(component: "out")
        let found = message { _ = try loaded.saveGGUF(to: target, name: "x", type: .stored) }
        #expect(found.contains(words), "\(found)")
        #expect(!FileManager.default.fileExists(atPath: target.path))
      }
    }
  }

  @Test func vocabulariesThatAreRefused() throws {
    try Fixtures.withTemporaryDirectory { folder in
      // A SmolVLM of a run has SentencePiece's vocabulary, with its marks as symbols.
      let words = folder.appending(component: "words")
      try FileManager.default.createDirectory(at: words, withIntermediateDirectories: true)
      let tokenizer = try Tokenizer.train(
        texts: ["Which of the two is larger?", "Compare them, please."], vocabularySize: 300,
        symbols: ["<fake_token_around_image>", "<global-img>", "<|im_start|>", "<end_of_utterance>"],
        to: words.appending(component: "tokenizer.model"))
      var configuration = try #require(
        Sample.smolvlm.load().model.configuration as? SmolVLMConfiguration)
      configuration.text.vocabularySize = tokenizer.vocabularySize
      configuration.text.eosTokenID = Int(tokenizer.eosID)
      configuration.text.bosTokenID = Int(tokenizer.bosID)
      configuration.text.padTokenID = Int(tokenizer.padID)
      configuration.imageTokenIndex = Int(tokenizer.imageID)
      var generator = RandomGenerator(seed: 2)
      let own = try PretrainedModel(
        new: VisionLanguageModel(configuration, using: &generator), tokenizerIn: words, template: .smolVLM)
      let frame = message {
        _ = try own.saveGGUF(to: folder.appending(component: "out"), name: "x", type: .stored)
      }
      #expect(
        frame.contains("tokenizer: found no token of its own for \"\\n\", \"\\n\\n\""), "\(frame)")
      func refusal(_ change: (inout [String: Any]) -> Void) throws -> String {
        let copy = folder.appending(component: UUID().uuidString)
        try FileManager.default.copyItem(at: Family.smolvlm.directory, to: copy)
        try edit("tokenizer.json", copy, change)
        return message {
          _ = try PretrainedModel.load(from: copy).saveGGUF(
            to: folder.appending(component: "out"), name: "x", type: .stored)
        }
      }
      let whole = try refusal { keys in
        var model = keys["model"] as? [String: Any]
        model?["ignore_merges"] = true
        keys["model"] = model
      }
      #expect(whole.contains("found ignore_merges with this rule for words"), "\(whole)")
      #expect(!FileManager.default.fileExists(atPath: folder.appending(component: "out").path))
    }
  }

  /// A `tokenizer.json` of SentencePiece's pieces, whose scores are worked out from its merges.
  @Test func scoresOfMerges() throws {
    try withCopy { copy in
      let own = try PretrainedModel.load(from: copy, template: .plain)
      let made = copy.appending(component: "made")
      try own.save(to: made)
      try FileManager.default.removeItem(at: made.appending(component: "tokenizer.model"))
      let alone = try PretrainedModel.load(from: made)
      let target = copy.appending(component: "gguf")
      let export = try alone.saveGGUF(to: target, name: "x", type: .encoding(.f32))
      let read = try Tokenizer(contentsOf: export.files[0])
      let cases = try JSONDecoder().decode(
        TokenizerCases.self, from: Data(contentsOf: Fixtures.url("verification/tokenizer_cases.json")))
      // As above: the blank before a text that begins with one.
      let pieces = try Tokenizer(contentsOf: copy.appending(component: "tokenizer.model"))
      for text in cases.cases.map(\.text) {
        #expect(try read.encode(text) == pieces.encode(text), "\(text)")
      }
      // An order of merges that no scores have is refused.
      try edit("tokenizer.json", section: "model", made) { model in
        var merges = model["merges"] as? [Any] ?? []
        merges.removeLast()
        model["merges"] = merges
      }
      let found = message {
        _ = try PretrainedModel.load(from: made).saveGGUF(
          to: copy.appending(component: "other"), name: "x", type: .stored)
      }
      #expect(found.contains("merges in an order that no scores of pieces have"), "\(found)")
    }
  }

  private struct TokenizerCases: Decodable {
    struct Case: Decodable { var text: String }
    var cases: [Case]
  }

  /// Two spellings of one character are two pieces of `tokenizer.json` too.
  @Test func twoSpellingsOfACharacter() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "tokenizer.model")
      let texts = (0..<60).flatMap { ["caf\u{E9} \($0)", "cafe\u{301} \($0)", "A\u{30A} \u{C5} \u{212B}"] }
      let tokenizer = try Tokenizer.train(
        texts: texts, vocabularySize: 340, characterCoverage: 1, to: url)
      let files = try TokenizerFiles(of: folder)
      let json = try #require(try files.complete()["tokenizer.json"])
      let read = try Tokenizer(json: json)
      for id in 0..<Int32(tokenizer.pieceCount) {
        #expect(read.piece(id)?.utf8.elementsEqual((tokenizer.piece(id) ?? "").utf8) == true, "\(id)")
      }
      for text in texts.prefix(3) { #expect(try read.encode(text) == tokenizer.encode(text)) }
    }
  }
}
