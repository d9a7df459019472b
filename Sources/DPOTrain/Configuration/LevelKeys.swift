import MultiImageData
import Records

/// The keys of questions of levels 2 and 3, by level and format.
extension RunConfiguration.Compose {
  static var levelFields: [ConfigurationField<Self>] {
    [
      .mix(
        "compare", \.compare, from: comparedCounts,
        "Prompts about sequences that compare two named pictures (level 2 of arXiv 2604.18512), by number "
          + "of images; half of the answers are yes."),
      .mix(
        "compare_grid", \.compareGrid, from: comparedGridCounts, "The same about grids, by number of cells."),
      .mix(
        "find", \.find, from: sequenceCounts,
        "Prompts about sequences that ask which picture fits a description (level 3), by number of images."),
      .mix("find_grid", \.findGrid, from: gridCounts, "The same about grids, by number of cells."),
    ]
  }
}

extension RunConfiguration.Evaluate {
  /// The questions of both levels, each with its key and the numbers of pictures they are divided over.
  var levels: [(key: String, level: PromptLevel, kind: CompositionKind, count: Int, counts: [Int])] {
    [
      ("compare", .compare, .sequence, compare, sequenceCounts),
      ("compare_grid", .compare, .grid, compareGrid, gridCounts),
      ("find", .find, .sequence, find, sequenceCounts), ("find_grid", .find, .grid, findGrid, gridCounts),
    ]
  }

  static var levelFields: [ConfigurationField<Self>] {
    [
      .integer(
        "compare", \.compare,
        "Questions about sequences that compare two named pictures, divided over `sequence_counts`. A row of "
          + "its own, no part of all multi-image questions, as the three below."
      ).read(by: .questions),
      .integer(
        "compare_grid", \.compareGrid, "The same about grids, divided over `grid_counts`."
      ).read(by: .questions),
      .integer(
        "find", \.find,
        "Questions about sequences that ask which picture fits a description, divided over `sequence_counts`."
      ).read(by: .questions),
      .integer(
        "find_grid", \.findGrid, "The same about grids, divided over `grid_counts`."
      ).read(by: .questions),
    ]
  }
}

extension RunConfiguration.SFT.Composed {
  /// The levels that are drawn, with their shares; none of share 0, and none where nothing else is drawn.
  var levelShares: [(level: PromptLevel, share: Double)] {
    guard weights.contains(where: { $0.kind.namesPictures }) else { return [] }
    return [(PromptLevel.compare, compare), (.find, find)].filter { $0.1 > 0 }
  }

  static var levelFields: [ConfigurationField<Self>] {
    [
      .number(
        "compare", \.compare, .share,
        "Share of the questions after the first of a conversation about a sequence or grid that compare two "
          + "named pictures; where the pictures allow none, another question takes its place."),
      .number(
        "find", \.find, .share, "Share of them that ask which picture fits a description, beside `compare`."),
    ]
  }
}

extension RunConfiguration.Select {
  /// Levels by name; `name` is that of prompts that name one picture.
  public static let levelNames = ["name"] + PromptLevel.allCases.map(\.name)

  /// Whether answers to a kind of prompt may become pairs: its format and its level are wanted.
  func accepts(_ kind: QuestionKind) -> Bool {
    formats.contains(kind.layout.rawValue) && levels.contains(kind.level?.name ?? "name")
  }

  /// Whether a kind of prompt is answered by sampling too.
  func samples(_ kind: QuestionKind) -> Bool { sampledFormats.contains(kind.layout.rawValue) }

  static var levelField: ConfigurationField<Self> {
    .names(
      "levels", \.levels, from: levelNames,
      "Levels whose answers may become pairs, of the formats above: prompts that name one picture, that "
        + "compare two, that ask which one fits.")
  }
}
