/// A model's own chat template, run for every conversation as transformers' `apply_chat_template` does.
///
/// Of what people and models said every character is text: a special token's spelling in it is broken by a
/// character that no text has, and put together again behind the template.
final class ChatEngine: Sendable {
  /// One question with its answer, where it has one.
  struct Turn {
    var question: String
    var answer: String?
  }

  /// How contents are given to the template.
  enum Form: CaseIterable {
    /// As text.
    case texts
    /// As lists of `{"type": "text", …}` and `{"type": "image"}`.
    case parts
    /// Questions as lists, everything else as text.
    case questionParts
  }

  private let template: JinjaTemplate
  /// `bos_token` and its kin.
  private let names: [String: String]
  /// How a conversation with and without pictures is given; nil where the template has no place for it.
  private let forms: (pictures: Form?, texts: Form?)
  /// Whether pictures stay where they are among the words, without anything between.
  private let placesInline: Bool

  var source: String { template.source }

  /// Reads a template and tries it with a few conversations.
  ///
  /// - Parameter names: `bos_token` and its kin, as the vocabulary's files say them.
  /// - Throws: ``JinjaError`` for what cannot be read, or writes no conversation.
  init(_ source: String, names: [String: String]) throws {
    let template = try JinjaTemplate(source)
    (self.template, self.names) = (template, names)
    var problem: JinjaError?
    func first(_ pictures: Bool, _ order: [Form]) -> Form? {
      order.first { form in
        do {
          try Self.probe(template, names, form, pictures: pictures)
          return true
        } catch {
          // Nearer to a conversation than any other.
          let isBorder = "\(error)".contains("is not how a conversation")
          problem = isBorder ? error as? JinjaError : problem ?? error as? JinjaError
          return false
        }
      }
    }
    let texts = first(false, [.texts, .parts, .questionParts])
    guard texts != nil else { throw problem ?? JinjaError(1, "what writes no conversation") }
    // A template with a mark of its own for pictures is not given ours as text.
    let isForeign = [Form.parts, .questionParts].contains { Self.showsPictures(template, names, $0) }
    let pictures = first(true, isForeign ? [.parts, .questionParts] : [.parts, .questionParts, .texts])
    forms = (pictures, texts)
    let inline = ["A", Tokenizer.imageMark, "B", Tokenizer.imageMark, "C"].joined()
    placesInline =
      pictures == .texts
      || (try? Self.render(
        template, names, [Self.message("user", inline, pictures ?? .texts, isInline: true)],
        isPrompt: true))?.contains(inline) ?? false
  }

  // MARK: Messages

  private static func message(
    _ role: String, _ content: String, _ form: Form, isInline: Bool
  ) -> JinjaValue {
    guard form == .parts || (form == .questionParts && role == "user") else {
      return .mapping(["role": .text(role), "content": .text(content)])
    }
    var parts: [JinjaValue] = []
    func add(_ text: Substring) {
      if !text.isEmpty { parts.append(.mapping(["type": .text("text"), "text": .text(String(text))])) }
    }
    let chunks =
      role == "user"
      ? content.split(separator: Tokenizer.imageMark, omittingEmptySubsequences: false) : [content[...]]
    // What the template writes behind pictures that it moves takes the place of a line break behind a mark.
    for (index, chunk) in chunks.enumerated() {
      if index > 0 { parts.append(.mapping(["type": .text("image")])) }
      add(index > 0 && !isInline && chunk.hasPrefix("\n") ? chunk.dropFirst() : chunk)
    }
    if parts.isEmpty { parts.append(.mapping(["type": .text("text"), "text": .text("")])) }
    return .mapping(["role": .text(role), "content": .list(parts)])
  }

  /// - Parameter units: see ``JinjaWork``; a trial's few words need but a small part of the usual ones.
  private static func render(
    _ template: JinjaTemplate, _ names: [String: String], _ messages: [JinjaValue], isPrompt: Bool,
    units: Int = JinjaWork.usual / 32
  ) throws -> String {
    var values = names.mapValues(JinjaValue.text)
    values["messages"] = .list(messages)
    values["add_generation_prompt"] = .boolean(isPrompt)
    for name in ["tools", "documents"] { values[name] = JinjaValue.none }
    return try template.render(values, units: units)
  }

