import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

@Suite struct LlavaConfigurationTests {
  private func read(_ json: String) throws -> LlavaConfiguration {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "config.json")
      try Data(json.utf8).write(to: url)
      return try LlavaConfiguration.read(from: url)
    }
  }

  private func problems(_ json: String) -> [ModelConfigurationError.Problem] {
    #expect(throws: ModelConfigurationError.self) { try read(json) }?.problems ?? []
  }

  @Test func goldenFile() throws {
    let configuration = try LlavaConfiguration.read(
      from: Golden.modelDirectory.appending(component: "config.json"))
    #expect(
      configuration
        == LlavaConfiguration(
          vision: VisionConfiguration(
            hiddenSize: 32, intermediateSize: 128, hiddenLayerCount: 2, attentionHeadCount: 4, imageSize: 28,
            patchSize: 14, projectionSize: 32),
          text: TextConfiguration(
            vocabularySize: 384, hiddenSize: 64, intermediateSize: 172, hiddenLayerCount: 2,
            attentionHeadCount: 4, keyValueHeadCount: 2, headSize: 16, contextLength: 512,
            rmsNormEpsilon: 1e-6,
            padTokenID: 377),
          imageTokenIndex: 376))
    #expect(configuration.tokensPerImage == 4)
    #expect(configuration.usedVisionLayerCount == 1)
  }

  @Test func roundTrip() throws {
    var configuration = TinyModel.configuration
    configuration.text.ropeTheta = 5e5
    configuration.text.ropeScaling = .linear(factor: 2.5)
    configuration.text.tiesWordEmbeddings = true
    configuration.vision.activation = .gelu
    #expect(try read(String(decoding: configuration.json(), as: UTF8.self)) == configuration)
  }

  @Test func rotaryBaseInBothPlaces() throws {
    let beside = try read(
      #"{"vision_config": {}, "text_config": {"vocab_size": 32001, "rope_theta": 5000.0, "rope_scaling": null}}"#
    )
    #expect(beside.text.ropeTheta == 5000)
    let inside = try read(
      #"""
      {"vision_config": {}, "image_token_id": 3,
       "text_config": {"rope_parameters": {"rope_theta": 7000.0, "rope_type": "default"}}}
      """#)
    #expect(inside.text.ropeTheta == 7000)
    #expect(inside.imageTokenIndex == 3)
    let scaled =
      #"""
      {"vision_config": {}, "image_token_index": 3,
       "text_config": {"rope_scaling": {"type": "longrope", "factor": 2.0}}}
      """#
    #expect(
      problems(scaled) == [
        .init(
          key: "text_config.rope_scaling", found: "rotary embeddings of type \"longrope\"",
          expected: "one of \"default\", \"linear\", \"dynamic\", \"llama3\" and \"yarn\"")
      ])
  }

  @Test func publishedConfiguration() throws {
    // llava-hf/llava-1.5-7b-hf lists only what differs from the defaults.
    let configuration = try read(
      """
      {"architectures": ["LlavaForConditionalGeneration"], "ignore_index": -100, "image_token_index": 32000,
       "model_type": "llava", "projector_hidden_act": "gelu",
       "text_config": {"_name_or_path": "lmsys/vicuna-7b-v1.5", "max_position_embeddings": 4096,
         "model_type": "llama", "rms_norm_eps": 1e-05, "vocab_size": 32064},
       "vision_config": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096,
         "model_type": "clip_vision_model", "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14,
         "projection_dim": 768, "vocab_size": 32000},
       "vision_feature_layer": -2, "vision_feature_select_strategy": "default", "vocab_size": 32064}
      """)
    var expected = LlavaConfiguration()
    expected.text.vocabularySize = 32_064
    #expect(configuration == expected)
    #expect(configuration.tokensPerImage == 576)
    #expect(configuration.usedVisionLayerCount == 23)
  }

  @Test func contradictionsAreListedTogether() {
    let found = problems(
      """
      {"vision_config": {"image_size": 30, "patch_size": 14, "num_attention_heads": 5},
       "text_config": {"num_attention_heads": 6, "num_key_value_heads": 4, "vocab_size": 100, "rms_norm_eps": 0},
       "vision_feature_layer": -14, "image_token_index": 100}
      """)
    #expect(
      found.map(\.key) == [
        "vision_config.hidden_size", "vision_config.image_size", "text_config.rms_norm_eps",
        "text_config.num_attention_heads", "vision_feature_layer", "image_token_index",
      ])
    #expect(
      found[1].description
        == "vision_config.image_size: found 30, expected a multiple of patch_size (14)")
  }

  @Test func unreadableAndContradictoryKeysAreListedTogether() {
    let found = problems(
      """
      {"model_type": "qwen2_vl", "architectures": ["Qwen2VLForConditionalGeneration"],
       "vision_config": {"hidden_size": "wide", "num_attention_heads": 5, "image_size": 30, "patch_size": 14},
       "text_config": {"model_type": "gemma", "num_hidden_layers": [2], "rope_scaling": {"type": "yarn"},
         "hidden_act": "swish", "intermediate_size": -1, "vocab_size": 100000000, "rms_norm_eps": null},
       "vision_feature_layer": 99, "vision_feature_select_strategy": "some"}
      """)
    #expect(
      found.map(\.key) == [
        "model_type", "architectures", "vision_config.hidden_size", "text_config.model_type",
        "text_config.num_hidden_layers", "text_config.hidden_act", "text_config.rope_scaling",
        "vision_feature_select_strategy", "vision_config.image_size", "text_config.vocab_size",
        "text_config.intermediate_size", "vision_feature_layer",
      ])
    #expect(
      found[1].description
        == "architectures: found Qwen2VLForConditionalGeneration, expected LlavaForConditionalGeneration")
    #expect(found[9].description == "text_config.vocab_size: found 100000000, expected at most 16777216")
    // Both sections are gone, and nothing is said about keys that would have been inside.
    #expect(
      problems(#"{"vision_config": 3, "image_token_index": 40000}"#).map(\.key)
        == ["vision_config", "text_config"])
  }

  @Test func aSectionAloneListsItsProblems() {
    let error = #expect(throws: ModelConfigurationError.self) {
      try JSONDecoder().decode(
        LlavaConfiguration.self,
        from: Data(#"{"vision_config": {"image_size": "a", "patch_size": "b"}, "text_config": {}}"#.utf8))
    }
    #expect(error?.problems.map(\.key) == ["vision_config.image_size", "vision_config.patch_size"])
  }

  @Test func weightsAreCounted() throws {
    var configuration = TinyModel.configuration
    configuration.text.hasAttentionBias = true
    configuration.text.hasPerceptronBias = true
    var generator = RandomGenerator(seed: 1)
    let model = try LlavaModel(configuration, using: &generator)
    for (part, count) in [
      (model.visionTower as any Module, configuration.visionWeightCount),
      (model.projector, configuration.projectorWeightCount),
      (model.decoder, configuration.decoderWeightCount),
    ] {
      #expect(part.namedParameters().reduce(0) { $0 + $1.parameter.tensor.count } == count)
    }
  }

  @Test func unusableFiles() {
    #expect(
      problems(#"{"text_config": {"vocab_size": 32001}}"#) == [
        .init(key: "vision_config", found: "nothing", expected: "this key")
      ])
    #expect(
      problems(#"{"vision_config": {}"#) == [
        .init(key: "file", found: "broken JSON", expected: "a JSON object")
      ])
    #expect(
      problems(#"{"vision_config": {"hidden_size": "wide"}, "text_config": {}}"#).first?.key
        == "vision_config.hidden_size")
    #expect(
      problems(#"{"vision_config": {"hidden_act": "swish"}, "text_config": {"vocab_size": 32001}}"#) == [
        .init(
          key: "vision_config.hidden_act", found: "\"swish\"",
          expected: "one of quick_gelu, gelu, gelu_pytorch_tanh, silu")
      ])
    #expect(
      problems(
        #"{"vision_config": {"model_type": "siglip_vision_model"}, "text_config": {"vocab_size": 32001}}"#)
        == [
          .init(
            key: "vision_config.model_type", found: "\"siglip_vision_model\"",
            expected: "\"clip_vision_model\""
          )
        ])
    let absent = URL(filePath: "/no/such/folder/config.json")
    let error = #expect(throws: ModelConfigurationError.self) { try LlavaConfiguration.read(from: absent) }
    #expect(
      error?.description
        == "/no/such/folder/config.json: file: found nothing readable, expected a config.json")
  }
}
