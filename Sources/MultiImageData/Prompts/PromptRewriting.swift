/// How a single-image question becomes a multi-image prompt (MIA-DPO's data scripts).
public enum PromptRewriting {
  /// The question without image marks: first those with a line break after them, then any that remain. A
  /// question that ended with a line break and the mark keeps the line break, as in the released data.
  public static func withoutMarks(_ question: String) -> String {
    question.replacing(ImageMark.text + "\n", with: "").replacing(ImageMark.text, with: "")
  }

  /// The lines that show `count` separate pictures: `Image1:<image>` and so on.
  public static func sequenceBlock(count: Int) -> String {
    (1...count).map { "Image\($0):\(ImageMark.text)\n" }.joined()
  }

  /// The lines of a first turn that show the pictures, before the question.
  package static func imageBlock(_ kind: CompositionKind, count: Int) -> String {
    kind == .sequence ? sequenceBlock(count: count) : ImageMark.text + "\n"
  }

  /// What a question about one of several named pictures begins with.
  package static func sequenceOpening(_ target: Int) -> String { "In Image\(target), " }

  /// The prompt of a first turn.
  /// - Parameters:
  ///   - question: the human's turn, with or without image marks.
  ///   - target: the 1-based number of the picture it is about.
  ///   - count: the number of pictures.
  ///   - phrase: how a picture-in-picture prompt names the inner picture.
  public static func prompt(
    _ question: String, kind: CompositionKind, target: Int, count: Int, phrase: String = "In the center"
  ) -> String {
    let lower = loweringFirst(withoutMarks(question))
    switch kind {
    case .sequence, .grid: return imageBlock(kind, count: count) + sequenceOpening(target) + lower
    case .pictureInPicture: return imageBlock(kind, count: count) + phrase + ", " + lower
    }
  }

  /// A later human turn: `In image2, …` with a small i, or the phrase.
  public static func laterTurn(
    _ question: String, kind: CompositionKind, target: Int, phrase: String = "In the center"
  ) -> String {
    (kind == .pictureInPicture ? phrase : "In image\(target)") + ", " + loweringFirst(question)
  }

  /// The 1-based number that a prompt of a sequence or grid names; `nil` when it names none.
  public static func target(in prompt: String) -> Int? {
    prompt.firstMatch(of: /In Image(\d+)/).flatMap { Int($0.1) }
  }

  private static let centreOpeners = [
    "For", "Regarding", "Concerning", "Pertaining to", "With respect to", "As for", "Focusing on",
    "In relation to", "When it comes to", "With regards to",
  ]
  private static let centrePlaces = ["image", "picture", "subplot", "plot"].flatMap { thing in
    [
      "the central \(thing)", "the middle \(thing)", "the \(thing) in the center",
      "the \(thing) in the middle", "the \(thing) at the center", "the \(thing) located in the center",
    ]
  }

  /// Whether a question begins by naming the picture in the centre, in any words that the grammar of
  /// ``centrePhrases`` allows: files of others pair its openers and places differently.
  public static func namesCentre(_ question: String) -> Bool {
    func begins(_ rest: Substring, _ parts: [String], _ next: (Substring) -> Bool) -> Bool {
      parts.contains { rest.hasPrefix($0) && next(rest.dropFirst($0.count)) }
    }
    return centrePhrases.contains { question.hasPrefix($0 + ", ") }
      || begins(question[...], centreOpeners.map { $0 + " " }) {
        begins($0, centrePlaces) { $0.hasPrefix(", ") }
      }
  }

  /// The 93 ways to name the picture in the centre: ten openers with nine places each, three more with one.
  public static let centrePhrases: [String] = {
    let (openers, places) = (centreOpeners, centrePlaces)
    var phrases: [String] = []
    for (number, opener) in openers.enumerated() {
      for step in 0..<9 { phrases.append(opener + " " + places[(number * 9 + step) % places.count]) }
    }
    return phrases + [
      "About the central image", "Referring to the middle picture", "In terms of the central image",
    ]
  }()

  /// The text with its first character in lower case.
  private static func loweringFirst(_ text: String) -> String {
    text.prefix(1).lowercased() + text.dropFirst()
  }
}
