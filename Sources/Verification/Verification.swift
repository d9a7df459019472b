import Foundation
import LVLM
import Tensor

/// Compares this package with values that a reference implementation stored in a folder.
///
/// The folder holds a Hugging Face LLaVA directory and any of: forward passes and generation (`llava.h5`),
/// preference losses (`dpo_losses.h5`), a DPO step and three steps of training (`dpo_step.h5`,
/// `ref.safetensors`), an adapter (`lora/`, `lora.h5`), pictures (`images/`, `preprocess.h5`,
/// `preprocess.json`) and texts (`tokenizer_cases.json`). What is missing, and what is there but not known,
/// is a failure. Folders of other families hold a model of theirs, passes of their names (`smolvlm.h5`,
/// `onevision.h5`, `xc.h5`), `pictures.h5` and the rest likewise.
public enum Verification {
  /// Runs every comparison.
  ///
  /// - Parameters:
  ///   - folder: the folder.
  ///   - emit: called with each comparison as it is made.
  /// - Throws: ``VerificationError`` when the folder holds no model directory, or what loading the model
  ///   throws.
  public static func run(
    _ folder: URL, emit: @escaping @Sendable (Comparison) -> Void = { _ in }
  ) throws -> VerificationReport {
    if FamilyFolder.isOne(folder) { return try FamilyVerification.run(folder, emit: emit) }
    let golden = try GoldenFolder(folder)
    var report = VerificationReport(emit: emit)
    // A model that cannot be loaded is one error, not a failure of everything that needs it.
    _ = try golden.open()
    for name in golden.missing { report.fail(name, "missing, expected in a complete folder") }
    for name in golden.unknown { report.fail(name, "unknown, nothing to compare it with") }
    func part(_ names: [String], _ body: (inout VerificationReport) throws -> Void) {
      guard names.allSatisfy({ !golden.missing.contains($0) }) else { return }
      report.part(names[0], body)
    }
    part(["preprocess.h5", "preprocess.json", "images"]) { try ImageVerification.run(golden, &$0) }
    part(["tokenizer_cases.json"]) { try TokenizerVerification.run(golden, &$0) }
    part(["llava.h5"]) { try ForwardVerification.run(golden, &$0) }
    part(["dpo_losses.h5"]) { try LossVerification.run(golden, &$0) }
    part(["dpo_step.h5", "ref.safetensors"]) { try StepVerification.run(golden, &$0) }
    part(["lora.h5", "lora", "dpo_step.h5"]) { try AdapterVerification.run(golden, &$0) }
    return report
  }
}
