import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// The tiny SmolVLM and what the reference implementation computes with it.
enum SmolVLMFixture {
  static let directory = Fixtures.url("smolvlm")
  static let imageID: Int32 = 364

  static func golden(_ name: String) throws -> Golden {
    try Golden(at: Fixtures.url("smolvlm/golden/\(name)"))
  }

  static func load() throws -> PretrainedModel { try PretrainedModel.load(from: directory) }

  static func text(_ name: String, on path: String, in golden: Golden) throws -> String {
    guard case .string(let value)? = try golden.file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: golden.file.url.path, at: path, found: "no text \(name)")
    }
    return value
  }

  static func number(_ name: String, on path: String, in golden: Golden) throws -> Int {
    guard case .integer(let value)? = try golden.file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: golden.file.url.path, at: path, found: "no number \(name)")
    }
    return Int(value)
  }

  /// The views and grids of pictures that are read in one of the ways of the reference, names with commas
  /// between them.
  static func pictures(_ names: String, mode: String) throws -> (pixels: Tensor?, layout: FeatureLayout) {
    guard !names.isEmpty else { return (nil, FeatureLayout([])) }
    let processor = try SmolVLMPictureTests.processor(mode)
    let pictures = try names.split(separator: ",").map { try SmolVLMPictureTests.picture(String($0)) }
    let grids = pictures.map {
      processor.geometry.grid(width: $0.width, height: $0.height, isAlone: pictures.count == 1)
    }
    let pixels = pictures.map { processor.pixels($0, isAlone: pictures.count == 1) }
    return (Tensor.concatenated(pixels, axis: 0), FeatureLayout(grids))
  }
}

/// A prompt with its pictures and an answer.
struct SmolVLMCase {
  let golden: Golden
  let loaded: PretrainedModel
  let name: String
  let ids: [Int32]
  let promptCount: Int
  let pixels: Tensor?
  let layout: FeatureLayout

  init(_ name: String, _ loaded: PretrainedModel) throws {
    let golden = try SmolVLMFixture.golden("smolvlm.h5")
    self.golden = golden
    self.loaded = loaded
    self.name = name
    ids = try golden.integers("\(name)/input_ids")
    promptCount = try SmolVLMFixture.number("prompt_length", on: name, in: golden)
    (pixels, layout) = try SmolVLMFixture.pictures(
      SmolVLMFixture.text("images", on: name, in: golden),
      mode: SmolVLMFixture.text("mode", on: name, in: golden))
  }

  var model: VisionLanguageModel { loaded.model }

  func features() -> ImageFeatures {
    pixels.map { model.imageFeatures($0, layout: layout) }
      ?? ImageFeatures(.zeros([0, model.configuration.text.hiddenSize]), layout: layout)
  }

  /// The first `count` ids as the prompt, those behind them and `extra` as the answer.
  func batch(promptCount count: Int, extra: [Int32] = []) throws -> PackedBatch {
    let answer = Array(ids[count...]) + extra
    return try PackedBatch(
      [
        PackedExample(
          promptIDs: Array(ids[..<count]), images: Array(0..<layout.count),
          completions: answer.isEmpty ? [] : [answer])
      ], sharesPrefix: true, imageTokenID: SmolVLMFixture.imageID, features: layout)
  }
}
