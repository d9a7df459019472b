/// How a source says what it knows of its pictures where they are compared and found: the words of questions
/// and answers of both ``PromptLevel``s.
public struct FactWords: Sendable {
  /// An attribute by which pictures are compared.
  package struct Attribute: Sendable {
    /// Its key in facts.
    package var key: String
    /// `have the same color`.
    var same: String
    /// `have different colors`.
    var different: String
    /// What is said of one picture with a value: `is blue`.
    var one: @Sendable (String) -> String
    /// What is said of several: `are blue`.
    var several: @Sendable (String) -> String
    /// How answers call it, in lower case.
    var nouns: Set<String>
  }

  /// An attribute that every picture with these words has, and no other.
  package var mark: String
  /// By what pictures are compared, in a fixed order.
  package var attributes: [Attribute]
  /// Attributes that together describe a picture, in a fixed order.
  package var descriptions: [[String]]
  /// A picture in words, by the facts of one of ``descriptions``: `a blue circle`.
  var description: @Sendable ([String: String]) -> String
  /// The words of values.
  var grammar: AnswerGrammar
  /// Whether answers are sentences.
  var style: AnswerStyle
  /// Whether texts begin with a capital, and short answers end with a full stop.
  var isCapitalized: Bool

  /// A text as the source writes it.
  func spelled(_ text: String) -> String {
    isCapitalized ? text.prefix(1).uppercased() + text.dropFirst() : text
  }

  /// A short answer as the source writes it.
  func short(_ answer: String) -> String { isCapitalized ? spelled(answer) + "." : answer }
}

extension [FactWords] {
  /// The words for pictures with these facts; `nil` where there are none.
  func words(for facts: [String: String]) -> FactWords? { first { facts[$0.mark] != nil } }
}
