/// How single-image records become a multi-image prompt (MIA-DPO, section 3.3).
public enum CompositionKind: String, Codable, CaseIterable, Sendable {
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

/// One multi-image question: what the *compose* stage writes, one JSON object a line.
public struct ComposedRecord: Codable, Hashable, Sendable {
  /// Unique in the file: `grid-4-test-000017`.
  public var id: String
  /// How the pictures were put together.
  public var kind: CompositionKind
  /// The number of source pictures (2 for picture-in-picture).
  public var count: Int
  /// The 1-based number of the picture the question is about; for picture-in-picture always 1, the inner one.
  public var target: Int
  /// The pictures the prompt shows, in order: `count` paths for a sequence, one for the other kinds.
  /// Relative paths start at the folder of the file the record is in.
  public var images: [String]
  /// The user's turn, with one `<image>` for every entry of `images`.
  public var prompt: String
  /// The ground truth.
  public var answer: String
  /// What the other pictures would have answered, in picture order; empty where the source cannot know.
  public var answersOfOthers: [String]
  /// The kind of question.
  public var family: String
  /// The question before it was rewritten.
  public var question: String
  /// The record the question comes from.
  public var source: String
  /// The layout of the single composed picture; `nil` for a sequence.
  public var layout: CompositionLayout?

  enum CodingKeys: String, CodingKey {
    case id, kind, count, target, images, prompt, answer
    case answersOfOthers = "answers_of_others"
    case family, question, source, layout
  }

  /// Creates a record.
  public init(
    id: String, kind: CompositionKind, count: Int, target: Int, images: [String], prompt: String,
    answer: String, answersOfOthers: [String], family: String, question: String, source: String,
    layout: CompositionLayout?
  ) {
    self.id = id
    self.kind = kind
    self.count = count
    self.target = target
    self.images = images
    self.prompt = prompt
    self.answer = answer
    self.answersOfOthers = answersOfOthers
    self.family = family
    self.question = question
    self.source = source
    self.layout = layout
  }
}

/// Where the target is on a composed picture.
public struct CompositionLayout: Codable, Hashable, Sendable {
  /// Canvas width in pixels.
  public var width: Int
  /// Canvas height in pixels.
  public var height: Int
  /// Rows of the grid; 1 for picture-in-picture.
  public var rows: Int
  /// Columns of the grid; 1 for picture-in-picture.
  public var columns: Int
  /// The target's rectangle on the canvas in pixels: its cell without the label strip, or the inner picture.
  public var region: PixelRectangle

  /// Creates a layout.
  public init(width: Int, height: Int, rows: Int, columns: Int, region: PixelRectangle) {
    self.width = width
    self.height = height
    self.rows = rows
    self.columns = columns
    self.region = region
  }
}

/// A rectangle in whole pixels from the top left.
public struct PixelRectangle: Codable, Hashable, Sendable {
  /// The left edge.
  public var x: Int
  /// The upper edge.
  public var y: Int
  /// The width.
  public var width: Int
  /// The height.
  public var height: Int

  /// Creates a rectangle.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }
}
