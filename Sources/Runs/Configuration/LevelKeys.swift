import DPOTrain
import Evaluation
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
  static var levelField: ConfigurationField<Self> {
    .names(
      "levels", \.levels, from: levelNames,
      "Levels whose answers may become pairs, of the formats above: prompts that name one picture, that "
        + "compare two, that ask which one fits.")
  }
}
