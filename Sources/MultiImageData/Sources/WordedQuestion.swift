/// A question that texts ask in one of several wordings.
protocol WordedQuestion: Hashable, Sendable {
  /// All wordings of this question, in a fixed order.
  var wordings: [String] { get }

  /// What is asked for, in attributes of a picture.
  var asked: AskedFacts { get }

  /// Every question by each of its wordings.
  static var byWording: [String: Self] { get }
}

/// How sources with pictures of things ask what a picture shows; the same, so that one may stand beside
/// another.
let describingWordings = ["Describe the picture.", "Describe the image.", "Describe what you see."]

extension WordedQuestion {
  /// The question a text asks; `nil` for any other text.
  init?(wording text: String) {
    guard let question = Self.byWording[text] else { return nil }
    self = question
  }

  /// `questions` by each of their wordings.
  static func table(of questions: [Self]) -> [String: Self] {
    var table: [String: Self] = [:]
    for question in questions {
      for wording in question.wordings { table[wording] = question }
    }
    return table
  }
}
