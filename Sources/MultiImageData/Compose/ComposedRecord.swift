import LVLM
import Records

/// One multi-image question: what the *compose* stage writes, one JSON object a line.
public struct ComposedRecord: JSONRow, Codable, Hashable, Sendable {
  /// Unique in the file: `grid-4-test-000017`.
  public var id: String
  /// How the pictures were put together.
  public var kind: CompositionKind
  /// The number of source pictures (2 for picture-in-picture).
  public var count: Int
  /// The 1-based number of the picture the question is about; for picture-in-picture always 1, the inner one.
  public var target: Int
  /// What is asked where the prompt does not name the one picture it is about; `nil` where it does.
  public var level: PromptLevel?
  /// With a level, the numbers of the pictures it is about, ascending; the first of them is ``target``.
  public var targets: [Int]?
  /// With a level, the facts that it asks for.
  public var about: [String]?
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
  /// What answers can claim about the target (``QuestionSource/facts(of:)``); `nil` where nobody knows.
  public var facts: [String: String]?
  /// The same of the other pictures, in picture order.
  public var factsOfOthers: [[String: String]]?

  enum CodingKeys: String, CodingKey {
    case id, kind, count, target, level, targets, about, images, prompt, answer
    case answersOfOthers = "answers_of_others"
    case family, question, source, layout, facts
    case factsOfOthers = "facts_of_others"
  }

  /// Creates a record.
  public init(
    id: String, kind: CompositionKind, count: Int, target: Int, level: PromptLevel? = nil,
    targets: [Int]? = nil, about: [String]? = nil, images: [String], prompt: String, answer: String,
    answersOfOthers: [String], family: String, question: String, source: String,
    layout: CompositionLayout?, facts: [String: String]? = nil, factsOfOthers: [[String: String]]? = nil
  ) {
    self.id = id
    self.kind = kind
    self.count = count
    self.target = target
    self.level = level
    self.targets = targets
    self.about = about
    self.images = images
    self.prompt = prompt
    self.answer = answer
    self.answersOfOthers = answersOfOthers
    self.family = family
    self.question = question
    self.source = source
    self.layout = layout
    self.facts = facts
    self.factsOfOthers = factsOfOthers
  }
}

extension ComposedRecord {
  /// The record as an object, keys in the order of the properties.
  public var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [
      .init("id", .string(id)), .init("kind", .string(kind.rawValue)), .init("count", .integer(count)),
      .init("target", .integer(target)),
    ]
    if let level { members.append(.init("level", .integer(level.rawValue))) }
    if let targets { members.append(.init("targets", .array(targets.map(OrderedJSON.integer)))) }
    if let about { members.append(.init("about", .array(about.map(OrderedJSON.string)))) }
    members += [
      .init("images", .array(images.map(OrderedJSON.string))), .init("prompt", .string(prompt)),
      .init("answer", .string(answer)),
      .init("answers_of_others", .array(answersOfOthers.map(OrderedJSON.string))),
      .init("family", .string(family)), .init("question", .string(question)),
      .init("source", .string(source)),
    ]
    if let layout {
      let region: OrderedJSON = .members([
        "x": .integer(layout.region.x), "y": .integer(layout.region.y),
        "width": .integer(layout.region.width),
        "height": .integer(layout.region.height),
      ])
      members.append(
        .init(
          "layout",
          .members([
            "width": .integer(layout.width), "height": .integer(layout.height), "rows": .integer(layout.rows),
            "columns": .integer(layout.columns), "region": region,
          ])))
    }
    if let facts { members.append(.init("facts", .texts(facts))) }
    if let factsOfOthers {
      members.append(.init("facts_of_others", .array(factsOfOthers.map(OrderedJSON.texts))))
    }
    return .object(members)
  }

  /// What is inconsistent in the record, if anything.
  var problem: String? {
    guard kind.allowedCounts.contains(count) else {
      return "a \(kind.rawValue) of \(count) pictures does not exist"
    }
    guard (1...count).contains(target) else { return "the target is number \(target) of \(count) pictures" }
    let expected = kind == .sequence ? count : 1
    guard images.count == expected else { return "has \(images.count) images, expected \(expected)" }
    let marks = ImageMark.count(in: prompt)
    guard marks == expected else {
      return "has \(marks) \(ImageMark.text) marks for \(expected) images; expected one mark for each image"
    }
    guard !answer.isEmpty else { return "the answer is empty" }
    if let problem = levelProblem { return problem }
    if kind == .sequence { return nil }
    guard let layout else { return "has no layout" }
    return layout.problem(pictures: kind == .grid ? count : 1)
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

extension CompositionLayout {
  /// A grid that asks about the picture with the 1-based number `target`.
  init(_ geometry: GridGeometry, _ target: Int) {
    self.init(
      width: geometry.width, height: geometry.height, rows: geometry.rows, columns: geometry.columns,
      region: geometry.region(target))
  }

  /// A picture on the centre of another one.
  init(inner: RGBImage, outer: RGBImage, scale: Double) {
    self.init(
      width: outer.width, height: outer.height, rows: 1, columns: 1,
      region: Collage.innerRegion(
        outerWidth: outer.width, outerHeight: outer.height, innerWidth: inner.width,
        innerHeight: inner.height, scale: scale))
  }

  /// Why nothing can be found by this layout of so many pictures; `nil` when it can.
  func problem(pictures: Int) -> String? {
    let sides = 1...Self.longestSide
    guard sides.contains(width), sides.contains(height) else {
      return "has a layout of \(width) x \(height) pixels, expected 1 to \(Self.longestSide) on each side"
    }
    guard (1...pictures).contains(rows), (1...pictures).contains(columns), rows * columns >= pictures else {
      return "has a layout of \(rows) rows and \(columns) columns, expected room for \(pictures) pictures"
    }
    guard (0..<width).contains(region.x), (1...width - region.x).contains(region.width),
      (0..<height).contains(region.y), (1...height - region.y).contains(region.height)
    else {
      return
        "has a layout whose region, \(region.width) x \(region.height) pixels at \(region.x), \(region.y), "
        + "is not on its \(width) x \(height)"
    }
    return nil
  }

  /// Pixels along a side of a canvas, more than any picture that is read has.
  private static let longestSide = 1 << 20

  /// The square of any picture of a grid, by its 1-based number, without its label strip.
  public func cell(_ number: Int) -> PixelRectangle {
    let side = region.width
    let gap = columns > 1 ? (width - columns * side) / (columns - 1) : 0
    let (row, column) = ((number - 1) / columns, (number - 1) % columns)
    return PixelRectangle(
      x: column * (side + gap), y: row * (side + gap) + gap, width: side, height: side)
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
