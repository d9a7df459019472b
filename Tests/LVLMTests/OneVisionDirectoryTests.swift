import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Directories of LLaVA-OneVision: written, read again, in older spellings, and those that are refused.
@Suite struct OneVisionDirectoryTests {
  /// Calls `body` with a copy of the directory.
  private func withCopy(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      for file in try FileManager.default.contentsOfDirectory(
        at: OneVision.directory, includingPropertiesForKeys: nil) where !file.hasDirectoryPath
      {
        try FileManager.default.copyItem(at: file, to: folder.appending(component: file.lastPathComponent))
      }
      try body(folder)
    }
  }

  private func edit(_ name: String, _ folder: URL, _ change: (inout [String: Any]) -> Void) throws {
    let file = folder.appending(component: name)
    var keys = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    change(&keys)
    try FileManager.default.removeItem(at: file)
    try JSONSerialization.data(withJSONObject: keys).write(to: file)
  }

  /// Expects the logits of an answer to be the reference's.
  private func expectLogits(_ loaded: PretrainedModel, are golden: Golden, _ path: String) throws {
    let item = try OneVisionModelTests.Case(path, loaded)
    try noGradient {
      let hidden = loaded.model.hiddenStates(try item.batch(), imageFeatures: item.features)
      try golden.expect(
        loaded.model.decoder.logits(hidden.slice(axis: 0, item.promptCount - 1..<item.ids.count)),
        is: "\(path)/tail_logits")
    }
  }

  @Test(arguments: ParameterNames.Layout.allCases) func writtenAndRead(layout: ParameterNames.Layout) throws {
    let loaded = try OneVisionModelTests.load()
    try Fixtures.withTemporaryDirectory { folder in
      try loaded.save(to: folder, layout: layout)
      let file = try SafeTensorsFile(reading: folder.appending(component: "model.safetensors"))
      #expect(
        file.names.contains("image_newline") == [.saved, .published].contains(layout)
          && file.names.contains("vision_tower.post_layernorm.weight") == (layout == .saved)
          && !file.names.contains { $0.hasSuffix("lm_head.weight") })
      if layout == .saved {
        let own = try SafeTensorsFile(reading: OneVision.directory.appending(component: "model.safetensors"))
        #expect(Set(file.names) == Set(own.names))
      }
      let again = try PretrainedModel.load(from: folder)
      #expect(again.notes.isEmpty && again.template == .oneVision)
      #expect(
        again.model.configuration as? OneVisionConfiguration
          == loaded.model.configuration as? OneVisionConfiguration)
      #expect(
        (again.processor as? AnyResolutionProcessor)?.configuration
          == (loaded.processor as? AnyResolutionProcessor)?.configuration)
      for (one, other) in zip(loaded.model.namedParameters(), again.model.namedParameters()) {
        #expect(
          one.name == other.name
            && one.parameter.tensor.array(of: Float.self) == other.parameter.tensor.array(of: Float.self))
      }
      for name in ["config.json", "preprocessor_config.json", "processor_config.json"] {
        func keys(_ folder: URL) throws -> [String: Any] {
          let data = try Data(contentsOf: folder.appending(component: name))
          return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        }
        let (written, given) = (try keys(folder), try keys(OneVision.directory))
        // A name beside the one that is written, and how the file was made.
        let left = ["transformers_version", "video_token", "do_pad"]
        for (key, value) in given where !left.contains(key) && !(value is [String: Any]) {
          #expect("\(written[key] ?? "nothing")" == "\(value)", "\(name): \(key)")
        }
      }
    }
  }

  /// Keys of older releases and absent ones, the tie in one section, everything of pictures in one file,
  /// weights of half the precision in two files under the published names.
  @Test func olderSpelling() throws {
    let golden = try OneVision.golden("bf16.h5")
    try Fixtures.withTemporaryDirectory { folder in
      try OneVisionModelTests.load().save(
        to: folder, layout: .published, type: .type(.bfloat16), shardBytes: 120_000)
      for name in ["preprocessor_config.json", "generation_config.json"] {
        try FileManager.default.removeItem(at: folder.appending(component: name))
      }
      for name in ["config.json", "processor_config.json", "chat_template.jinja"] {
        let place = folder.appending(component: name)
        try FileManager.default.removeItem(at: place)
        try FileManager.default.copyItem(at: OneVision.directory.appending(path: "older/\(name)"), to: place)
      }
      let loaded = try PretrainedModel.load(from: folder)
      #expect(loaded.notes.isEmpty && loaded.template == .oneVision)
      #expect(loaded.model.configuration.text.tiesWordEmbeddings)
      for path in ["text0", "img1"] { try expectLogits(loaded, are: golden, path) }
      let kept = try PretrainedModel.load(from: folder, weights: .bfloat16)
      let item = try OneVisionModelTests.Case("img1", kept)
      #expect(item.features.rows.shape == [129, 48])
    }
  }

  @Test func absentKeys() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let place = folder.appending(component: "config.json")
      func read(_ text: String) throws -> OneVisionConfiguration {
        try Data(text.utf8).write(to: place)
        return try OneVisionConfiguration.read(from: place)
      }
      let text = #""text_config": {"model_type": "qwen2", "eos_token_id": 2, "vocab_size": 152000}"#
      let usual = try read(#"{"model_type": "llava_onevision", \#(text)}"#)
      #expect(usual.vision == OneVisionConfiguration.usualVision && usual.vision.patchesPerSide == 27)
      #expect(usual.tileLimit == 9 && usual.visionFeatureLayer == -1 && usual.hasProjectorBias)
      #expect(usual.canvases == AnyResolutionConfiguration.publishedCanvases)
      #expect(usual.imageTokenIndex == 151_646 && !usual.text.tiesWordEmbeddings)
      #expect(usual.resolution.largest(isAlone: true).count == 8765)
      // Keys that are left out inside the section have the values of its class.
      let tower = try read(
        #"{"model_type": "llava_onevision", "vision_config": {"image_size": 384}, \#(text)}"#
      ).vision
      #expect(tower.hiddenSize == 768 && tower.patchSize == 16 && tower.hiddenLayerCount == 12)
      for (keys, expected) in [
        (#""vision_aspect_ratio": "anyres""#, "vision_aspect_ratio: found \"anyres\""),
        (#""vision_aspect_ratio": "anyres_max_0""#, "vision_aspect_ratio"),
        (
          #""vision_feature_select_strategy": "default""#, "vision_feature_select_strategy: found \"default\""
        ),
        (#""image_grid_pinpoints": [[384, 300]]"#, "image_grid_pinpoints: found [[384, 300]]"),
        (#""image_grid_pinpoints": [[384]]"#, "image_grid_pinpoints"),
        (#""vision_feature_layer": 28"#, "vision_feature_layer: found 28"),
        (#""vision_feature_layer": [-1, -2]"#, "vision_feature_layer"),
        (#""projector_hidden_act": "silu""#, "projector_hidden_act"),
        (#""use_image_newline_parameter": false"#, "use_image_newline_parameter: found false, expected true"),
        (#""image_token_index": 152000"#, "image_token_index: found 152000"),
        (#""architectures": ["LlavaForConditionalGeneration"]"#, "architectures"),
        (#""mm_newline_position": "grid""#, "mm_newline_position: found \"grid\", expected no such key"),
        (#""vision_config": {"model_type": "clip_vision_model"}"#, "vision_config.model_type"),
      ] {
        let found = message { _ = try read(#"{"model_type": "llava_onevision", \#(keys), \#(text)}"#) }
        #expect(found.contains(expected), "\(keys): \(found)")
      }
      let nameless = message { _ = try read(#"{"text_config": {"eos_token_id": 2, "vocab_size": 152000}}"#) }
      #expect(nameless.contains("text_config.model_type: found nothing, expected \"qwen2\""), "\(nameless)")
      #expect(message { _ = try read(#"{"model_type": "llava_onevision"}"#) }.contains("text_config: found"))
    }
  }

  @Test func contradictions() throws {
    try withCopy { folder in
      func expect(
        _ name: String, _ expected: String, _ change: (inout [String: Any]) -> Void
      ) throws {
        let file = folder.appending(component: name)
        let kept = try Data(contentsOf: file)
        try edit(name, folder, change)
        let found = message { _ = try PretrainedModel.load(from: folder) }
        #expect(found.contains(expected), "\(name): \(found)")
        try kept.write(to: file)
      }
      let (processor, pictures) = ("processor_config.json", "preprocessor_config.json")
      try expect(processor, "vision_aspect_ratio: found \"anyres_max_9\", expected \"anyres_max_4\"") {
        $0["vision_aspect_ratio"] = "anyres_max_9"
      }
      try expect(processor, "vision_aspect_ratio: found nothing, which is \"anyres_max_9\"") {
        $0["vision_aspect_ratio"] = nil
      }
      try expect(processor, "num_image_tokens: found 24, expected 25") { $0["num_image_tokens"] = 24 }
      try expect(processor, "processor_class") { $0["processor_class"] = "LlavaProcessor" }
      try expect(processor, "image_token: found") { $0["image_token"] = "<video>" }
      try expect(processor, "do_tile: found true, expected no such key") { $0["do_tile"] = true }
      try expect(processor, "resample is not the same in both") {
        $0["image_processor"] = [
          "size": ["height": 22, "width": 22], "resample": 2, "image_mean": 0.5, "image_std": 0.5,
          "image_grid_pinpoints": [
            [22, 22], [22, 44], [22, 66], [22, 88], [44, 22], [44, 44], [44, 66], [66, 22],
          ],
        ]
      }
      try expect(pictures, "image_grid_pinpoints: found [[22, 22]] for pictures") {
        $0["image_grid_pinpoints"] = [[22, 22]]
      }
      try expect(pictures, "vision_config.image_size: found 22, expected 11") {
        $0["size"] = ["height": 11, "width": 11]
      }
      // What may be absent.
      try edit(processor, folder) { $0["num_image_tokens"] = nil }
      #expect(message { _ = try PretrainedModel.load(from: folder) } == "")
      try FileManager.default.removeItem(at: folder.appending(component: pictures))
      let notes = try PretrainedModel.load(from: folder).notes
      #expect(notes.count == 1 && notes[0].contains("cut into tiles of 22 pixels"), "\(notes)")
    }
  }
}
