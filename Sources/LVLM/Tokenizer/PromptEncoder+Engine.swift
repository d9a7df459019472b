/// Prompts and answers as a model's own chat template writes them.
extension PromptEncoder {
  /// A conversation's texts, each the beginning of the next, as they are turned into ids.
  private struct Growing {
    var text = ""
    var ids: [Int32] = []
    var pictures = 0
  }

  /// What the template makes of one conversation.
  private struct Writer {
    let engine: ChatEngine
    let specials: [String]
    let guardian: Unicode.Scalar
    let system: String?

    func text(_ turns: [ChatEngine.Turn], isPrompt: Bool) throws -> String {
      do {
        return try engine.render(
          system: system, turns: turns, specials: specials, guardian: guardian, isPrompt: isPrompt)
      } catch let error as JinjaError {
        throw PromptError.template(problem: "\(error)", prompt: turns.last?.question ?? "")
      }
    }
  }

  private func writer(_ engine: ChatEngine, _ system: String?, _ texts: [String]) throws -> Writer {
    do {
      return Writer(
        engine: engine, specials: tokenizer.specialTexts,
        guardian: try ChatEngine.guardian(for: texts + [system].compactMap(\.self)), system: system)
    } catch let error as JinjaError {
      throw PromptError.template(problem: "\(error)", prompt: texts.first ?? "")
    }
  }

  /// Ids of a text of the template, in which special tokens are what the template itself wrote. Bos comes
  /// first and once where the template or the vocabulary has it so.
  private func ids(
    _ text: String, _ guardian: Unicode.Scalar, grids: [FeatureGrid], prompt: String, isFirst: Bool
  ) throws -> [Int32] {
    var parts = tokenizer.specialParts(text).map { part -> Part in
      switch part {
      case .token(tokenizer.imageID): .image
      case .token(let id): .token(id)
      case .text(let scalars): .text(String(scalars.filter { $0 != guardian }))
      }
    }
    var addsBOS = isFirst
    if case .token(tokenizer.bosID)? = parts.first { addsBOS = false }
    // What goes on after other tokens does not begin a sequence.
    if !isFirst { parts.insert(.features(0), at: 0) }
    return try encode(parts, grids: grids, prompt: prompt, isFirst: addsBOS)
  }

  /// Goes on to a longer text. Where the vocabulary would join across the border, what is new is encoded by
  /// itself.
  private func extend(
    _ state: inout Growing, to text: String, _ guardian: Unicode.Scalar, grids: ArraySlice<FeatureGrid>,
    prompt: String
  ) throws {
    let all = try ids(text, guardian, grids: Array(grids), prompt: prompt, isFirst: true)
    if all.starts(with: state.ids) {
      state.ids = all
    } else {
      let rest = String(Substring(text.utf8.dropFirst(state.text.utf8.count)))
      state.ids += try ids(
        rest, guardian, grids: Array(grids.dropFirst(state.pictures)), prompt: prompt, isFirst: false)
    }
    (state.text, state.pictures) = (text, grids.count)
  }

  /// What of the text behind a prompt belongs to the answer: up to its eos, or without the blanks at its end.
  private func learned(_ tail: Substring) -> (text: String, hasEnd: Bool) {
    let eos = tokenizer.piece(tokenizer.eosID) ?? ""
    if !eos.isEmpty, let found = tail.firstRange(of: eos) {
      return (String(tail[..<found.upperBound]), true)
    }
    var text = tail
    while text.unicodeScalars.last?.properties.isWhitespace ?? false { text.unicodeScalars.removeLast() }
    return (String(text), false)
  }

  /// What a longer text has behind a prompt.
  ///
  /// - Throws: ``PromptError/template(problem:prompt:)`` for a template that writes the beginning of a
  ///   conversation in another way once it goes on.
  private func tail(_ whole: String, behind prompt: String, question: String) throws -> Substring {
    guard whole.utf8.starts(with: prompt.utf8) else {
      throw PromptError.template(
        problem: "the chat template rewrites what is before an answer once more is said, expected a prompt "
          + "that the conversation begins with", prompt: question)
    }
    return Substring(whole.utf8.dropFirst(prompt.utf8.count))
  }

  /// What both begin with, special tokens as a whole.
  private func common(_ a: Substring, _ b: Substring) -> Substring {
    var count = 0
    for (x, y) in zip(tokenizer.specialParts(String(a)), tokenizer.specialParts(String(b))) {
      if x == y {
        switch x {
        case .text(let scalars): count += scalars.count
        case .token(let id): count += tokenizer.piece(id)?.unicodeScalars.count ?? 0
        }
        continue
      }
      if case .text(let x) = x, case .text(let y) = y { count += zip(x, y).prefix { $0 == $1 }.count }
      break
    }
    return Substring(a.unicodeScalars.prefix(count))
  }

