import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Whole model directories: what belongs together, what does not, and what other programs make of ours.
@Suite struct PretrainedModelTests {
  private func withCopy(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let copy = folder.appending(component: "model")
      try FileManager.default.copyItem(at: Fixtures.url("verification/llava_tiny"), to: copy)
      try body(copy)
    }
  }

  private func edit(_ file: URL, _ old: String, _ new: String) throws {
    let text = try String(contentsOf: file, encoding: .utf8)
    try #require(text.contains(old), "\(old)")
    try Data(text.replacing(old, with: new).utf8).write(to: file)
  }

  private func message(_ directory: URL) -> String {
    do {
      _ = try PretrainedModel.load(from: directory)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func everythingOfADirectory() throws {
    try withCopy { folder in
      let loaded = try PretrainedModel.load(from: folder)
      #expect(loaded.squareSettings?.size == 12)
      #expect(loaded.squareSettings?.padsToSquare == false)
      #expect(loaded.template == .vicunaV1)
      let picture = try RGBImage(contentsOf: Fixtures.url("verification/images/photo.jpg").path)
      #expect(try loaded.imageFeatures([picture, picture]).rows.shape == [8, 32])
      #expect(try loaded.imageFeatures([]).rows.shape == [0, 32])
      try FileManager.default.removeItem(at: folder.appending(component: "preprocessor_config.json"))
      #expect(try PretrainedModel.load(from: folder).squareSettings?.padsToSquare == true)
      try FileManager.default.removeItem(at: folder.appending(component: "tokenizer.model"))
      let text = "Compare the two pictures."
      #expect(try PretrainedModel.load(from: folder).tokenizer.encode(text) == loaded.tokenizer.encode(text))
    }
  }

  @Test func vocabularyAndModelOfDifferentSizes() throws {
    try withCopy { folder in
      let model = try LlavaModel.load(from: folder)
      var configuration = model.configuration
      configuration.text.vocabularySize = 331
      configuration.text.padTokenID = nil
      var generator = RandomGenerator(seed: 1)
      try LlavaModel(configuration, using: &generator).save(to: folder)
      #expect(message(folder).contains("text_config.vocab_size: found 331, expected at least the 332 ids"))
      configuration.text.vocabularySize = 340
      configuration.imageTokenIndex = 339
      configuration.text.eosTokenID = 5
      try LlavaModel(configuration, using: &generator).save(to: folder)
      #expect(message(folder).contains("image_token_index: found 339, expected 330"))
      #expect(message(folder).contains("text_config.eos_token_id: found 5, expected 2"))
    }
  }

  @Test func linksOutOfTheDirectory() throws {
    try withCopy { folder in
      let weights = folder.appending(component: "model.safetensors")
      let outside = folder.deletingLastPathComponent().appending(component: "elsewhere.safetensors")
      try FileManager.default.moveItem(at: weights, to: outside)
      try FileManager.default.createSymbolicLink(at: weights, withDestinationURL: outside)
      #expect(message(folder).contains("model.safetensors (a symbolic link to"))
      try FileManager.default.removeItem(at: weights)
      let inside = folder.appending(component: "renamed.safetensors")
      try FileManager.default.moveItem(at: outside, to: inside)
      try FileManager.default.createSymbolicLink(
        atPath: weights.path, withDestinationPath: "renamed.safetensors")
      #expect(message(folder) == "no error")
      let names = ["config.json", "tokenizer.model", "preprocessor_config.json"]
      for name in names + ["model.safetensors.index.json"] {
        let file = folder.appending(component: name)
        let outside = folder.deletingLastPathComponent().appending(component: name)
        if names.contains(name) {
          try FileManager.default.moveItem(at: file, to: outside)
        } else {
          try Data("{}".utf8).write(to: outside)
        }
        try FileManager.default.createSymbolicLink(
          atPath: file.path, withDestinationPath: "../\(name)")
      }
      let all = message(folder)
      for name in names + ["model.safetensors.index.json"] {
        #expect(all.contains("\(name) (a symbolic link to"), "\(all)")
      }
      #expect(throws: ModelDirectoryError.self) { try LlavaModel.load(from: folder) }
    }
  }

  /// `tokenizer.json` and others need not be there, however the directory is reached.
  @Test func aDirectoryThatIsReachedThroughALink() throws {
    try withCopy { folder in
      let link = folder.deletingLastPathComponent().appending(component: "link")
      try FileManager.default.createSymbolicLink(
        at: link, withDestinationURL: folder.deletingLastPathComponent())
      #expect(message(link.appending(component: folder.lastPathComponent)) == "no error")
    }
  }

  @Test func everyFileWrongAtOnce() throws {
    try withCopy { folder in
      let weights = folder.appending(component: "model.safetensors")
      var arrays = try SafeTensorsFile(reading: weights).tensors()
      arrays[0].tensor = .full(arrays[0].tensor.shape, .infinity)
      let removed = arrays.removeLast().name
      try SafeTensors.write(arrays, to: weights)
      let configuration = folder.appending(component: "config.json")
      try edit(configuration, "\"image_token_index\": 330", "\"image_token_index\": 331")
      try edit(
        folder.appending(component: "preprocessor_config.json"), "\"do_convert_rgb\": true",
        "\"do_convert_rgb\": false")
      try Data("none".utf8).write(to: folder.appending(component: "tokenizer.model"))
      var words = message(folder)
      #expect(words.contains("tokenizer.model: expected a SentencePiece model"), "\(words)")
      #expect(words.contains("do_convert_rgb: found false"), "\(words)")
      #expect(
        words.contains("1 missing: \(removed)") && words.contains("1 unusable: \(arrays[0].name)"), "\(words)"
      )
      try edit(configuration, "\"model_type\": \"llama\"", "\"model_type\": \"gpt2\"")
      words = message(folder)
      #expect(
        words.contains("text_config.model_type: found \"gpt2\", expected one of \"llama\", "), "\(words)")
      #expect(words.contains("1 unusable: \(arrays[0].name)") && !words.contains("missing"), "\(words)")
    }
  }

  @Test func weightsThatCannotBeUsed() throws {
    try withCopy { folder in
      let weights = folder.appending(component: "model.safetensors")
      var arrays = try SafeTensorsFile(reading: weights).tensors()
      arrays[0].tensor = .zeros(arrays[0].tensor.shape, dtype: .int32)
      try SafeTensors.write(arrays, to: weights)
      #expect(message(folder).contains("(int32 values, expected floating point)"))
      let bytes = try Data(contentsOf: weights)
      try bytes.prefix(bytes.count - 10).write(to: weights)
      #expect(message(folder).contains("bytes of data"))
    }
  }

  @Test func imageProcessing() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appending(component: "preprocessor_config.json")
      for pads in [true, false] {
        let configuration = ImageProcessorConfiguration(
          size: 84, mean: [0.5, 0.25, 0.125], standardDeviation: [1, 0.5, 0.25], resampling: .lanczos,
          padsToSquare: pads)
        try configuration.json().write(to: file)
        #expect(try ImageProcessorConfiguration.read(from: file) == configuration)
      }
      try Data(
        #"{"size": 336, "crop_size": {"height": 300, "width": 310}, "do_convert_rgb": false, "resample": 6, "crop_pct": 0.9}"#
          .utf8
      )
      .write(to: file)
      let error = #expect(throws: ModelConfigurationError.self) {
        try ImageProcessorConfiguration.read(from: file)
      }
      #expect(error?.problems.map(\.key) == ["do_convert_rgb", "crop_pct", "crop_size", "resample"])
      try Data("[]".utf8).write(to: file)
      #expect(throws: ModelConfigurationError.self) { try ImageProcessorConfiguration.read(from: file) }
    }
  }

  @Test func adaptersComeBack() throws {
    try withCopy { folder in
      let model = try LlavaModel.load(from: folder)
      try model.loadAdapter(from: Fixtures.url("verification/lora"))
      #expect(model.adapterRank == 2 && model.adapterAlpha == 4)
      let saved = folder.appending(component: "adapter")
      try model.saveAdapter(to: saved, baseModel: "base")
      let name = "adapter_model.safetensors"
      let theirs = try SafeTensorsFile(reading: Fixtures.url("verification/lora/\(name)"))
      let ours = try SafeTensorsFile(reading: saved.appending(component: name))
      #expect(Set(ours.names) == Set(theirs.names))
      for name in ours.names { #expect(try ours.array(name) == theirs.array(name)) }
      let other = try LlavaModel.load(from: folder)
      try other.loadAdapter(from: saved)
      #expect(other.adapterAlpha == 4)
      try SafeTensors.write(
        Array(ours.tensors().dropFirst()) + [("strange", .zeros([1]))], to: saved.appending(component: name))
      let broken = try LlavaModel.load(from: folder)
      let error = #expect(throws: ModelDirectoryError.self) { try broken.loadAdapter(from: saved) }
      #expect(error?.missing.count == 1)
      #expect(error?.unexpected == ["strange"])
      #expect(!broken.hasAdapters)
      try Data(#"{"r": 2, "lora_alpha": 4, "use_dora": 1, "peft_type": "IA3"}"#.utf8)
        .write(to: saved.appending(component: "adapter_config.json"))
      let kind = #expect(throws: ModelConfigurationError.self) { try broken.loadAdapter(from: saved) }
      #expect(kind?.problems.map(\.key) == ["peft_type", "use_dora"])
    }
  }

  /// Loads what was exported with transformers and peft, and prints the largest differences from our numbers.
  private static let script = """
    import sys, json, torch
    from transformers import LlavaForConditionalGeneration
    from safetensors.torch import load_file
    plain, adapter, merged, numbers = sys.argv[1:5]
    n = load_file(numbers)
    load = lambda path: LlavaForConditionalGeneration.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    def logits(m):
        with torch.no_grad():
            return m(input_ids=n["ids"].long(), attention_mask=torch.ones_like(n["ids"]).long(), pixel_values=n["pixels"]).logits[0]
    def report(name, m, key):
        print(name, float((logits(m) - n[key]).abs().max()))
    report("plain", load(plain), "plain")
    report("merged", load(merged), "adapted")
    from peft import PeftModel
    report("peft", PeftModel.from_pretrained(load(plain), adapter).eval(), "adapted")
    """

  @Test(
    .enabled(
      if: PeerPython.has("transformers", "peft", "safetensors"),
      "needs a Python with torch, transformers, peft and safetensors; set PEER_PYTHON"))
  func transformersAndPEFTReadOurs() throws {
    try withCopy { folder in
      let golden = try HDF5File(reading: Fixtures.url("verification/llava.h5"))
      let pixels = try golden.tensor("img2/pixel_values")
      let ids = try golden.tensor("img2/input_ids")
      let model = try LlavaModel.load(from: folder)
      func logits() throws -> Tensor {
        let batch = try PackedBatch(
          [PackedExample(promptIDs: ids.array(of: Int32.self), images: [0, 1])], sharesPrefix: true,
          imageTokenID: Int32(model.configuration.imageTokenIndex),
          features: FeatureLayout(repeating: model.configuration.viewGrid, count: 2))
        return noGradient {
          model.decoder.logits(model.hiddenStates(batch, imageFeatures: model.imageFeatures(pixels)))
        }
      }
      let places = ["plain", "adapter", "merged", "numbers.safetensors"].map {
        folder.appending(component: $0)
      }
      var numbers = [("ids", ids), ("pixels", pixels), ("plain", try logits())]
      try model.save(to: places[0])
      try model.loadAdapter(from: Fixtures.url("verification/lora"))
      numbers.append(("adapted", try logits()))
      try model.saveAdapter(to: places[1], baseModel: places[0].path)
      try model.save(to: places[2])
      try SafeTensors.write(numbers.map { (name: $0.0, tensor: $0.1) }, to: places[3])
      let output = try PeerPython.run(Self.script, places.map(\.path))
      try #require(output.status == 0, "\(output.text)")
      var seen: [String] = []
      for line in output.text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count == 2, ["plain", "merged", "peft"].contains(words[0]), let error = Double(words[1])
        else {
          continue
        }
        seen.append(String(words[0]))
        #expect(error < 2e-4, "\(line)")
      }
      #expect(seen == ["plain", "merged", "peft"], "\(output.text)")
    }
  }
}
