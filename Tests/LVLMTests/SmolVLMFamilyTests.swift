import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Directories of SmolVLM and Idefics3: what is read, what is refused, what is written.
@Suite struct SmolVLMFamilyTests: ModelCopies {
  private func withSmolVLM(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let copy = folder.appending(component: "model")
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
      for name in [
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.json",
        "preprocessor_config.json", "processor_config.json", "generation_config.json",
      ] {
        try FileManager.default.copyItem(
          at: SmolVLMFixture.directory.appending(component: name), to: copy.appending(component: name))
      }
      try body(copy)
    }
  }

  private func configuration(_ text: String) throws -> SmolVLMConfiguration {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appending(component: "config.json")
      try Data(text.utf8).write(to: file)
      return try SmolVLMConfiguration.read(from: file)
    }
  }

  @Test func everythingFitsTogether() throws {
    let loaded = try SmolVLMFixture.load()
    #expect(loaded.notes.isEmpty && loaded.template == .smolVLM)
    let own = try #require(loaded.model.configuration as? SmolVLMConfiguration)
    #expect(own.modelType == .smolVLM && own.scaleFactor == 3 && own.featuresPerSide == 2)
    #expect(own.vision.hiddenSize == 32 && own.text.ropeTheta == 100_000)
    // The end of an answer stands in generation_config.json alone.
    #expect(own.text.eosTokenID == 367 && loaded.tokenizer.eosID == 367 && loaded.tokenizer.padID == 2)
    #expect(loaded.processor is SmolVLMImageProcessor)
    #expect(loaded.encoder.geometry.largest(isAlone: true).count == 40)
    let pictures = try ["rgb0_61x37.png", "gray7_52x40.png"].map(SmolVLMPictureTests.picture)
    let features = try loaded.imageFeatures(pictures)
    #expect(features.layout.grids.map(\.count) == [28, 40] && features.rows.shape == [68, 48])
    let counts =
      own.visionWeightCount + own.projectorWeightCount + own.decoderWeightCount
    #expect(counts == loaded.model.namedParameters().reduce(0) { $0 + $1.parameter.shape.reduce(1, *) })
  }

  /// The keys of `config.json` that published files leave out.
  @Test func absentKeys() throws {
    let bare = try configuration(
      #"{"model_type": "idefics3", "image_token_id": 5, "scale_factor": 7, "vision_config": {}, "text_config": {}}"#
    )
    #expect(bare.modelType == .idefics3 && !bare.text.tiesWordEmbeddings)
    #expect(bare.vision.hiddenSize == 1152 && bare.vision.hiddenLayerCount == 12)
    #expect(bare.vision.attentionHeadCount == 16 && bare.vision.intermediateSize == 3072)
    #expect(bare.vision.imageSize == 224 && bare.vision.patchSize == 32)
    #expect(bare.vision.activation == .geluTanh && bare.vision.layerNormEpsilon == 1e-6)
    #expect(bare.text.hiddenLayerCount == 32 && bare.text.attentionHeadCount == 32)
    #expect(bare.text.rmsNormEpsilon == 1e-6 && bare.text.ropeTheta == 10_000)
    let none = try configuration(
      #"{"model_type": "smolvlm", "image_token_id": 5, "scale_factor": 7}"#)
    let even = try configuration(
      #"{"model_type": "smolvlm", "image_token_id": 5, "vision_config": {"image_size": 256}}"#)
    #expect(even.scaleFactor == 2 && even.featuresPerSide == 4)
    #expect(none.text.rmsNormEpsilon == 1e-5 && none.vision == bare.vision && none.featuresPerSide == 1)
  }

  /// SmolVLM-256M's, with everything that its training left in it.
  @Test func publishedKeys() throws {
    let published = try configuration(
      """
      {"architectures": ["Idefics3ForConditionalGeneration"], "image_token_id": 49190, "model_type": "idefics3",
       "scale_factor": 4, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
       "use_reentrant_checkpointing": false, "vocab_size": 49280, "pad_token_id": 128002, "image_seq_len": 64,
       "transformers_version": "4.47.1", "transformers.js_config": {"kv_cache_dtype": {"fp16": "float16"}},
       "text_config": {"_flash_attn_2_enabled": true, "_name_or_path": "None",
        "architectures": ["VLlama3ForCausalLM"], "head_dim": 64, "hidden_size": 576, "intermediate_size": 1536,
        "is_llama_config": true, "max_position_embeddings": 8192, "model_type": "llama", "neftune_noise_alpha": 0.0,
        "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2,
        "perceiver_config": {"resampler_depth": 6}, "pixel_shuffle_factor": 4, "qk_layer_norms": false,
        "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000,
        "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_resampler": false, "vocab_size": 49280},
       "vision_config": {"hidden_size": 768, "image_size": 512, "max_image_size": {"longest_edge": 512},
        "model_type": "idefics3", "num_attention_heads": 12, "patch_size": 16, "size": {"longest_edge": 2048},
        "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_base_siglip": false}}
      """)
    #expect(published.featuresPerSide == 8 && published.vision.hiddenLayerCount == 12)
    #expect(published.text.keyValueHeadCount == 3 && published.viewGrid.count == 64)
  }

  @Test(arguments: [
    ("", "scale_factor", "4", "scale_factor: found 4, expected a divisor of the 6 patches"),
    ("", "model_type", #""idefics2""#, "found \"idefics2\", expected one of"),
    ("", "use_resampler", "true", "use_resampler: found true, expected no such key"),
    ("", "image_token_id", "500", "image_token_id: found 500"),
    ("text_config", "qk_layer_norms", "true", "text_config.qk_layer_norms: found true, expected false"),
    ("text_config", "model_type", #""phi3""#, "text_config.model_type"),
    ("vision_config", "model_type", #""clip_vision_model""#, "vision_config.model_type"),
    ("vision_config", "hidden_act", #""relu""#, "vision_config.hidden_act"),
    ("vision_config", "pooling", "true", "vision_config.pooling: found true, expected no such key"),
    ("vision_config", "patch_size", "39", "vision_config.patch_size: found 39"),
  ])
  func otherConfigurationsAreRefused(section: String, key: String, value: String, words: String) throws {
    try withSmolVLM { folder in
      try edit("config.json", section: section.isEmpty ? nil : section, folder) {
        $0[key] = try? JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
      }
      #expect(message(folder).contains(words), "\(message(folder))")
    }
  }

  @Test func otherSettingsAreRefused() throws {
    try withSmolVLM { folder in
      try edit("processor_config.json", folder) { $0["image_seq_len"] = 64 }
      #expect(message(folder).contains("image_seq_len: found 64, expected 4"), "\(message(folder))")
    }
    try withSmolVLM { folder in
      try edit("preprocessor_config.json", folder) { $0["max_image_size"] = ["longest_edge": 40] }
      #expect(
        message(folder).contains("vision_config.image_size: found 38, expected 40"), "\(message(folder))")
    }
    try withSmolVLM { folder in
      try edit("generation_config.json", folder) { $0["eos_token_id"] = 2 }
      #expect(message(folder).contains("eos_token_id: found 2, expected 367"), "\(message(folder))")
    }
    try withSmolVLM { folder in
      try edit("processor_config.json", folder) { $0["processor_class"] = "LlavaProcessor" }
      #expect(message(folder).contains("expected \"SmolVLMProcessor\""), "\(message(folder))")
    }
    try withSmolVLM { folder in
      try edit("processor_config.json", folder) { $0["image_processor"] = ["size": ["longest_edge": 76]] }
      #expect(message(folder).contains("not the same in both"), "\(message(folder))")
    }
    try withSmolVLM { folder in
      try FileManager.default.removeItem(at: folder.appending(component: "chat_template.json"))
      #expect(message(folder).contains("no chat template; smolvlm is used"), "\(message(folder))")
      try FileManager.default.removeItem(at: folder.appending(component: "preprocessor_config.json"))
      #expect(message(folder).contains("their longer side becomes 152 pixels"), "\(message(folder))")
    }
  }

  /// The form in which transformers 5 writes an Idefics3: shards in half precision, keys of older releases,
  /// everything about pictures in one file.
  @Test func idefics3InHalfPrecision() throws {
    try Fixtures.withTemporaryDirectory { folder in
      try SmolVLMFixture.load().model.save(
        to: folder, type: .type(.bfloat16), shardBytes: 140_000)
      let small = Fixtures.url("smolvlm/idefics3")
      for name in try FileManager.default.contentsOfDirectory(atPath: small.path) {
        let target = folder.appending(component: name)
        try? FileManager.default.removeItem(at: target)
        try FileManager.default.copyItem(at: small.appending(component: name), to: target)
      }
      try FileManager.default.copyItem(
        at: SmolVLMFixture.directory.appending(component: "tokenizer.json"),
        to: folder.appending(component: "tokenizer.json"))
      try expectIdefics3(folder)
    }
  }

  private func expectIdefics3(_ folder: URL) throws {
    // Its template says the same as the published one in other words.
    let loaded = try PretrainedModel.load(from: folder)
    #expect(loaded.template == .smolVLM)
    let own = try #require(loaded.model.configuration as? SmolVLMConfiguration)
    #expect(own.modelType == .idefics3 && own.text.eosTokenID == 367 && own.text.ropeTheta == 100_000)
    let golden = try SmolVLMFixture.golden("bf16.h5")
    for name in ["text0", "img1"] {
      let item = try SmolVLMCase(name, loaded)
      try noGradient {
        let hidden = item.model.hiddenStates(
          try item.batch(promptCount: item.ids.count), imageFeatures: item.features())
        try golden.expect(
          item.model.decoder.logits(hidden.slice(axis: 0, item.promptCount - 1..<item.ids.count)),
          is: "\(name)/tail_logits")
      }
    }
  }

  @Test(arguments: ParameterNames.Layout.allCases) func whatIsWrittenIsReadAgain(
    layout: ParameterNames.Layout
  ) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let loaded = try SmolVLMFixture.load()
      try loaded.save(to: folder, layout: layout)
      let names = try SafeTensorsFile(reading: folder.appending(component: "model.safetensors")).names
      let theirs = try SafeTensorsFile(
        reading: SmolVLMFixture.directory.appending(component: "model.safetensors")
      ).names
      #expect(Set(names) == Set(theirs))
      let again = try PretrainedModel.load(from: folder)
      #expect(again.notes.isEmpty && again.template == .smolVLM)
      #expect(
        again.model.configuration as? SmolVLMConfiguration
          == loaded.model.configuration as? SmolVLMConfiguration)
      #expect(
        (again.processor as? SmolVLMImageProcessor)?.configuration
          == (loaded.processor as? SmolVLMImageProcessor)?.configuration)
      for (a, b) in zip(again.model.namedParameters(), loaded.model.namedParameters()) {
        #expect(a.name == b.name && difference(a.parameter.tensor, b.parameter.tensor) == 0)
      }
    }
  }
}
