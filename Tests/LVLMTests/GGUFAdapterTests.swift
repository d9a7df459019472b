import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Adapters in llama.cpp's files: what they add to the weights beneath, in llama.cpp's order of rows.
@Suite struct GGUFAdapterTests: ModelCopies {
  /// What the adapter of a file adds to a matrix.
  static func change(_ file: GGUFFile, _ name: String) throws -> Tensor {
    let alpha = try #require(file.metadata["adapter.lora.alpha"]?.asDouble)
    let (a, b) = (try file.tensor(name + ".lora_a"), try file.tensor(name + ".lora_b"))
    return noGradient { b.matmul(a) * (alpha / Double(b.shape[1])) }
  }

  @Test(arguments: ["verification/lora", "adapters/patterns", "adapters/rslora"])
  func theChangeOfTheWeights(_ name: String) throws {
    let base = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
    let own = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
    try own.model.loadAdapter(from: Fixtures.url(name))
    try Fixtures.withTemporaryDirectory { folder in
      let adapter = try own.model.saveGGUFAdapter(to: folder.appending(component: "adapter"), name: "tiny")
      #expect(adapter.files.map(\.lastPathComponent) == ["adapter-F32.gguf"])
      let file = try GGUFFile(reading: adapter.files[0])
      for (key, text) in [
        ("general.type", "adapter"), ("general.architecture", "llama"), ("adapter.type", "lora"),
        ("general.name", "tiny"),
      ] { #expect(file.metadata[key]?.asString == text) }
      // Both models in llama.cpp's order of rows: their difference is what the adapter adds.
      let files = try [base, own].enumerated().map { index, loaded in
        try GGUFFile(
          reading: loaded.saveGGUF(
            to: folder.appending(component: "\(index)"), name: "x", type: .encoding(.f32)
          ).files[0])
      }
      var changed = 0
      for entry in files[0].entries where entry.shape.count == 2 {
        let difference = noGradient {
          (try? files[1].tensor(entry.name)).map { merged in
            merged - ((try? files[0].tensor(entry.name)) ?? merged)
          }
        }
        let found = try #require(difference)
        guard file.entry(entry.name + ".lora_a") != nil else {
          #expect(found.abs().max().item() == 0, "\(entry.name)")
          continue
        }
        changed += 1
        #expect(try GGUFVisionTests.deviation(Self.change(file, entry.name), found) < 1e-6, "\(entry.name)")
        #expect(found.abs().max().item() > 0)
      }
      #expect(changed * 2 == file.entries.count && changed > 1)
    }
  }

  @Test func halves() throws {
    let own = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
    try own.model.loadAdapter(from: Fixtures.url("verification/lora"))
    try Fixtures.withTemporaryDirectory { folder in
      let export = try own.model.saveGGUFAdapter(to: folder, name: "x", type: .f16)
      #expect(export.files.map(\.lastPathComponent) == ["adapter-F16.gguf"])
      #expect(try GGUFFile(reading: export.files[0]).entries.allSatisfy { $0.encoding == .f16 })
    }
  }

  @Test func whatIsRefused() throws {
    func llava(_ adapter: String?) throws -> VisionLanguageModel {
      let own = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
      if let adapter { try own.model.loadAdapter(from: Fixtures.url("adapters/wild/\(adapter)")) }
      return own.model
    }
    let xComposer = try PretrainedModel.load(from: Fixtures.url("xcomposer/model")).model
    let rows: [(VisionLanguageModel, String)] = [
      (try llava(nil), "the model to write has no adapter"),
      (try llava("dora"), "DoRA, which llama.cpp does not compute"),
      (try llava("saved"), "weights beside its matrices"),
      (try llava("all_linear"), "not of the language model"),
      (xComposer, "\"internlm2\" with partial LoRA"),
    ]
    try Fixtures.withTemporaryDirectory { folder in
      for (model, words) in rows {
        let target = folder.appending(component: "out")
        let found = message { _ = try model.saveGGUFAdapter(to: target, name: "x") }
        #expect(found.contains(words), "\(found)")
        #expect(!FileManager.default.fileExists(atPath: target.path))
      }
    }
  }
}
