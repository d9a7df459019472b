public import Records

/// What a part of a data source is for; no picture is in two of them.
public enum DataSplit: String, RowWord, Encodable, Sendable {
  /// Supervised fine-tuning.
  case sft
  /// The pool preference pairs are made from.
  case preference = "pref"
  /// Thresholds, early stopping, every choice.
  case validation = "val"
  /// Reported once.
  case test

  /// A number for seeding, fixed for all time so that data sets stay the same.
  package var ordinal: UInt64 {
    switch self {
    case .sft: 0
    case .preference: 1
    case .validation: 2
    case .test: 3
    }
  }
}

/// Which picture of a source: its place in a split, and the relative path it has (or gets) as a file.
///
/// Made by a source and given back to it; not decodable, so that no file can name a picture the source does
/// not have.
public struct ImageReference: Hashable, Sendable {
  /// A relative path with forward slashes, unique in the source: `shapes/test/000017.png`.
  public var path: String
  /// The split the picture belongs to.
  public var split: DataSplit
  /// Its number in the split, from 0.
  public var index: Int

  /// Creates a reference.
  public init(path: String, split: DataSplit, index: Int) {
    self.path = path
    self.split = split
    self.index = index
  }
}

/// One question about one picture, with its answer.
public struct SingleImageRecord: Hashable, Sendable {
  /// A further question of a conversation, with its answer.
  public struct Turn: Hashable, Sendable {
    /// The question without the image mark.
    public var question: String
    /// The ground truth.
    public var answer: String

    /// Creates a turn.
    public init(question: String, answer: String) {
      self.question = question
      self.answer = answer
    }
  }

  /// Unique in the source.
  public var id: String
  /// The picture.
  public var image: ImageReference
  /// The question without the image mark.
  public var question: String
  /// The ground truth.
  public var answer: String
  /// The kind of question (`color`, `shape`, `yes_no`, `name` …): results are reported by it.
  public var family: String
  /// What the conversation goes on with after the first answer.
  public var laterTurns: [Turn] = []
  /// The line of the source's file it begins in, from 1; 0 where there is no file.
  public var line = 0

  /// Creates a record.
  public init(
    id: String, image: ImageReference, question: String, answer: String, family: String,
    laterTurns: [Turn] = [], line: Int = 0
  ) {
    self.laterTurns = laterTurns
    self.line = line
    self.id = id
    self.image = image
    self.question = question
    self.answer = answer
    self.family = family
  }

  /// The user's turn as LLaVA writes it: the image mark, a line break, the question.
  public var prompt: String { ImageMark.text + "\n" + question.trimmingASCIIWhitespace() }
}

/// The placeholder for a picture in a prompt.
public enum ImageMark {
  /// `<image>`.
  public static let text = "<image>"
  /// What MIA-DPO's pair generator writes in its place.
  public static let placeholder = "<image-placeholder>"

  /// How many pictures a prompt asks for.
  public static func count(in prompt: String) -> Int {
    var count = 0
    var rest = prompt[...]
    while let range = rest.firstRange(of: text) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

extension String {
  /// The text without spaces, tabs and line breaks at both ends.
  package func trimmingASCIIWhitespace() -> String {
    let blank: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]
    var text = self[...]
    while let first = text.first, blank.contains(first) { text.removeFirst() }
    while let last = text.last, blank.contains(last) { text.removeLast() }
    return String(text)
  }
}
