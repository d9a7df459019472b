public import Records

/// How the images of a question are shown to the model.
public enum QuestionKind: String, RowWord, Encodable, Sendable {
  /// One image, as in ordinary instruction data.
  case single
  /// Several images, one after the other, named Image1, Image2, ….
  case sequence
  /// One collage of labelled cells.
  case grid
  /// The target pasted into the centre of another image.
  case picInPic = "pic_in_pic"
  /// Two named pictures of a sequence are compared (``PromptLevel/compare``).
  case compare
  /// Two named cells of a collage are compared.
  case compareGrid = "compare_grid"
  /// The picture of a sequence that fits a description is asked for (``PromptLevel/find``).
  case find
  /// The cell of a collage that fits a description is asked for.
  case findGrid = "find_grid"

  /// The kinds that ask about one picture of several: what tables count as *all multi-image*, so that they
  /// stay comparable with those that have no other.
  public static let multiImage: [QuestionKind] = [.sequence, .grid, .picInPic]

  /// The kinds that ask about one picture, or several, without naming the one that is meant.
  public static let levels: [QuestionKind] = [.compare, .compareGrid, .find, .findGrid]

  /// Every kind by how its pictures are shown.
  public static let layouts: [QuestionKind] = [.single] + multiImage

  /// The kind of a layout and a level.
  package init(_ layout: QuestionKind, _ level: PromptLevel?) {
    switch (layout, level) {
    case (.sequence, .compare): self = .compare
    case (.grid, .compare): self = .compareGrid
    case (.sequence, .find): self = .find
    case (.grid, .find): self = .findGrid
    default: self = layout
    }
  }

  /// How the images are shown, whatever is asked about them.
  public var layout: QuestionKind {
    switch self {
    case .compare, .find: .sequence
    case .compareGrid, .findGrid: .grid
    case .single, .sequence, .grid, .picInPic: self
    }
  }

  /// What is asked where it is not about one picture that is named; `nil` otherwise.
  public var level: PromptLevel? {
    switch self {
    case .compare, .compareGrid: .compare
    case .find, .findGrid: .find
    case .single, .sequence, .grid, .picInPic: nil
    }
  }

  /// The name printed in tables and plots.
  public var title: String {
    switch self {
    case .single: "Single image"
    case .sequence: "Sequence"
    case .grid: "Grid collage"
    case .picInPic: "Pic-in-pic"
    case .compare: "Compare, sequence"
    case .compareGrid: "Compare, grid"
    case .find: "Find, sequence"
    case .findGrid: "Find, grid"
    }
  }
}
