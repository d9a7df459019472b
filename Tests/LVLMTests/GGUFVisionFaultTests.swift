import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Projector files that are not what they should be: one sentence that names the file and what is wrong.
@Suite struct GGUFVisionFaultTests {
  private typealias Family = GGUFVisionTests.Family

  private static func value(_ text: String) -> (type: UInt32, bytes: Data) {
    (8, withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Data($0) } + Data(text.utf8))
  }

  private static func value(_ flag: Bool) -> (type: UInt32, bytes: Data) { (7, Data([flag ? 1 : 0])) }

  private static func value(_ numbers: [Float]) -> (type: UInt32, bytes: Data) {
    var bytes = withUnsafeBytes(of: UInt32(6).littleEndian) { Data($0) }
    bytes += withUnsafeBytes(of: UInt64(numbers.count).littleEndian) { Data($0) }
    for number in numbers {
      bytes += withUnsafeBytes(of: number.bitPattern.littleEndian) { Data($0) }
    }
    return (9, bytes)
  }

  private static func value(_ numbers: [Int32]) -> (type: UInt32, bytes: Data) {
    var bytes = withUnsafeBytes(of: UInt32(5).littleEndian) { Data($0) }
    bytes += withUnsafeBytes(of: UInt64(numbers.count).littleEndian) { Data($0) }
    for number in numbers { bytes += withUnsafeBytes(of: number.littleEndian) { Data($0) } }
    return (9, bytes)
  }

  /// What opening says once a projector was changed.
  private func message(
    of family: GGUFVisionTests.Family = .llava, _ change: (inout EditedGGUF) throws -> Void
  ) throws -> String {
    try Fixtures.withTemporaryDirectory { folder in
      var file = try EditedGGUF(Family.file("\(family.rawValue)/mmproj-f32"))
      try change(&file)
      let url = folder.appending(component: "changed.gguf")
      try file.encoded().write(to: url)
      let model = family == .llava ? "llava/model-f32" : "smolvlm/model-f16"
      do {
        _ = try PretrainedModel.load(from: Family.file(model), projector: url)
        return "no error"
      } catch {
        let text = "\(error)"
        #expect(text.contains("changed.gguf"), "\(text)")
        return text
      }
    }
  }

  private func message(
    _ key: String, _ value: (type: UInt32, bytes: Data)?, of family: GGUFVisionTests.Family = .llava
  ) throws -> String {
    try message(of: family) { file in
      file.values.removeAll { $0.key == key }
      if let value { file.values.append(.init(key: key, type: value.type, bytes: value.bytes)) }
    }
  }

  @Test func kindsOfProjectors() throws {
    let key = "clip.projector_type"
    #expect(
      try message(key, Self.value("ldp")).contains(
        "\(key): found \"ldp\", expected \"mlp\" or \"idefics3\""))
    #expect(
      try message(key, nil, of: .smolvlm).contains("\(key): found nothing, expected \"mlp\" or \"idefics3\""))
    // Files of the first months say nothing.
    #expect(try message(key, nil) == "no error")
    #expect(
      try message("clip.has_audio_encoder", Self.value(true)).contains(
        "clip.has_audio_encoder: found true, expected false: sounds are not read here"))
    #expect(
      try message("clip.vision.mm_patch_merge_type", Self.value("spatial_unpad")).contains(
        "clip.vision.mm_patch_merge_type: found \"spatial_unpad\", expected \"flat\""))
    #expect(
      try message("clip.vision.image_grid_pinpoints", Self.value([336, 672] as [Int32])).contains(
        "clip.vision.image_grid_pinpoints: found [336, 672], expected []"))
    #expect(
      try message("clip.vision.window_size", Self.value([1] as [Int32])).contains(
        "clip.vision.window_size: found [1], expected no such key"))
    #expect(
      try message("tokenizer.ggml.model", Self.value("llama")).contains(
        "tokenizer.ggml.model: found \"llama\", expected no such key"))
  }

  @Test func sizesAndNumbers() throws {
    let vision = "clip.vision."
    #expect(
      try message(vision + "image_std", Self.value([0.5, 0.5, 0] as [Float])).contains(
        "image_std: found [0.5, 0.5, 0.0], expected 3 numbers above 0"))
    #expect(
      try message(vision + "image_mean", Self.value([0.5, 0.5] as [Float])).contains(
        "expected 3 numbers from 0 to 1"))
    #expect(try message(vision + "image_mean", nil).contains("image_mean: found nothing"))
    #expect(
      try message(vision + "attention.layer_norm_epsilon", nil).contains(
        "layer_norm_epsilon: found nothing, expected a positive number"))
    for (key, number, words) in [
      ("block_count", 2, "found 2, expected 1, the blocks that"),
      ("block_count", UInt64(1) << 40, "expected a whole number from 1 to 4096"),
      ("image_size", 18, "v.position_embd.weight: found [5, 24], expected [10, 24]"),
      ("image_size", 13, "patch_size: found 6, expected a divisor of clip.vision.image_size (13)"),
      ("patch_size", 4, "v.patch_embd.weight: found [24, 3, 6, 6], expected [24, 3, 4, 4]"),
      ("attention.head_count", 5, "expected a divisor of clip.vision.embedding_length (24)"),
      ("feed_forward_length", 24, "which of ffn_up and ffn_down comes first"),
      ("feed_forward_length", 48, "v.blk.0.ffn_down.weight: found [40, 24], expected [48, 24]"),
    ] {
      let found = try message { $0.set(vision + key, number) }
      #expect(found.contains(words), "\(key) \(number): \(found)")
    }
    #expect(
      try message(of: .smolvlm) { $0.set(vision + "projector.scale_factor", 2) }.contains(
        "mm.model.fc.weight: found [48, 288], expected [48, 128]"))
    #expect(
      try message(vision + "projector.scale_factor", nil, of: .smolvlm)
        .contains("scale_factor: found nothing"))
    #expect(
      try message(of: .smolvlm) { $0.set(vision + "projection_dim", 64) }.contains(
        "projection_dim: found 64, expected 48, the language model's embedding_length"))
    #expect(
      try message(of: .smolvlm) { $0.set(vision + "preproc_image_size", 16_000) }.contains(
        "tokens for one picture, expected fewer than the language model's context_length (2048)"))
    #expect(
      try message { file in
        for key in ["clip.use_gelu", "clip.use_silu"] {
          file.values.removeAll { $0.key == key }
          let flag = Self.value(true)
          file.values.append(.init(key: key, type: flag.type, bytes: flag.bytes))
        }
      }.contains("clip.use_silu: found true, expected false, as clip.use_gelu is true"))
  }

  @Test func featureLayers() throws {
    let key = "clip.vision.feature_layer"
    #expect(try message(key, Self.value([1] as [Int32])) == "no error")
    #expect(
      try message(key, Self.value([0, 1] as [Int32])).contains(
        "\(key): found [0, 1], expected one hidden state of 1 blocks: 0 to 1"))
    #expect(try message(key, Self.value([2] as [Int32])).contains("\(key): found [2]"))
  }

  @Test func tensors() throws {
    func renamed(_ old: String, _ new: String) throws -> String {
      try message { file in
        let index = try #require(file.infos.firstIndex { $0.name == old })
        file.infos[index].name = new
      }
    }
    let found = try renamed("v.blk.0.ln1.bias", "v.blk.0.ln7.bias")
    #expect(found.contains("1 missing: v.blk.0.ln1.bias"))
    #expect(found.contains("1 unexpected: v.blk.0.ln7.bias"))
    // The norm behind all blocks is none of LLaVA's.
    #expect(try renamed("v.pre_ln.bias", "v.post_ln.bias").contains("1 unexpected: v.post_ln.bias"))
    #expect(try renamed("mm.2.weight", "mm.3.weight").contains("1 missing: mm.2.weight"))
    #expect(
      try message { file in
        let entry = try #require(file.infos.first { $0.name == "mm.2.bias" })
        let start = file.data.startIndex + Int(entry.offset)
        file.data.replaceSubrange(start..<start + 4, with: [0, 0, 0xC0, 0x7F])
      }.contains("1 unusable: mm.2.bias (not all values are finite)"))
  }

  @Test func filesInTheWrongPlace() throws {
    func message(_ model: URL, _ projector: URL?) -> String {
      do {
        _ = try PretrainedModel.load(from: model, projector: projector)
        return "no error"
      } catch { return "\(error)" }
    }
    let (model, projector) = (Family.file("llava/model-f32"), Family.file("llava/mmproj-f32"))
    #expect(
      message(model, model).contains(
        "general.architecture: found \"llama\", expected \"clip\", that of a projector (mmproj)"))
    #expect(
      message(projector, nil).contains(
        "general.architecture: found \"clip\", a projector, expected the language model"))
    #expect(
      message(Family.file("smolvlm/model-f16"), projector).contains(
        "mm.0.weight: found [32, 24], expected [48, 24]"))
    #expect(message(Family.llava.directory, projector).contains("expected a GGUF file as the model"))
    #expect(message(model, Family.file("none")).contains("none.gguf"))
  }
}
