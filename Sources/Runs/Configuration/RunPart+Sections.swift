import Records

extension RunPart {
  /// The parts that read the keys of a section whose rows do not say otherwise.
  static func readers(ofSection section: Substring) -> Set<RunPart> {
    switch section {
    case "run", "data": [.sft, .compose, .questions]
    case "model", "tokenizer": [.sft]
    case "evaluate": [.before, .evaluate]
    default: RunPart(rawValue: String(section)).map { [$0] } ?? []
    }
  }
}
