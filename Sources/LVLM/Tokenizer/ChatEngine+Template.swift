extension ChatTemplate {
  /// What whoever opens a model should be told of a template that is run.
  func notes(_ model: String) -> [String] {
    guard let engine, engine.source.contains("strftime_now") else { return [] }
    return [
      "\(model): its chat template writes the day's date where it can; here it is given none, so that a "
        + "prompt is the same every day"
    ]
  }

  /// As ``init(running:names:specials:)``, with errors that name where the template stands.
  ///
  /// - Throws: ``ModelConfigurationError``.
  init(
    running jinja: String, names: [String: String], specials: [String], file: String, key: String,
    option: String
  ) throws {
    do {
      try self.init(running: jinja, names: names, specials: specials)
    } catch let error as JinjaError {
      let known = Self.all.map(\.name).joined(separator: ", ")
      throw ModelConfigurationError(
        file: file,
        problems: [
          .init(
            key: key, found: "\(error)",
            expected: "a template of conversations that can be run here; \(option) chooses one of \(known)")
        ])
    }
  }

  /// A template for the engine: how it frames questions and answers is found by asking it, for whoever needs
  /// to know before there is a conversation.
  ///
  /// - Parameters:
  ///   - jinja: in transformers' language.
  ///   - names: `bos_token` and its kin.
  ///   - specials: the vocabulary's special tokens.
  /// - Throws: ``JinjaError`` for a template that cannot be read or writes no conversation.
  package init(running jinja: String, names: [String: String], specials: [String]) throws {
    let engine = try ChatEngine(jinja, names: names)
    let guardian = try ChatEngine.guardian(for: [])
    let (question, answer, later) = ("kuqa", "vexo", "zilu")
    func text(_ turns: [ChatEngine.Turn], system: String? = nil, isPrompt: Bool) throws -> String {
      try engine.render(
        system: system, turns: turns, specials: specials, guardian: guardian, isPrompt: isPrompt)
    }
    func split(_ text: Substring, at word: String) throws -> (before: String, after: Substring) {
      guard let found = text.firstRange(of: word) else {
        throw JinjaError(1, "a template that does not write what is said")
      }
      return (String(text[..<found.lowerBound]), text[found.upperBound...])
    }
    let prompt = try text([.init(question: question)], isPrompt: true)
    let opening = try split(prompt[...], at: question)
    let whole = try text([.init(question: question, answer: answer)], isPrompt: false)
    let tail = try split(whole.dropFirst(prompt.count), at: answer)
    let long = try text(
      [.init(question: question, answer: answer), .init(question: later)], isPrompt: true)
    let second = try split(split(split(long[...], at: question).after, at: answer).after, at: later)
    var frame = SystemFrame(before: "", after: opening.before)
    if let other = try? text([.init(question: question)], system: "system words", isPrompt: true),
      let around = try? split(other[...], at: "system words"),
      let rest = try? split(around.after, at: question)
    {
      frame = SystemFrame(before: around.before, after: rest.before)
    }
    let suffix = String(tail.after)
    let marks = specials.filter { jinja.contains($0) && $0 != Tokenizer.imageMark }
    let end = marks.compactMap { mark in suffix.firstRange(of: mark).map { ($0.upperBound, mark) } }
      .min { $0.0 < $1.0 }
    let written = String(suffix.reversed().drop(while: \.isWhitespace).reversed())
    self.init(
      name: "jinja", beforeQuestion: opening.before, systemFrame: frame, beforeLaterQuestion: second.before,
      afterQuestion: String(opening.after), beforeAnswer: tail.before,
      stop: end?.1 ?? (written.isEmpty ? nil : written), marks: marks, engine: engine)
  }
}
