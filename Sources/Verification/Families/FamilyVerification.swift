import Foundation
import LVLM
import Tensor

/// Compares a model of a family that cuts pictures into views with what a reference implementation stored.
enum FamilyVerification {
  static func run(
    _ url: URL, emit: @escaping @Sendable (Comparison) -> Void
  ) throws -> VerificationReport {
    let folder = try FamilyFolder(url)
    var report = VerificationReport(emit: emit)
    // A model that cannot be loaded is one error, not a failure of everything that needs it.
    _ = try folder.open()
    for name in folder.unknown { report.fail(name, "unknown, nothing to compare it with") }
    for (name, companion) in folder.unaccompanied {
      report.fail(name, "nothing to compare it with: no \(companion)")
    }
    let pictures = try FamilyPictures(folder)
    let images = FamilyImages(folder: folder, pictures: pictures)
    func part(_ names: [String], _ body: (inout VerificationReport) throws -> Void) {
      folder.part(names, in: &report, body)
    }
    part(["preprocess.h5", "preprocess.json", "images"]) { try images.compareViews(&$0) }
    if folder.isXComposer {
      try XComposerVerification(folder: folder, pictures: pictures).run(&report)
    } else {
      part(["tokenizer_cases.json"]) { try FamilyTexts.compareWords(folder, &$0) }
      part(["prompts.json", "images"]) { try FamilyTexts.comparePrompts(folder, pictures, &$0) }
    }
    part(["pictures.h5"]) { try images.compareFeatures(&$0) }
    part(["pictures.h5"]) { try images.compareMasked(&$0) }
    part([folder.passes, "pictures.h5"]) { try PassVerification(folder, pictures).run(&$0) }
    part(["dpo_step.h5", "ref.safetensors", "pictures.h5"]) { report in
      try StepVerification.run(folder, &report) { try batch($0, $1, pictures) }
    }
    part(["lora.h5", "dpo_step.h5", "pictures.h5"]) { try compareAdapters(folder, pictures, &$0) }
    part(["bf16.h5", folder.passes, "pictures.h5"]) { try compareOthers(folder, pictures, &$0) }
    pictures.arrays.reportUnknown(in: &report)
    return report
  }

  /// The pairs of `dpo_step.h5` with the stored views of their pictures.
  private static func batch(
    _ arrays: GoldenArrays, _ configuration: any FamilyConfiguration, _ pictures: FamilyPictures
  ) throws -> StepBatch {
    let counts = try arrays.integers("batch/images_per_prompt").map(Int.init)
    let (pixels, layout) = try pictures.stored(try pictures.shown(arrays, on: "batch", counts: counts))
    if configuration is XComposerConfiguration { XComposerVerification.acknowledge(arrays) }
    return try StepBatch(arrays, configuration, pixels: pixels, layout: layout)
  }

  private static func compareAdapters(
    _ folder: FamilyFolder, _ pictures: FamilyPictures, _ report: inout VerificationReport
  ) throws {
    let arrays = try GoldenArrays(folder.file("lora.h5"))
    let steps = try GoldenArrays(folder.file("dpo_step.h5"))
    let passes = try GoldenArrays(folder.file(folder.passes))
    for adapter in folder.adapters {
      report.part(adapter) { report in
        let group = adapter == "lora" ? "" : String(adapter.dropFirst("lora_".count))
        let models = try AdapterVerification.run(
          folder, adapter, arrays, group: group, batch: { try batch(steps, $0, pictures) }, in: &report)
        for name in arrays.names(in: group) where arrays.has("\(group)/\(name)/tail_logits") {
          let results = try PrecisionPair { dtype in
            ["tail_logits": try tail(models[dtype], name, passes, pictures)]
          }
          try results.compare(with: arrays, under: "\(group)/\(name)", in: &report)
        }
      }
    }
    arrays.reportUnknown(in: &report)
  }

  /// The same model as others write it, in its type.
  private static func compareOthers(
    _ folder: FamilyFolder, _ pictures: FamilyPictures, _ report: inout VerificationReport
  ) throws {
    let arrays = try GoldenArrays(folder.file("bf16.h5"))
    let passes = try GoldenArrays(folder.file(folder.passes))
    for other in folder.others {
      report.part(other.lastPathComponent) { report in
        let models = try ModelPair { dtype in
          let model = try PretrainedModel.load(from: other).model
          model.convert(to: dtype)
          return model
        }
        for name in arrays.names(in: "") where arrays.has("\(name)/tail_logits") {
          let results = try PrecisionPair { dtype in
            ["tail_logits": try tail(models[dtype], name, passes, pictures)]
          }
          try results.compare(with: arrays, under: name, in: &report)
        }
      }
    }
    arrays.reportUnknown(in: &report)
  }

  /// The logits at the end of a prompt and in its answer.
  private static func tail(
    _ model: VisionLanguageModel, _ name: String, _ passes: GoldenArrays, _ pictures: FamilyPictures
  ) throws -> Tensor {
    let (pixels, layout) = try pictures.stored(try pictures.shown(passes, on: name))
    let ids = try passes.integers("\(name)/input_ids")
    let prompt = Int(try passes.requiredNumber("prompt_length", on: name))
    return try noGradient {
      let features = model.imageFeatures(pixels.to(model.decoder.headWeight.dtype), layout: layout)
      let batch = try PackedBatch(
        [PackedExample(promptIDs: ids, images: Array(0..<layout.count))], sharesPrefix: true,
        imageTokenID: Int32(model.configuration.imageTokenIndex), features: layout)
      let hidden = model.hiddenStates(batch, imageFeatures: features)
      return model.decoder.logits(hidden.slice(axis: 0, prompt - 1..<ids.count))
    }
  }
}
