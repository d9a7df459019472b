import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing
import Verification

@Suite struct VerificationTests {
  private static let folder = Fixtures.url("verification")

  /// A copy of the folder that a test may change.
  private func withCopy(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let copy = folder.appending(component: "copy")
      try FileManager.default.copyItem(at: Self.folder, to: copy)
      try body(copy)
    }
  }

  /// Adds an array to a file whose root has number attributes.
  private func add(_ path: String, to url: URL) throws {
    let file = try HDF5File(reading: url)
    let arrays = try file.datasets().map { ($0, try file.tensor($0)) }
    let attributes = try file.attributes()
    try HDF5File.write(to: url) { target in
      for (path, tensor) in arrays { try target.write(tensor, to: path) }
      for (name, value) in attributes { try target.setAttribute(name, value) }
      try target.write(.zeros([2]), to: path)
    }
  }

  @Test func completeFolderPasses() throws {
    let report = try Verification.run(Self.folder)
    #expect(report.comparisons.filter { !$0.isPassed }.map(\.description) == [])
    #expect(report.passed > 800)
    #expect(report.summary == "\(report.passed) passed, 0 failed")
    let names = report.comparisons.map(\.name)
    for part in [
      "preprocess.h5 photo_jpg/clip12/pixel_values", "tokenizer_cases.json", "llava.h5 img3/attn_layer1",
      "llava.h5 batch_left/greedy_new_tokens", "dpo_losses.h5 59_sigmoid+bco_pair+sft/loss",
      "dpo_step.h5 nll/grad/", "dpo_step.h5 plain/train/params/", "lora.h5 grad/",
    ] {
      #expect(names.contains { $0.hasPrefix(part) }, "\(part)")
    }
  }

  @Test func changedWeightFails() throws {
    try withCopy { folder in
      let directory = folder.appending(component: "llava_tiny")
      let model = try LlavaModel.load(from: directory)
      for (name, parameter) in model.namedParameters() where name.hasSuffix("layers.1.mlp.up_proj.weight") {
        parameter.tensor = parameter.tensor * 1.001
      }
      try model.save(to: directory)
      let report = try Verification.run(folder)
      #expect(report.comparisons.contains { $0.name == "llava.h5 img1/logits" && !$0.isPassed })
      #expect(report.comparisons.contains { $0.name == "llava.h5 img1/projected" && $0.isPassed })
    }
  }

  /// A model that no command would open is not verified either.
  @Test func theModelIsOpenedAsByEveryCommand() throws {
    try withCopy { folder in
      let file = folder.appending(components: "llava_tiny", "preprocessor_config.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try Data(text.replacing("\"do_resize\"", with: "\"do_resizing\"").utf8).write(to: file)
      let error = #expect(throws: (any Error).self) { try Verification.run(folder) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("preprocessor_config.json: do_resizing: found"))
    }
  }

  @Test func missingAndUnknownFail() throws {
    try withCopy { folder in
      try FileManager.default.removeItem(at: folder.appending(component: "dpo_losses.h5"))
      try Data("x".utf8).write(to: folder.appending(component: "more.h5"))
      try add("extra", to: folder.appending(component: "lora.h5"))
      let report = try Verification.run(folder)
      let failed = Set(report.comparisons.filter { !$0.isPassed }.map(\.name))
      #expect(failed.isSuperset(of: ["dpo_losses.h5", "more.h5", "lora.h5 extra"]))
    }
  }

  @Test func unknownLossFails() throws {
    try withCopy { folder in
      let url = folder.appending(component: "dpo_losses.h5")
      let file = try HDF5File(reading: url)
      let inputs = try file.datasets(under: "inputs").map { ($0, try file.tensor("inputs/\($0)")) }
      try HDF5File.write(to: url) { target in
        for (name, tensor) in inputs { try target.write(tensor, to: "inputs/\(name)") }
        try target.write(Tensor([1.0]), to: "00_new/loss")
        try target.setAttribute("loss_types", .string("brand_new"), on: "00_new")
        try target.setAttribute("beta", .real(0.1), on: "00_new")
      }
      let report = try Verification.run(folder)
      let failure = try #require(report.comparisons.first { $0.name == "dpo_losses.h5 00_new" })
      #expect(failure.note.contains("brand_new"))
    }
  }

  @Test func shardsAndHalfPrecisionLoad() throws {
    try withCopy { folder in
      // Weights that BFloat16 holds exactly, in two shards: every precision gives the same model.
      let directory = folder.appending(component: "llava_tiny")
      let model = try LlavaModel.load(from: directory)
      for (_, parameter) in model.namedParameters() {
        parameter.tensor = parameter.tensor.to(.bfloat16).to(.float32)
      }
      try model.save(to: directory)
      let single = try LlavaModel.load(from: directory)
      let weights = try SafeTensorsFile(reading: directory.appending(component: "model.safetensors"))
        .tensors()
      try FileManager.default.removeItem(at: directory.appending(component: "model.safetensors"))
      var map: [String: String] = [:]
      for (part, own) in [weights.prefix(20), weights.dropFirst(20)].enumerated() {
        let name = "model-0000\(part + 1)-of-00002.safetensors"
        for entry in own { map[entry.name] = name }
        try SafeTensors.write(
          own.map { ($0.name, $0.tensor.to(.bfloat16)) }, to: directory.appending(component: name))
      }
      try JSONEncoder().encode(["weight_map": map])
        .write(to: directory.appending(component: "model.safetensors.index.json"))
      let sharded = try LlavaModel.load(from: directory)
      for ((name, a), (_, b)) in zip(single.namedParameters(), sharded.namedParameters()) {
        #expect(b.tensor.dtype == .float32)
        #expect(a.tensor.array(of: Float.self) == b.tensor.array(of: Float.self), "\(name)")
      }
    }
  }

  @Test func notAFolderOfExpectedValues() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let error = #expect(throws: VerificationError.self) { try Verification.run(folder) }
      #expect(error?.found == "no folder with a config.json")
      let nowhere = folder.appending(component: "nowhere")
      #expect(throws: VerificationError.self) { try Verification.run(nowhere) }
    }
  }

  @Test func linesOfComparisons() {
    var comparison = Comparison(name: "file part", error: 1.234e-7, allowed: 2e-6)
    #expect(comparison.description == "pass  file part  error 1.23e-7  allowed 2.0e-6")
    comparison.error = .infinity
    comparison.note = "why"
    #expect(comparison.description == "FAIL  file part  error infinite  allowed 2.0e-6  (why)")
    comparison.error = .nan
    #expect(!comparison.isPassed)
  }
}
