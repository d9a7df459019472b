/// What of a growing text can be shown already: nothing that a later token may still change.
struct AnswerStream {
  /// Bytes that were shown.
  private var shown = 0

  /// The next piece of the answer, nil when there is none yet.
  ///
  /// Held back are a character whose bytes are not all there, and an end of the text that may become a stop
  /// text.
  /// - Parameters:
  ///   - text: the whole text so far.
  ///   - isFinal: whether nothing follows.
  ///   - stops: texts that end the answer.
  mutating func next(_ text: String, isFinal: Bool, stops: [String]) -> String? {
    let utf8 = Array(text.utf8)
    var end = utf8.count
    if !isFinal {
      let replacement = Array("\u{FFFD}".utf8)
      while end >= 3, utf8[..<end].suffix(3).elementsEqual(replacement) { end -= 3 }
      var held = 0
      for stop in stops.map({ Array($0.utf8) }) {
        for length in stride(from: min(stop.count - 1, end), to: held, by: -1)
        where utf8[end - length..<end].elementsEqual(stop.prefix(length)) {
          held = length
          break
        }
      }
      end -= held
    }
    guard end > shown else { return nil }
    defer { shown = end }
    return String(decoding: utf8[shown..<end], as: UTF8.self)
  }
}
