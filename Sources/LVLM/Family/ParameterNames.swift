/// The ways in which the parameters of a family have been named, and how each maps to the names used here:
/// `vision_tower.X`, `multi_modal_projector.X`, `language_model.model.X` and `language_model.lm_head.weight`,
/// whatever the family.
public struct ParameterNames: Sendable {
  /// A naming scheme of a checkpoint.
  public enum Layout: String, CaseIterable, Sendable {
    /// What transformers 5 writes: LLaVA's are what this package calls its parameters.
    case saved
    /// Those of the published checkpoints.
    case published
    /// The names inside transformers 5, which adapters have.
    case inMemory = "in_memory"
    /// The authors' own: of LLaVA the `llava-v1.5` checkpoints.
    case original
  }

  /// What a prefix of names here is called elsewhere. Layouts that are not named have the prefix used here.
  package typealias Row = (ours: String, theirs: [Layout: String])

  private let rows: [Row]
  /// Prefixes of other schemes and what they are here, longest first.
  private let prefixes: [(theirs: String, ours: String)]
  private let isIgnored: @Sendable (String) -> Bool
  /// A regular expression of the modules of the decoder's blocks under the names inside transformers.
  package let decoderPattern: String

  /// A table.
  /// - Parameters:
  ///   - rows: of prefixes that say the same, the first is taken.
  ///   - others: further prefixes that are read and never written.
  ///   - decoderPattern: a regular expression of the modules of the decoder's blocks.
  ///   - isIgnored: parameters of files that are known to be of no use.
  package init(
    _ rows: [Row], others: [(theirs: String, ours: String)] = [],
    decoderPattern: String = ".*language_model.*",
    isIgnored: @escaping @Sendable (String) -> Bool = { _ in false }
  ) {
    self.rows = rows
    self.decoderPattern = decoderPattern
    self.isIgnored = isIgnored
    var seen = Set<String>()
    var result: [(theirs: String, ours: String)] = []
    for layout in Layout.allCases {
      for row in rows {
        let theirs = row.theirs[layout] ?? row.ours
        if seen.insert(theirs).inserted { result.append((theirs, row.ours)) }
      }
    }
    prefixes = (result + others).sorted { ($0.theirs.count, $1.theirs) > ($1.theirs.count, $0.theirs) }
  }

  /// The name used here for a parameter of any scheme; nil for buffers that old files carry along, and for
  /// what the family is known not to need.
  public func canonical(_ name: String) -> String? {
    if name.hasSuffix(".position_ids") || name.hasSuffix(".rotary_emb.inv_freq") || isIgnored(name) {
      return nil
    }
    for (theirs, ours) in prefixes where name.hasPrefix(theirs) {
      return ours + name.dropFirst(theirs.count)
    }
    return name
  }

  /// What a parameter with this name here is called in a scheme.
  public func name(_ canonical: String, in layout: Layout) -> String {
    for row in rows where canonical.hasPrefix(row.ours) {
      return (row.theirs[layout] ?? row.ours) + canonical.dropFirst(row.ours.count)
    }
    return canonical
  }
}
