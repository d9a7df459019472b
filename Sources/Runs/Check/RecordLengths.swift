import DPOTrain
import Evaluation
import LVLM
import MultiImageData
import Records

/// Which records of a source do not fit the model's context in a form in which a run will ask them, with the
/// answers that are learned or the room that answers need.
///
/// A text has no more tokens than bytes, but for what a vocabulary puts before a piece of text: most records
/// need no vocabulary to be found short enough.
struct RecordLengths {
  let configuration: RunConfiguration
  let source: any QuestionSource
  /// Whether the vocabulary may spell a character in more tokens than it has bytes.
  private let bytesPerToken: Int
  private let geometry: any PictureGeometry
  private let template: ChatTemplate
  private let context: Int

  /// - Parameters:
  ///   - geometry: of pictures.
  ///   - context: tokens that a prompt and its answer may have together.
  private init(
    _ configuration: RunConfiguration, source: any QuestionSource, geometry: any PictureGeometry,
    context: Int, template: ChatTemplate
  ) {
    self.template = template
    self.configuration = configuration
    self.source = source
    self.geometry = geometry
    self.context = context
    // Normalisation can make several characters of one, which vocabularies made here do not.
    bytesPerToken = configuration.model.path == nil && configuration.model.languageModel == nil ? 1 : 4
  }

  /// With the shape of the model that a run will train or ask.
  init(_ configuration: RunConfiguration, source: any QuestionSource, encoder: RunEncoder) throws {
    let shape = try encoder.shape()
    self.init(
      configuration, source: source, geometry: try encoder.geometry(), context: shape.text.contextLength,
      template: try encoder.template())
  }

  /// What is wrong with a composed prompt that selection will ask and preference training may learn.
  func problem(of record: ComposedRecord, encoder: RunEncoder) throws -> String? {
    for template in [template, configuration.select.template?.chatTemplate ?? template] {
      let form = Form(
        name: "as a prompt", images: record.images.count,
        turns: [.init(question: record.prompt, answer: record.answer)],
        room: configuration.select.maxNewTokens,
        template: template)
      if let problem = try problem(of: form, encoder: encoder) { return problem }
    }
    return nil
  }

  private func problem(of form: Form, encoder: RunEncoder) throws -> String? {
    guard bound(form) > context else { return nil }
    let tokens = try count(form, try encoder.encoder(form.template))
    guard tokens > context else { return nil }
    let answer = form.room > 0 ? ", room for an answer of \(form.room) included" : ""
    // Which pictures a composed prompt will show is not known yet.
    let size = geometry.fixed == nil ? ", pictures as large as any" : ""
    return
      "\(form.name): found \(tokens) tokens\(answer)\(size), expected at most \(context) (the context length)"
  }

  /// A form in which a record is asked or learned.
  private struct Form {
    var name: String
    var images: Int
    /// Questions and answers in turn.
    var turns: [Conversation.Turn]
    /// Tokens for an answer that is not known yet.
    var room: Int
    /// Whether later questions follow the first answer.
    var template: ChatTemplate
  }

  /// The records of all splits that are too long for what stages will ask, in the order of their lines.
  static func problems(
    _ configuration: RunConfiguration, source: any QuestionSource, stages: Set<Stage>, encoder: RunEncoder
  ) throws -> (problems: [DataError], left: [DataSplit: Set<Int>], stages: [Stage: [DataError]]) {
    let lengths = try RecordLengths(configuration, source: source, encoder: encoder)
    var problems: [DataError] = []
    var left: [DataSplit: Set<Int>] = [:]
    var byStage: [Stage: [DataError]] = [:]
    for split in DataSplit.allCases {
      let found = try lengths.problems(split, stages: stages, encoder: encoder)
      problems += found.map(\.problem)
      left[split] = Set(found.map(\.index))
      let stage: Stage =
        switch split {
        case .sft: .sft
        case .preference: .compose
        case .validation: configuration.evaluate.split == .val ? .evaluate : .sft
        case .test: .evaluate
        }
      byStage[stage, default: []] += found.map(\.problem)
    }
    return (problems.inFileOrder, left, byStage)
  }

  private func problems(
    _ split: DataSplit, stages: Set<Stage>, encoder: RunEncoder
  ) throws -> [(index: Int, problem: DataError)] {
    var problems: [(index: Int, problem: DataError)] = []
    let drawn = split == .sft ? try longestDrawn() : nil
    for index in 0..<source.count(of: split) {
      let record = try source.record(split, index)
      for form in forms(of: record, split: split, stages: stages, drawn: drawn) {
        guard let problem = try problem(of: form, encoder: encoder) else { continue }
        problems.append(
          (index, DataError(file: source.place(of: record), record: record.id, problem: problem)))
        break
      }
    }
    return problems
  }

