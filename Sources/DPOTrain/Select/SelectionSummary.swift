import MultiImageData
import Records

/// How many candidates of each format became pairs, like the paper's data table (table 8: total and by
/// format).
public struct SelectionSummary: Sendable, Equatable {
  /// The candidates of one format.
  public struct Kind: Sendable, Equatable {
    /// How the images are shown.
    public var kind: QuestionKind
    /// Prompts.
    public var candidates: Int
    /// Prompts whose greedy answer is right.
    public var right: Int
    /// Candidates by what became of them.
    public var outcomes: [SelectionOutcome: Int]
    /// Pairs.
    public var pairs: Int { outcomes[.kept, default: 0] }
    /// Pairs that perplexity, lengths or edit distance dropped.
    public var cut: Int {
      [.perplexity, .lengthRatio, .chosenLength, .editDistance].reduce(0) { $0 + outcomes[$1, default: 0] }
    }
  }

  /// Formats that have candidates, in their usual order.
  public var kinds: [Kind]

  /// Counts candidates.
  public init(_ rows: [CandidateRow]) {
    kinds = QuestionKind.allCases.compactMap { kind in
      let own = rows.filter { $0.kind == kind }
      guard !own.isEmpty else { return nil }
      return Kind(
        kind: kind, candidates: own.count, right: own.count(where: \.answeredRight),
        outcomes: own.reduce(into: [:]) { $0[$1.outcome, default: 0] += 1 })
    }
  }

  /// The content of `select/summary.json`.
  package func json(_ quality: SelectionQuality) -> OrderedJSON {
    .object(
      kinds.map { kind in
        .init(
          kind.kind.rawValue,
          .object(
            [.init("candidates", .integer(kind.candidates))]
              + SelectionOutcome.allCases.map { outcome in
                .init(outcome.rawValue, .integer(kind.outcomes[outcome, default: 0]))
              }))
      } + [.init("quality", quality.json)])
  }

  /// One row per format and one for all: prompts, right answers, what selection and post-selection dropped,
  /// pairs.
  public var table: TextTable {
    func row(_ title: String, _ part: [Kind]) -> [String] {
      func sum(_ count: (Kind) -> Int) -> Int { part.reduce(0) { $0 + count($1) } }
      let (pairs, cut) = (sum(\.pairs), sum(\.cut))
      return [
        title, "\(sum(\.candidates))", "\(sum(\.right))",
        "\(sum { $0.outcomes[.notText, default: 0] })", "\(sum { $0.outcomes[.overThreshold, default: 0] })",
        "\(cut)", Format.percent(Double(cut) / Double(max(cut + pairs, 1))), "\(pairs)",
        Format.percent(Double(pairs) / Double(max(sum(\.candidates), 1))),
      ]
    }
    return TextTable(
      header: [
        "", "prompts", "answered right", "not text", "R over τ", "cut by post-selection", "of the pairs, %",
        "pairs",
        "of the prompts, %",
      ], rows: [row("Total", kinds)] + kinds.map { row($0.kind.title, [$0]) })
  }
}