  /// - Throws: ``JinjaError`` unless a conversation in this form shows all of its texts in their order, and
  ///   its pictures.
  private static func probe(
    _ template: JinjaTemplate, _ names: [String: String], _ form: Form, pictures: Bool
  ) throws {
    let mark = pictures ? Tokenizer.imageMark : ""
    let words = ["kuqa", "vexo", "zilu"]
    let messages = [("user", mark + words[0]), ("assistant", words[1]), ("user", words[2])]
      .map { message($0.0, $0.1, form, isInline: false) }
    for count in [1, 3] {
      let text = try render(template, names, Array(messages.prefix(count)), isPrompt: true)
      var rest = text[...]
      for word in words.prefix(count) {
        guard let found = rest.firstRange(of: word) else {
          throw JinjaError(1, "a template that does not write what is said")
        }
        rest = rest[found.upperBound...]
      }
      guard !text.contains("'type'"), !text.contains("\"type\"") else {
        throw JinjaError(1, "a template that writes messages as data")
      }
      let shown = text.ranges(of: Tokenizer.imageMark).count
      guard shown == (pictures ? 1 : 0) else {
        throw JinjaError(1, "a template that writes \(shown) <image> for \(pictures ? 1 : 0) pictures")
      }
    }
    let prompt = try render(template, names, Array(messages.prefix(1)), isPrompt: true)
    let whole = try render(template, names, Array(messages.prefix(2)), isPrompt: false)
    guard whole.contains(words[1]) else {
      throw JinjaError(1, "a template that does not write answers")
    }
    guard whole.utf8.starts(with: prompt.utf8) else {
      throw JinjaError(
        1,
        "a template whose prompt (…\(prompt.suffix(24).debugDescription)) is not how a conversation with "
          + "its answer begins")
    }
  }

  /// Whether a template writes something for a picture.
  private static func showsPictures(
    _ template: JinjaTemplate, _ names: [String: String], _ form: Form
  ) -> Bool {
    let texts = ["", Tokenizer.imageMark].map { mark in
      try? render(template, names, [message("user", mark + "kuqa", form, isInline: false)], isPrompt: true)
    }
    guard let without = texts[0], let with = texts[1], without.contains("kuqa"), with.contains("kuqa"),
      !with.contains("'type'")
    else { return false }
    return without != with
  }

  /// A character that none of these texts has, to break special tokens in them.
  ///
  /// - Throws: ``JinjaError`` where there is none.
  static func guardian(for texts: [String]) throws -> Unicode.Scalar {
    let free = (UInt32(0xFDD0)...0xFDEF).lazy.compactMap(Unicode.Scalar.init).first { scalar in
      !texts.contains { $0.unicodeScalars.contains(scalar) }
    }
    guard let free else { throw JinjaError(1, "texts with all noncharacters from U+FDD0 to U+FDEF") }
    return free
  }

  /// A conversation as the template writes it, the spelling of special tokens in what was said broken by a
  /// character.
  ///
  /// - Parameters:
  ///   - system: a message before it.
  ///   - turns: questions with their answers; `<image>` in a question is a picture.
  ///   - specials: what is a token where the template writes it and text where a person does.
  ///   - isPrompt: whether an answer is asked for.
  /// - Throws: ``JinjaError`` for what the template refuses.
  func render(
    system: String?, turns: [Turn], specials: [String], guardian: Unicode.Scalar, isPrompt: Bool
  ) throws -> String {
    let marks = AddedTokens(specials.enumerated().map { .init(text: $1, id: Int32($0), isSpecial: true) })
    func guarded(_ text: String, keepsPictures: Bool = false) -> String {
      marks.parts(text).map { part in
        switch part {
        case .text(let scalars): return String(scalars)
        case .token(let id):
          let mark = specials[Int(id)]
          if keepsPictures, mark == Tokenizer.imageMark { return mark }
          return String(mark.unicodeScalars.prefix(1)) + String(guardian)
            + String(mark.unicodeScalars.dropFirst())
        }
      }.joined()
    }
    let hasPictures = turns.contains { $0.question.contains(Tokenizer.imageMark) }
    guard let form = hasPictures ? forms.pictures : forms.texts else {
      throw JinjaError(1, "a picture, for which the chat template has no <image>")
    }
    func message(_ role: String, _ text: String) -> JinjaValue {
      Self.message(role, text, form, isInline: placesInline)
    }
    var messages = system.map { [message("system", guarded($0))] } ?? []
    for turn in turns {
      messages.append(message("user", guarded(turn.question, keepsPictures: true)))
      if let answer = turn.answer { messages.append(message("assistant", guarded(answer))) }
    }
    return try Self.render(template, names, messages, isPrompt: isPrompt, units: JinjaWork.usual)
  }
}

extension ChatEngine: Equatable {
  static func == (a: ChatEngine, b: ChatEngine) -> Bool {
    a.source.utf8.elementsEqual(b.source.utf8) && a.names == b.names
  }
}

extension JinjaValue {
  fileprivate static func mapping(_ members: KeyValuePairs<String, JinjaValue>) -> JinjaValue {
    .mapping(JinjaMapping(members))
  }
}
