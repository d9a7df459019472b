/// A prompt or an answer that cannot be turned into a sequence.
public enum PromptError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The prompt has another number of `<image>` marks than there are pictures.
  case imageCount(marks: Int, images: Int, prompt: String)
  /// The prompt, or a conversation that begins with it, does not fit into the context of the model.
  case tooLong(tokens: Int, context: Int, prompt: String)
  /// The prompt fits, but not with the answer of this index after it.
  case answerTooLong(index: Int, tokens: Int, promptTokens: Int, context: Int, answer: String)
  /// The prompt fits, but not with the tokens that shall be generated after it.
  case noRoom(tokens: Int, room: Int, context: Int, prompt: String)
  /// A token of the vocabulary that the model has no embedding of, such as another template's mark.
  case notEmbedded(token: String, id: Int, count: Int)
  /// An answer without text.
  case emptyAnswer(index: Int, prompt: String)
  /// The model's own chat template refuses the conversation, or writes it so that no prompt can be told.
  case template(problem: String, prompt: String)

  /// One line: what was found, what was expected, the beginning of the prompt.
  public var description: String { description(answers: []) }

  /// As ``description``, with names for the answers in their order.
  package func description(answers names: [String]) -> String {
    func answer(_ index: Int) -> String {
      names.indices.contains(index) ? names[index] : "answer \(index)"
    }
    func excerpt(_ prompt: String) -> String {
      let line = prompt.replacing("\n", with: "⏎")
      return line.count <= 60 ? "\"\(line)\"" : "\"\(line.prefix(59))…\""
    }
    switch self {
    case .imageCount(let marks, let images, let prompt):
      return "prompt \(excerpt(prompt)): found \(marks) <image> marks, expected \(images), one per image"
    case .notEmbedded(let token, let id, let count):
      return "token \(token): found the id \(id), expected one of the \(count) that the model embeds; a chat "
        + "template whose marks these are fits the model"
    case .tooLong(let tokens, let context, let prompt):
      return
        "prompt \(excerpt(prompt)): found \(tokens) tokens, expected at most \(context) (the context length)"
    case .template(let problem, let prompt):
      return "prompt \(excerpt(prompt)): the model's chat template: \(problem)"
    case .answerTooLong(let index, let tokens, let promptTokens, let context, let text):
      return "\(answer(index)) \(excerpt(text)): found \(tokens) tokens after a prompt of \(promptTokens), "
        + "expected at most \(context - promptTokens): \(context) together (the context length)"
    case .noRoom(let tokens, let room, let context, let prompt):
      return "prompt \(excerpt(prompt)): found \(tokens) tokens and \(room) for an answer, expected at most "
        + "\(context) together (the context length)"
    case .emptyAnswer(let index, let prompt):
      return "prompt \(excerpt(prompt)): \(answer(index)) is empty, expected text"
    }
  }
}

/// Turns questions with `<image>` marks, and their answers, into token ids the way LLaVA does.
///
/// The text is cut at every mark and each chunk is encoded on its own (so each begins with the dummy prefix
/// of a SentencePiece vocabulary), bos comes first and once where the vocabulary has it so, and each mark
/// becomes what the frame of its picture shows: image tokens, one for each feature, and the words around
/// them.
public struct PromptEncoder: Sendable {
  /// The vocabulary.
  public let tokenizer: Tokenizer
  /// The template around a question.
  package(set) public var template: ChatTemplate
  /// How many features pictures have.
  public let geometry: any PictureGeometry
  /// Tokens that a prompt and its answer may have together.
  public let contextLength: Int
  /// Ids that the model has an embedding of.
  private let vocabularySize: Int
  /// Id that stands for one image feature.
  public let imageTokenID: Int32

  /// An encoder for a model of this configuration.
  /// - Parameter geometry: of its pictures; each is one view when nil.
  public init(
    tokenizer: Tokenizer, template: ChatTemplate, configuration: any FamilyConfiguration,
    geometry: (any PictureGeometry)? = nil
  ) {
    self.tokenizer = tokenizer
    self.template = template
    self.geometry = geometry ?? FixedGeometry(configuration.viewGrid)
    contextLength = configuration.text.contextLength
    vocabularySize = configuration.text.vocabularySize
    imageTokenID = Int32(configuration.imageTokenIndex)
  }