  /// The longest question and the longest answer that may be drawn to fill a conversation up; `nil` where
  /// none is. Any question may be drawn for any picture, and any wording of its answer.
  private func longestDrawn() throws -> SingleImageRecord.Turn? {
    guard source.answersAboutAnyImage else { return nil }
    var longest = SingleImageRecord.Turn(question: "", answer: "")
    for index in 0..<source.count(of: .sft) {
      let record = try source.record(.sft, index)
      if record.question.utf8.count > longest.question.utf8.count { longest.question = record.question }
      for answer in source.answerWordings(to: record.question, about: record.image) + [record.answer]
      where answer.utf8.count > longest.answer.utf8.count {
        longest.answer = answer
      }
    }
    if !configuration.sft.composed.levelShares.isEmpty {
      for turn in LevelTexts(source, split: .sft).longest(configuration.sft.composed.levelShares.map(\.level))
      {
        if turn.question.utf8.count > longest.question.utf8.count { longest.question = turn.question }
        if turn.answer.utf8.count > longest.answer.utf8.count { longest.answer = turn.answer }
      }
    }
    return longest
  }

  /// What is too long of the prompts of levels 2 and 3 in their longest wording, with the key that asks for
  /// them.
  func levelProblems(_ stages: Set<Stage>, encoder: RunEncoder) throws -> [(key: String, problem: String)] {
    let (compose, evaluate, select) = (configuration.compose, configuration.evaluate, configuration.select)
    typealias Use = (
      key: String, level: PromptLevel, kind: CompositionKind, count: Int, split: DataSplit, room: Int
    )
    var uses: [Use] = []
    if stages.contains(.compose), compose.path == nil {
      uses += compose.levels.compactMap { one in
        one.mix.entries.filter { $0.records > 0 }.map(\.images).max().map {
          ("compose.\(one.key)", one.level, one.kind, $0, .preference, select.maxNewTokens)
        }
      }
    }
    if stages.contains(.evaluate) {
      let split: DataSplit = evaluate.split == .val ? .validation : .test
      uses += evaluate.levels.filter { $0.count > 0 }.compactMap { one in
        one.counts.max().map {
          ("evaluate.\(one.key)", one.level, one.kind, $0, split, evaluate.maxNewTokens)
        }
      }
    }
    if stages.contains(.sft), configuration.sft.maxSteps > 0, configuration.sft.evalSteps > 0 {
      let plan = ValidationLook.plan(configuration.sft.composed, count: configuration.sft.evalQuestions)
      uses += plan.entries.compactMap { entry in
        entry.level.map {
          ("sft.composed.\($0.name)", $0, entry.kind, entry.count, .validation, evaluate.maxNewTokens)
        }
      }
    }
    return try uses.compactMap { use in
      let templates =
        use.split == .preference ? [template, select.template?.chatTemplate ?? template] : [template]
      for turn in LevelTexts(source, split: use.split).longest([use.level]) {
        for template in templates {
          let form = Form(
            name: "a prompt of \(use.count) pictures", images: use.kind == .sequence ? use.count : 1,
            turns: [
              .init(
                question: PromptRewriting.imageBlock(use.kind, count: use.count) + turn.question,
                answer: turn.answer)
            ], room: use.room, template: template)
          if let problem = try problem(of: form, encoder: encoder) { return (use.key, problem) }
        }
      }
      return nil
    }
  }

  /// Turns with as many drawn ones as fill a conversation up.
  private static func filled(
    _ turns: [SingleImageRecord.Turn], to count: Int, with drawn: SingleImageRecord.Turn?
  ) -> [SingleImageRecord.Turn] {
    guard let drawn, count > turns.count else { return turns }
    return turns + Array(repeating: drawn, count: count - turns.count)
  }

  private static func name(_ turns: [SingleImageRecord.Turn], own: Int, key: String) -> String {
    "of \(turns.count) turns" + (turns.count > own ? ", \(turns.count - own) of them drawn (\(key))" : "")
  }

