public import Foundation
import Checkpoint
import Tensor

extension VisionLanguageModel {
  /// Writes the adapters as llama.cpp's file of a low-rank adapter, `adapter-TYPE.gguf`, for the language
  /// model that ``PretrainedModel/saveGGUF(to:name:type:)`` writes or llama.cpp's own converter.
  ///
  /// Such a file has one numerator of the scale. Where modules differ in it, `lora_b` has the quotient.
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - name: `general.name`.
  ///   - type: F32, F16 or BF16.
  /// - Throws: ``ModelDirectoryError`` for what such a file does not hold, ``ModelConfigurationError`` for a
  ///   decoder that llama.cpp does not compute, before anything is written; `CheckpointError`.
  public func saveGGUFAdapter(
    to directory: URL, name: String, type: GGUFEncoding = .f32
  ) throws -> GGUFExport {
    var checks = GGUFExportChecks(configuration)
    checks.requireDecoder()
    guard checks.problems.isEmpty else { throw checks.error(directory) }
    guard let first = adapters.first else {
      throw ModelDirectoryError(
        file: directory.path, missing: ["lora_A.weight of any layer: the model to write has no adapter"])
    }
    let problems = unholdable
    guard problems.isEmpty else { throw ModelDirectoryError(file: directory.path, unusable: problems) }
    let text = configuration.text
    let items = adapterModules.flatMap { module, adapter -> [GGUFWriter.Item] in
      let theirs = GGUFWeights.name(module + ".weight") ?? module
      let size = text.interleaves(module + ".") ? text.headSize : nil
      let (a, b) = (adapter.loraA.tensor.detached(), adapter.loraB.tensor.detached())
      return [
        GGUFWriter.Item(name: theirs + ".lora_a", shape: a.shape, encoding: type) { a },
        GGUFWriter.Item(name: theirs + ".lora_b", shape: b.shape, encoding: type) {
          noGradient {
            let scaled = adapter.alpha == first.alpha ? b : b * (adapter.alpha / first.alpha)
            return size.map { scaled.interleaved(headSize: $0) } ?? scaled
          }
        },
      ]
    }
    let architecture = GGUFExportChecks.architecture(text) ?? "llama"
    let plan = GGUFPlan(
      metadata: GGUFPlan.general(architecture: architecture, type: "adapter", name: name) + [
        ("adapter.type", .string("lora")), ("adapter.lora.alpha", .float32(Float(first.alpha))),
      ], items: items)
    let file = directory.appending(component: "adapter-\(type.name).gguf")
    try GGUFPlan.write([plan], to: [file])
    return GGUFExport(files: [file], notes: checks.notes)
  }

  /// What of the adapters llama.cpp's file does not hold.
  private var unholdable: [String] {
    if hasAdaptedRest {
      return ["the adapter (it came with weights beside its matrices, which only merged weights hold)"]
    }
    return adapterModules.compactMap { module, adapter in
      if adapter.magnitude != nil { return "\(module) (DoRA, which llama.cpp does not compute; merge it)" }
      guard module.hasPrefix("language_model.") else {
        return "\(module) (not of the language model, all that such an adapter changes; merge it)"
      }
      return nil
    }
  }
}