  private func pictures(_ questions: [String]) -> Int {
    questions.reduce(0) { $0 + $1.ranges(of: Tokenizer.imageMark).count }
  }

  /// A question at the end of a conversation, with answers, each of which ends with eos: where the template
  /// has none, behind what it writes.
  func example(
    _ engine: ChatEngine, system: String?, history: [(question: String, answer: String)], question: String,
    images: [Int], grids: [FeatureGrid], answers: [String], room: Int
  ) throws -> PackedExample {
    for (index, turn) in history.enumerated() where !turn.answer.contains(where: { !$0.isWhitespace }) {
      throw PromptError.emptyAnswer(index: index, prompt: turn.question)
    }
    let marks = pictures(history.map(\.question) + [question])
    guard marks == grids.count else {
      throw PromptError.imageCount(marks: marks, images: grids.count, prompt: question)
    }
    let said = history.flatMap { [$0.question, $0.answer] } + [question] + answers
    let writer = try writer(engine, system, said)
    var turns = history.map { ChatEngine.Turn(question: $0.question, answer: $0.answer) }
    turns.append(.init(question: question))
    var prompt = Growing()
    try extend(
      &prompt, to: writer.text(turns, isPrompt: true), writer.guardian, grids: grids[...], prompt: question)
    var completions: [[Int32]] = []
    for (index, answer) in answers.enumerated() {
      turns[turns.count - 1].answer = answer
      let behind = try tail(
        writer.text(turns, isPrompt: false), behind: prompt.text, question: question)
      let found = learned(behind)
      var whole = prompt
      try extend(
        &whole, to: prompt.text + found.text, writer.guardian, grids: grids[...], prompt: question)
      let completion = Array(whole.ids[prompt.ids.count...]) + (found.hasEnd ? [] : [tokenizer.eosID])
      guard answer.contains(where: { !$0.isWhitespace }), completion.count > 1 else {
        throw PromptError.emptyAnswer(index: index, prompt: question)
      }
      completions.append(completion)
    }
    let longest = prompt.ids.count + max(min(room, 1 << 40), completions.map(\.count).max() ?? 0)
    guard longest <= contextLength else {
      throw PromptError.tooLong(tokens: longest, context: contextLength, prompt: question)
    }
    return PackedExample(promptIDs: prompt.ids, images: images, completions: completions)
  }

  /// A whole conversation, and which of its ids are answers.
  func conversation(
    _ engine: ChatEngine, _ turns: [(question: String, answer: String)], grids: [FeatureGrid]
  ) throws -> (ids: [Int32], answers: [Range<Int>]) {
    let writer = try writer(engine, nil, turns.flatMap { [$0.question, $0.answer] })
    var (said, answers): ([ChatEngine.Turn], [Range<Int>]) = ([], [])
    var state = Growing()
    for (index, turn) in turns.enumerated() {
      said.append(.init(question: turn.question))
      let shown = pictures(said.map(\.question))
      guard shown <= grids.count else {
        throw PromptError.imageCount(marks: shown, images: grids.count, prompt: turn.question)
      }
      func extend(to text: String) throws {
        try self.extend(
          &state, to: text, writer.guardian, grids: grids[..<shown], prompt: turn.question)
      }
      let prompt = try writer.text(said, isPrompt: true)
      _ = try tail(prompt, behind: state.text, question: turn.question)
      try extend(to: prompt)
      said[index].answer = turn.answer
      var behind = try tail(
        writer.text(said, isPrompt: false), behind: prompt, question: turn.question)
      let isLast = index == turns.count - 1
      if !isLast {
        // An end that only the last answer has is not learned before.
        let next = try writer.text(said + [.init(question: turns[index + 1].question)], isPrompt: true)
        let other = try tail(next, behind: prompt, question: turns[index + 1].question)
        behind = common(behind, other)
      }
      let found = learned(behind)
      let start = state.ids.count
      try extend(to: prompt + found.text)
      if isLast, !found.hasEnd { state.ids.append(tokenizer.eosID) }
      guard state.ids.count > start + (isLast ? 1 : 0) else {
        throw PromptError.emptyAnswer(index: index, prompt: turn.question)
      }
      answers.append(start..<state.ids.count)
    }
    guard state.pictures == grids.count else {
      throw PromptError.imageCount(
        marks: state.pictures, images: grids.count, prompt: turns.first?.question ?? "")
    }
    return (state.ids, answers)
  }
}
