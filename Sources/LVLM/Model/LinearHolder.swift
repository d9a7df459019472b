import Tensor

/// A module whose linear layers can be replaced where they lie: by adapters, by quantised weights.
protocol LinearHolder: Module {
  /// Puts what the closure returns in the place of each linear layer, in the order of visiting.
  func replaceLinears(_ replacement: (Linear) -> Linear)
}

extension VisionLanguageModel {
  /// Replaces every linear layer of the vision encoder, of the connector and of the decoder's blocks.
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for case let holder as any LinearHolder in modules() { holder.replaceLinears(replacement) }
  }
}

extension DecoderBlock: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for (_, path) in linears { self[keyPath: path] = replacement(self[keyPath: path]) }
  }
}

extension VisionAttention: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for path in [\VisionAttention.key, \.value, \.query, \.output] {
      self[keyPath: path] = replacement(self[keyPath: path])
    }
  }
}

extension VisionPerceptron: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for path in [\VisionPerceptron.first, \.second] {
      self[keyPath: path] = replacement(self[keyPath: path])
    }
  }
}

extension MultiModalProjector: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for path in [\MultiModalProjector.first, \.second] {
      self[keyPath: path] = replacement(self[keyPath: path])
    }
  }
}

extension SmolVLMConnector: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) { projection = replacement(projection) }
}

extension OneVisionConnector: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) { projector.replaceLinears(replacement) }
}

extension XComposerConnector: LinearHolder {
  func replaceLinears(_ replacement: (Linear) -> Linear) {
    for path in [\XComposerConnector.first, \.second] {
      self[keyPath: path] = replacement(self[keyPath: path])
    }
  }
}