  /// A stretch of a prompt.
  enum Part {
    case text(String)
    case token(Int32)
    case image
    case features(Int)
  }

  /// Ids of a whole prompt text, the template already in it; the template's special tokens stand for
  /// themselves.
  ///
  /// - Parameter grids: the features of its pictures, in the order of the marks.
  /// - Throws: ``PromptError/imageCount(marks:images:prompt:)`` unless it has as many marks.
  public func encode(_ prompt: String, grids: [FeatureGrid]) throws -> [Int32] {
    try encode(parts(prompt, findsTokens: true), grids: grids, prompt: prompt)
  }

  /// As ``encode(_:grids:)``, with pictures of which only the number is known: each counts as one with the
  /// most features.
  public func encode(_ prompt: String, imageCount: Int) throws -> [Int32] {
    try encode(prompt, grids: Array(repeating: geometry.largest(isAlone: imageCount == 1), count: imageCount))
  }

  /// Ids of parts of a prompt.
  /// - Parameter isFirst: whether the prompt begins with them; otherwise they come after an answer.
  func encode(
    _ parts: [Part], grids: [FeatureGrid], prompt: String, isFirst: Bool = true
  ) throws -> [Int32] {
    let marks = parts.count { if case .image = $0 { true } else { false } }
    guard marks == grids.count else {
      throw PromptError.imageCount(marks: marks, images: grids.count, prompt: prompt)
    }
    var pictures = grids.makeIterator()
    let shown = joined(
      parts.flatMap { part in
        if case .image = part { self.parts(pictures.next()?.frame ?? []) } else { [part] }
      })
    for case .token(let id) in shown where id >= vocabularySize {
      let mark = template.marks.first { tokenizer.id(of: $0) == id }
      throw PromptError.notEmbedded(token: mark ?? "\(id)", id: Int(id), count: vocabularySize)
    }
    return (isFirst && tokenizer.addsBOS ? [tokenizer.bosID] : []) + (try ids(of: shown))
  }

  func ids(of parts: [Part]) throws -> [Int32] {
    try parts.enumerated().flatMap { index, part -> [Int32] in
      switch part {
      case .text(let text): try tokenizer.encode(text, isFirst: index == 0)
      case .token(let id): [id]
      case .features(let count): Array(repeating: imageTokenID, count: count)
      case .image: []
      }
    }
  }

  /// What a prompt shows of a picture. Words are read as the vocabulary reads them: some of it are tokens.
  private func parts(_ frame: [FeatureGrid.FramePart]) -> [Part] {
    frame.flatMap { part -> [Part] in
      switch part {
      case .features(let count): [.features(count)]
      case .text(let text): tokenizer.parts(text).map(Part.init)
      }
    }
  }

  /// A text cut at its `<image>` marks and, where asked for, at the template's special tokens.
  func parts(_ text: String, findsTokens: Bool) -> [Part] {
    let marks = AddedTokens(
      template.marks.compactMap { mark in
        tokenizer.id(of: mark).map { .init(text: mark, id: $0, isSpecial: true) }
      })
    var parts: [Part] = []
    for (index, chunk) in text.split(
      separator: Tokenizer.imageMark, omittingEmptySubsequences: false
    ).enumerated() {
      if index > 0 { parts.append(.image) }
      guard findsTokens, !marks.tokens.isEmpty else {
        parts.append(.text(String(chunk)))
        continue
      }
      parts += marks.parts(String(chunk)).map(Part.init)
    }
    return parts
  }

  /// The parts of a question in its template. Neighbouring texts are one: a vocabulary may join across the
  /// border.
  private func parts(question: String) -> [Part] {
    joined(
      parts(template.beforeQuestion, findsTokens: true)
        + parts(template.opened(question), findsTokens: false)
        + parts(template.afterQuestion, findsTokens: true))
  }

