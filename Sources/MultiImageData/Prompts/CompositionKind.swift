public import Records

/// How single-image records become a multi-image prompt (MIA-DPO, section 3.3).
public enum CompositionKind: String, RowWord, Encodable, Sendable {
  /// 2 to 5 separate pictures, named Image1 … ImageN.
  case sequence
  /// 2, 3, 4, 6 or 9 pictures on one canvas with drawn labels.
  case grid
  /// The target pasted on the centre of another picture.
  case pictureInPicture = "pic_in_pic"

  /// The numbers of pictures this kind can have.
  public var allowedCounts: [Int] {
    switch self {
    case .sequence: [2, 3, 4, 5]
    case .grid: [2, 3, 4, 6, 9]
    case .pictureInPicture: [2]
    }
  }
}

extension CompositionKind {
  /// Whether its pictures have names, which questions of a level need.
  package var namesPictures: Bool { self != .pictureInPicture }

  /// The kind of question it makes.
  package func questionKind(_ level: PromptLevel? = nil) -> QuestionKind {
    switch self {
    case .sequence: QuestionKind(.sequence, level)
    case .grid: QuestionKind(.grid, level)
    case .pictureInPicture: .picInPic
    }
  }

  /// The kind in ids: `sequence`, `grid`, `pip`.
  var slug: String { self == .pictureInPicture ? "pip" : rawValue }

  var ordinal: UInt64 {
    switch self {
    case .sequence: 0
    case .grid: 1
    case .pictureInPicture: 2
    }
  }
}
