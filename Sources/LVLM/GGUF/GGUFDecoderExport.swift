import Checkpoint
import Foundation
import Tensor

extension VisionLanguageModel {
  /// llama.cpp's file of the decoder.
  ///
  /// - Parameter words: the keys of the vocabulary.
  /// - Precondition: ``GGUFExportChecks/requireDecoder()`` found nothing.
  func ggufDecoder(
    name: String, type: GGUFSavedType, words: [(key: String, value: GGUFField)]
  ) -> GGUFPlan {
    let text = configuration.text
    let architecture = GGUFExportChecks.architecture(text) ?? "llama"
    var items = savedWeights().compactMap { weight -> GGUFWriter.Item? in
      guard let theirs = GGUFWeights.name(weight.name) else { return nil }
      let isMatrix = weight.shape.count > 1
      let size = text.interleaves(weight.name) ? text.headSize : nil
      return GGUFWriter.Item(
        name: theirs, shape: weight.shape, encoding: isMatrix ? type.encoding(of: weight) : .f32
      ) {
        let value = weight.value()
        return size.map { headSize in noGradient { value.interleaved(headSize: headSize) } } ?? value
      }
    }
    if case .llama3 = text.ropeScaling { items.append(text.ropeFactors) }
    var plan = GGUFPlan(metadata: [], items: items)
    plan.metadata = GGUFPlan.general(
      architecture: architecture, type: "model", name: name, fileType: plan.usual)
    plan.metadata += text.ggufFields(architecture) + words
    return plan
  }
}

extension TextConfiguration {
  /// Whether a parameter has rows that llama.cpp stores for rotary pairs of neighbours: those of LLaMA's
  /// architecture.
  func interleaves(_ name: String) -> Bool {
    (family == .llama || family == .mistral) && (name.contains(".q_proj.") || name.contains(".k_proj."))
  }

  /// The keys of the architecture.
  fileprivate func ggufFields(_ architecture: String) -> [(key: String, value: GGUFField)] {
    let sizes = [
      ("vocab_size", vocabularySize), ("context_length", contextLength), ("embedding_length", hiddenSize),
      ("block_count", hiddenLayerCount), ("feed_forward_length", intermediateSize),
      ("attention.head_count", attentionHeadCount), ("attention.head_count_kv", keyValueHeadCount),
      ("attention.key_length", headSize), ("attention.value_length", headSize),
      ("rope.dimension_count", headSize),
    ]
    var fields: [(key: String, value: GGUFField)] = sizes.map { ($0.0, .uint32(UInt32($0.1))) }
    fields.append(("attention.layer_norm_rms_epsilon", .float32(Float(rmsNormEpsilon))))
    fields.append(("rope.freq_base", .float32(Float(ropeTheta))))
    switch ropeScaling {
    case .none, .dynamic, .llama3: break
    case .linear(let factor):
      fields.append(("rope.scaling.type", .string("linear")))
      fields.append(("rope.scaling.factor", .float32(Float(factor))))
    case .yarn(let numbers):
      fields.append(("rope.scaling.type", .string("yarn")))
      fields.append(("rope.scaling.factor", .float32(Float(numbers.factor))))
      fields.append(("rope.scaling.original_context_length", .uint32(UInt32(numbers.originalContext))))
    }
    return fields.map { ("\(architecture).\($0.key)", $0.value) }
  }

  /// What each angle is divided by, the form that LLaMA 3's rule has in these files.
  fileprivate var ropeFactors: GGUFWriter.Item {
    let plain = RotaryAngles(base: ropeTheta, dim: headSize).frequencies
    let factors = zip(plain, rotaryAngles.frequencies).map { Float($0 / $1) }
    return GGUFWriter.Item(name: "rope_freqs.weight", shape: [factors.count], encoding: .f32) {
      Tensor(factors)
    }
  }
}

extension Tensor {
  /// Rows of queries and keys for rotary pairs of halves, in the order for pairs of neighbours: `permute` of
  /// llama.cpp's converter. `[heads · head size, …]`.
  func interleaved(headSize: Int) -> Tensor {
    let columns = count / shape[0]
    return reshaped([shape[0] / headSize, 2, headSize / 2, columns]).permuted([0, 2, 1, 3]).reshaped(shape)
  }
}
