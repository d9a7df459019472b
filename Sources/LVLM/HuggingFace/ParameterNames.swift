/// The ways in which LLaVA's parameters have been named, and how each maps to the names used here.
public enum ParameterNames {
  /// A naming scheme of a checkpoint.
  public enum Layout: String, CaseIterable, Sendable {
    /// What transformers 5 writes, and what this package calls its parameters: `vision_tower.X`,
    /// `language_model.model.X`, `language_model.lm_head.weight`.
    case saved
    /// The published `llava-hf` checkpoints: `vision_tower.vision_model.X`, the rest as in ``saved``.
    case published
    /// The names inside transformers 5: `model.vision_tower.X`, `model.language_model.X`, `lm_head.weight`.
    case inMemory = "in_memory"
    /// The original `llava-v1.5` checkpoints: `model.layers.X`, `model.mm_projector.0`, `lm_head.weight`.
    case original
  }

  private static let table: [(ours: String, theirs: [Layout: String])] = [
    (
      "vision_tower.",
      [
        .published: "vision_tower.vision_model.", .inMemory: "model.vision_tower.",
        .original: "model.vision_tower.vision_tower.vision_model.",
      ]
    ),
    (
      "multi_modal_projector.linear_1.",
      [.inMemory: "model.multi_modal_projector.linear_1.", .original: "model.mm_projector.0."]
    ),
    (
      "multi_modal_projector.linear_2.",
      [.inMemory: "model.multi_modal_projector.linear_2.", .original: "model.mm_projector.2."]
    ),
    ("language_model.lm_head.", [.inMemory: "lm_head.", .original: "lm_head."]),
    ("language_model.model.", [.inMemory: "model.language_model.", .original: "model."]),
  ]

  /// Prefixes of other schemes and what they are here, longest first.
  private static let prefixes: [(theirs: String, ours: String)] = {
    var seen = Set<String>()
    var result: [(theirs: String, ours: String)] = []
    for layout in Layout.allCases {
      for row in table {
        let theirs = row.theirs[layout] ?? row.ours
        if seen.insert(theirs).inserted { result.append((theirs, row.ours)) }
      }
    }
    // Wrapped towers (`model.vision_tower.vision_model.`) appear between releases.
    result.append(("model.vision_tower.vision_model.", "vision_tower."))
    return result.sorted { ($0.theirs.count, $1.theirs) > ($1.theirs.count, $0.theirs) }
  }()

  /// The name used here for a parameter of any scheme; nil for buffers that old files carry along.
  public static func canonical(_ name: String) -> String? {
    if name.hasSuffix(".position_ids") || name.hasSuffix(".rotary_emb.inv_freq") { return nil }
    for (theirs, ours) in prefixes where name.hasPrefix(theirs) {
      return ours + name.dropFirst(theirs.count)
    }
    return name
  }

  /// What a parameter with this name here is called in a scheme.
  public static func name(_ canonical: String, in layout: Layout) -> String {
    for row in table where canonical.hasPrefix(row.ours) {
      return (row.theirs[layout] ?? row.ours) + canonical.dropFirst(row.ours.count)
    }
    return canonical
  }
}
