import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// What directories of a family say twice or wrongly, and prompts that a model has no embedding for.
@Suite struct FamilyFaultTests {
  private func copy<Result>(_ directory: URL, _ body: (URL) throws -> Result) throws -> Result {
    try Fixtures.withTemporaryDirectory { folder in
      let place = folder.appending(component: "model")
      try FileManager.default.copyItem(at: directory, to: place)
      return try body(place)
    }
  }

  private func edit(_ name: String, in folder: URL, _ change: (inout [String: Any]) -> Void) throws {
    let file = folder.appending(component: name)
    var keys = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
    change(&keys)
    try JSONSerialization.data(withJSONObject: keys).write(to: file)
  }

  @Test func answersOfOneTokenAreAnswers() throws {
    let encoder = try SmolVLMFixture.load().encoder
    let example = try encoder.example(question: "Yes or no?", images: [], answers: ["A", "b"])
    #expect(example.completions.allSatisfy { $0.count >= 2 })
    #expect(throws: PromptError.emptyAnswer(index: 0, prompt: "Why?")) {
      try encoder.example(question: "Why?", images: [], answers: ["\n"])
    }
  }

  @Test func marksWithoutAnEmbeddingAreRefused() throws {
    let loaded = try PretrainedModel.load(from: XComposerGolden.modelDirectory, template: .chatML)
    let words = message { _ = try loaded.encoder.example(question: "Why?", images: []) }
    #expect(words.hasPrefix("token <|im_"), "\(words)")
    #expect(words.contains("expected one of the 363 that the model embeds"), "\(words)")
  }

  @Test func aTowerStandsInOnePlace() throws {
    try copy(XComposerGolden.modelDirectory) { folder in
      try FileManager.default.copyItem(
        at: folder.appending(component: "internlm-xcomposer2d5-clip"),
        to: folder.appending(component: "IXC2d5_clip_l_560"))
      let words = message { _ = try PretrainedModel.load(from: folder) }
      #expect(
        words.contains("found the tower in internlm-xcomposer2d5-clip and in IXC2d5_clip_l_560"), "\(words)")
    }
  }

  @Test func namesOfTheImageTokenAgree() throws {
    try copy(OneVision.directory) { folder in
      try edit("config.json", in: folder) { $0["image_token_id"] = 5 }
      let words = message { _ = try PretrainedModel.load(from: folder) }
      #expect(words.contains("image_token_id: found 5, expected 403"), "\(words)")
    }
  }

  @Test func picklesBesideTheirShardsAreRefused() throws {
    try copy(SmolVLMFixture.directory) { folder in
      try FileManager.default.removeItem(at: folder.appending(component: "model.safetensors"))
      let place = Fixtures.url("pytorch/views.bin")
      for name in ["pytorch_model.bin", "pytorch_model-00001-of-00001.bin"] {
        try FileManager.default.copyItem(at: place, to: folder.appending(component: name))
      }
      try Data(#"{"weight_map": {"float": "pytorch_model-00001-of-00001.bin"}}"#.utf8)
        .write(to: folder.appending(component: "pytorch_model.bin.index.json"))
      let words = message { _ = try PretrainedModel.load(from: folder) }
      #expect(words.contains("pytorch_model.bin (weights beside those of pytorch_model-00001"), "\(words)")
    }
  }
}