  /// The longest forms in which stages see a record.
  private func forms(
    of record: SingleImageRecord, split: DataSplit, stages: Set<Stage>, drawn: SingleImageRecord.Turn?
  ) -> [Form] {
    switch split {
    case .sft:
      guard stages.contains(.sft), configuration.sft.maxSteps > 0 else { return [] }
      let later = source.trainedTurns(of: record)
      let own = [SingleImageRecord.Turn(question: record.question, answer: record.answer)] + later
      let single = Self.filled(own, to: configuration.sft.questionsPerImage, with: drawn)
      let first = Conversation.Turn(question: record.prompt, answer: record.answer)
      var forms = [
        Form(
          name: "as a conversation "
            + Self.name(single, own: own.count, key: "sft.questions_per_image"), images: 1,
          turns: [first] + single.dropFirst().map { .init(question: $0.question, answer: $0.answer) },
          room: 0, template: template)
      ]
      let all = Self.filled(own, to: configuration.sft.composed.questions, with: drawn)
      let shown = configuration.sft.composed.shown
      for kind in CompositionKind.allCases {
        guard let count = shown.filter({ $0.kind == kind }).map(\.count).max() else { continue }
        let images = kind == .sequence ? count : 1
        let block = PromptRewriting.imageBlock(kind, count: count)
        forms.append(
          Form(
            name: "as a conversation about \(count) pictures (sft.composed.\(kind.rawValue)) "
              + Self.name(all, own: own.count, key: "sft.composed.questions"), images: images,
            turns: all.enumerated().map { number, turn in
              let whole = PromptRewriting.prompt(
                turn.question, kind: kind, target: count, count: count, phrase: Self.longestPhrase)
              return .init(
                question: number == 0 ? whole : String(whole.dropFirst(block.count)), answer: turn.answer)
            }, room: 0, template: template))
      }
      return forms
    case .preference:
      guard stages.contains(.compose) else { return [] }
      let (compose, select) = (configuration.compose, configuration.select)
      var kinds: [(CompositionKind, Int)] = []
      for (kind, mix) in [(CompositionKind.sequence, compose.sequence), (.grid, compose.grid)] {
        let counts = mix.entries.filter { $0.records > 0 }.map(\.images)
        if let most = counts.max() { kinds.append((kind, most)) }
      }
      if compose.picInPic.total > 0 { kinds.append((.pictureInPicture, 2)) }
      if compose.path != nil { kinds = [] }
      return [template, select.template?.chatTemplate ?? template].flatMap { template in
        composed(record, kinds, single: compose.single > 0, room: select.maxNewTokens, template)
      }
    case .validation, .test:
      let evaluate = configuration.evaluate
      let isAsked = (evaluate.split == .val) == (split == .validation)
      let isEvaluated = stages.contains(.evaluate) && isAsked && evaluate.questions > 0
      let looks = looks(split)
      guard isEvaluated || (stages.contains(.sft) && looks != nil) else { return [] }
      var kinds = looks ?? []
      if isEvaluated {
        kinds.append((.pictureInPicture, 2))
        if let most = evaluate.sequenceCounts.max() { kinds.append((.sequence, most)) }
        if let most = evaluate.gridCounts.max() { kinds.append((.grid, most)) }
      }
      return composed(record, kinds, single: true, room: evaluate.maxNewTokens, template)
    }
  }

  /// The largest of every format that looks during supervised training ask about; `nil` where nothing looks.
  private func looks(_ split: DataSplit) -> [(CompositionKind, Int)]? {
    let sft = configuration.sft
    guard split == .validation, sft.maxSteps > 0, sft.evalSteps > 0 else { return nil }
    return CompositionKind.allCases.compactMap { kind in
      sft.composed.weights.filter { $0.kind == kind }.map(\.count).max().map { (kind, $0) }
    }
  }

  private func composed(
    _ record: SingleImageRecord, _ kinds: [(CompositionKind, Int)], single: Bool, room: Int,
    _ template: ChatTemplate
  ) -> [Form] {
    let answer = record.answer
    var forms = kinds.map { kind, count in
      Form(
        name: kind == .sequence
          ? "as a sequence of \(count) images" : "as \(kind == .grid ? "a grid" : "a picture in a picture")",
        images: kind == .sequence ? count : 1,
        turns: [
          .init(
            question: PromptRewriting.prompt(
              record.question, kind: kind, target: count, count: count, phrase: Self.longestPhrase),
            answer: answer)
        ], room: room, template: template)
    }
    if single {
      forms.append(
        Form(
          name: "as a question", images: 1, turns: [.init(question: record.prompt, answer: answer)],
          room: room,
          template: template))
    }
    return forms
  }

  private static let longestPhrase = PromptRewriting.centrePhrases.max { $0.utf8.count < $1.utf8.count } ?? ""

  /// More tokens than the form can have, its pictures as large as any.
  private func bound(_ form: Form) -> Int {
    let texts = form.turns.enumerated().reduce(0) { sum, entry in
      let before = entry.offset == 0 ? form.template.beforeQuestion : form.template.beforeLaterQuestion
      return sum + before.utf8.count + entry.element.question.utf8.count
        + form.template.afterQuestion.utf8.count
        + entry.element.answer.utf8.count
    }
    // Each chunk of text may begin with a token of its own, spelled in up to three; each answer ends with
    // one.
    let extra = 4 * (form.images + 1) + 8 * form.turns.count
    let perImage = geometry.largest(isAlone: form.images == 1).mostTokens
    return bytesPerToken * texts + extra + form.images * perImage + form.room
  }

  private func count(_ form: Form, _ encoder: PromptEncoder) throws -> Int {
    let encoded = try encoder.conversation(
      form.turns.map { ($0.question, $0.answer) }, imageCount: form.images)
    let (tokens, last) = (encoded.ids.count, encoded.answers.last?.count ?? 0)
    // An answer that is asked for takes the place of the known one.
    return form.room > 0 ? tokens - last + max(last, form.room) : tokens
  }
}