  func joined(_ parts: [Part]) -> [Part] {
    var joined: [Part] = []
    for part in parts {
      if case .text(let text) = part, case .text(let before)? = joined.last {
        joined[joined.count - 1] = .text(before + text)
      } else {
        joined.append(part)
      }
    }
    return joined
  }

  /// Ids of a further question of a conversation, up to where its answer begins. It shows no pictures.
  ///
  /// - Throws: as ``Tokenizer/encode(_:)``.
  public func encode(laterQuestion question: String) throws -> [Int32] {
    try ids(
      of: joined(
        parts(template.beforeLaterQuestion, findsTokens: true) + [.text(template.beforeText + question)]
          + parts(template.afterQuestion, findsTokens: true)))
  }

  /// Ids of an answer: its text, what the template writes behind it, then eos.
  /// - Parameter isLast: whether the conversation ends with it: some templates have eos only there.
  /// - Throws: as ``Tokenizer/encode(_:)``.
  public func encode(answer: String, isLast: Bool = true) throws -> [Int32] {
    let text = template.beforeAnswer + answer
    guard let ends = template.answerEnds else { return try tokenizer.encode(text) + [tokenizer.eosID] }
    return isLast
      ? try tokenizer.encode(text + ends.last) + [tokenizer.eosID] : try tokenizer.encode(text + ends.inner)
  }

  /// A question in the template, with its pictures and any number of answers.
  ///
  /// - Parameters:
  ///   - question: text with one `<image>` mark per picture.
  ///   - images: indices into the image features, in the order of the marks.
  ///   - grids: the features of these pictures; without it each counts as one with the most features.
  ///   - answers: texts to score or to learn; none for generation.
  ///   - room: tokens that shall still fit after the prompt, for generation.
  /// - Throws: ``PromptError``.
  public func example(
    question: String, images: [Int], grids: [FeatureGrid]? = nil, answers: [String] = [], room: Int = 0
  ) throws -> PackedExample {
    let grids = grids ?? images.map { _ in geometry.largest(isAlone: images.count == 1) }
    if let engine = template.engine {
      return try example(
        engine, system: nil, history: [], question: question, images: images, grids: grids, answers: answers,
        room: room)
    }
    let promptIDs = try encode(parts(question: question), grids: grids, prompt: template.prompt(question))
    return try example(promptIDs, question: question, images: images, answers: answers, room: room)
  }

  /// As ``example(question:images:grids:answers:room:)``, of a prompt that is encoded already.
  func example(
    _ promptIDs: [Int32], question: String, images: [Int], answers: [String], room: Int
  ) throws -> PackedExample {
    var completions: [[Int32]] = []
    let nothing = try encode(answer: "")
    for (index, answer) in answers.enumerated() {
      guard answer.contains(where: { !$0.isWhitespace }) else {
        throw PromptError.emptyAnswer(index: index, prompt: question)
      }
      let completion = try encode(answer: answer)
      // A vocabulary may leave out all there is, such as characters without width.
      guard completion != nothing else { throw PromptError.emptyAnswer(index: index, prompt: question) }
      completions.append(completion)
    }
    let (length, room) = (promptIDs.count, min(room, 1 << 40))
    guard length <= contextLength else {
      throw PromptError.tooLong(tokens: length, context: contextLength, prompt: question)
    }
    guard length + room <= contextLength else {
      throw PromptError.noRoom(tokens: length, room: room, context: contextLength, prompt: question)
    }
    if let index = completions.firstIndex(where: { length + $0.count > contextLength }) {
      throw PromptError.answerTooLong(
        index: index, tokens: completions[index].count, promptTokens: length, context: contextLength,
        answer: answers[index])
    }
    return PackedExample(promptIDs: promptIDs, images: images, completions: completions)
  }
}

extension PromptEncoder.Part {
  fileprivate init(_ part: AddedTokens.Part) {
    switch part {
    case .text(let scalars): self = .text(String(scalars))
    case .token(let id): self = .token(id)
    }
  }
}
