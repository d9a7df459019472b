import Records

/// The cells of a benchmark's file by the names of their columns, and what options and references they hold.
struct BenchmarkCells: Sendable {
  private let file: TSVFile
  private let places: [String: Int]
  private let letters: [String]

  init(_ file: TSVFile) {
    self.file = file
    // As VLMEvalKit has it, names are written in any case, but letters of options in capitals.
    var places: [String: Int] = [:]
    for (place, name) in file.columns.enumerated() {
      let isLetter = name.utf8.count == 1 && ("A"..."Z").contains(name)
      places[isLetter ? name : name.lowercased()] = place
    }
    self.places = places
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map(String.init).filter { places[$0] != nil }
  }

  /// The first of some names that the file has a column of.
  func name(of names: [String]) -> String? { names.first { places[$0] != nil } }

  /// The text of a cell; nil where it is empty or the column is not there.
  func text(_ row: Int, _ column: String) -> String? {
    places[column].flatMap { file.text(file.rows[row], $0) }
  }

  /// The text of a cell that holds words to ask or to compare: `None`, `nan` or `NA` is a word there, not an
  /// empty cell.
  func word(_ row: Int, _ column: String) -> String? {
    places[column].flatMap { file.word(file.rows[row], $0) }
  }

  /// The text of a cell of at most so many characters; nil for longer ones too.
  func text(_ row: Int, _ column: String, atMost limit: Int) -> String? {
    isLonger(row, column, than: limit) ? nil : text(row, column)
  }

  /// Whether a cell is longer than so many bytes, without reading it.
  func isLonger(_ row: Int, _ column: String, than limit: Int) -> Bool {
    places[column].map { file.rows[row].cells[$0].count > limit } ?? false
  }

  /// Throws when a column is missing that every row needs.
  func require(_ answers: BenchmarkPreset.Answers) throws {
    func missing(_ name: String) -> DataError {
      let found = file.columns.joined(separator: ", ")
      return DataError(
        file: file.path, problem: "found no column \(name) among \(found), expected it in the header")
    }
    for name in ["index", "question"] where places[name] == nil { throw missing(name) }
    guard places["image"] != nil || places["image_path"] != nil else { throw missing("image or image_path") }
    switch answers {
    case .choice, .choiceOrText:
      guard !letters.isEmpty else { throw missing("A") }
    case .optionText:
      guard places["candidates"] != nil || !letters.isEmpty else { throw missing("candidates") }
    case .typed:
      for name in ["question_type", "answer_type", "choices"] where places[name] == nil {
        throw missing(name)
      }
      guard places["answer"] == nil || places["answer_option"] != nil else { throw missing("answer_option") }
    case .yesNo, .parts, .text: break
    }
  }

  /// The options of a row; none where the question is open.
  func options(_ row: Int, _ answers: BenchmarkPreset.Answers) throws -> [OptionMatching.Option] {
    func listed(_ column: String) throws -> [OptionMatching.Option] {
      guard let text = text(row, column), let elements = PythonList.elements(of: text), !elements.isEmpty,
        elements.count <= 26, !elements.contains("")
      else {
        throw BenchmarkCellError(
          column: column, found: text(row, column).map { "\"\($0.prefix(40))\"" } ?? "nothing",
          expected: "a Python list of 1 to 26 options")
      }
      return zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", elements).map { .init(String($0), $1) }
    }
    switch answers {
    case .yesNo, .parts, .text: return []
    case .typed: return text(row, "question_type") == "multi_choice" ? try listed("choices") : []
    case .optionText where places["candidates"] != nil: return try listed("candidates")
    case .choice, .choiceOrText, .optionText:
      let options = letters.compactMap { letter in word(row, letter).map { OptionMatching.Option(letter, $0) }
      }
      guard answers == .choiceOrText || !options.isEmpty else {
        throw BenchmarkCellError(column: "A", found: "nothing", expected: "an option")
      }
      // Without option A the question is an open one there, whatever follows.
      return answers == .choiceOrText && options.first?.letter != "A" ? [] : options
    }
  }

  /// What is right; nil in a file without references.
  func reference(
    _ row: Int, _ answers: BenchmarkPreset.Answers, options: [OptionMatching.Option]
  ) throws -> BenchmarkRow.Reference? {
    guard places["answer"] != nil else { return nil }
    let column = answers == .typed && !options.isEmpty ? "answer_option" : "answer"
    guard let answer = word(row, column) else {
      throw BenchmarkCellError(column: column, found: "nothing", expected: "an answer")
    }
    func amongOptions(_ isIt: (OptionMatching.Option) -> Bool) throws -> BenchmarkRow.Reference {
      guard let option = options.first(where: isIt) else {
        let all = options.map { "\($0.letter) \"\($0.text.prefix(20))\"" }.joined(separator: ", ")
        throw BenchmarkCellError(
          column: column, found: "\"\(answer.prefix(40))\"", expected: "one of the row's options: \(all)")
      }
      return .init(text: option.letter)
    }
    switch answers {
    case .choice: return try amongOptions { $0.letter == answer }
    case .choiceOrText:
      return options.isEmpty ? .init(text: answer, type: "text") : try amongOptions { $0.letter == answer }
    case .optionText: return try amongOptions { $0.text == answer || $0.letter == answer }
    case .yesNo:
      guard let found = ["Yes", "No"].first(where: { $0.lowercased() == answer.lowercased() }) else {
        throw BenchmarkCellError(column: column, found: "\"\(answer.prefix(40))\"", expected: "Yes or No")
      }
      return .init(text: found)
    case .typed where !options.isEmpty: return try amongOptions { $0.letter == answer }
    case .typed:
      let type = text(row, "answer_type") ?? "text"
      guard let value = OpenMatching.value(of: answer, type: type) else {
        throw BenchmarkCellError(
          column: column, found: "\"\(answer.prefix(40))\"", expected: "a number, as answer_type is \(type)")
      }
      return .init(text: value, type: type)
    case .parts, .text: return .init(text: answer)
    }
  }
}
