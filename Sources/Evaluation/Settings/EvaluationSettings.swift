import MultiImageData

/// `evaluate`: held-out questions, asked before and after preference training.
public struct EvaluationSettings: Sendable, Equatable {
  /// Splits that can be asked about.
  public enum Split: String, CaseIterable, Sendable {
    /// The data split of that name.
    case val, test
  }

  /// Ways of telling whether an answer is right.
  public typealias Grader = GraderChoice

  /// How answers are graded.
  public var grader = Grader.auto
  /// Split the questions come from.
  public var split = Split.test
  /// Questions of each kind: single, sequence, grid and pic-in-pic.
  public var questions = 400
  /// Numbers of images in sequence questions.
  public var sequenceCounts = [2, 3, 4, 5]
  /// Numbers of cells in grid questions.
  public var gridCounts = [2, 3, 4, 6, 9]
  /// Questions about sequences that compare two named pictures.
  public var compare = 0
  /// Questions about grids that compare two named pictures.
  public var compareGrid = 0
  /// Questions about sequences that ask which picture fits.
  public var find = 0
  /// Questions about grids that ask which picture fits.
  public var findGrid = 0
  /// Tokens per batch of generation.
  public var batchTokens = 8192
  /// Longest generated answer, tokens.
  public var maxNewTokens = 24
  /// Resamples of the bootstrap behind the 95 % intervals.
  public var bootstrapSamples = 2000
  /// Whether every question is also asked without its images.
  public var blind = true
  /// Whether every question about a sequence is also asked with its pictures in another order.
  public var permuted = false

  /// All defaults.
  public init() {}
}

extension EvaluationSettings {
  /// The questions of both levels, each with its key and the numbers of pictures they are divided over.
  package var levels: [(key: String, level: PromptLevel, kind: CompositionKind, count: Int, counts: [Int])] {
    [
      ("compare", .compare, .sequence, compare, sequenceCounts),
      ("compare_grid", .compare, .grid, compareGrid, gridCounts),
      ("find", .find, .sequence, find, sequenceCounts), ("find_grid", .find, .grid, findGrid, gridCounts),
    ]
  }
}
