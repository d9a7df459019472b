import Foundation
import Records

/// A question of a benchmark's file.
package struct BenchmarkRow: Sendable {
  /// Where a picture of a row is.
  package enum Image: Hashable, Sendable {
    /// In base64, in the `image` cell of a row: the row's place in the file, and the picture's in the cell's
    /// list.
    case cell(row: Int, element: Int)
    /// In a file.
    case file(String)
  }

  /// What a free answer is compared with.
  package struct Reference: Sendable, Equatable {
    /// The letter of the right option, `Yes` or `No`, or the right text.
    package var text: String
    /// `integer`, `float`, `text` or `list` for MathVista's free-form questions.
    package var type: String?
  }

  /// The row's place in the file, from 0.
  package var place: Int
  /// The value of `index`.
  package var index: String
  package var question: String
  package var hint: String?
  /// Empty where the question is open.
  package var options: [OptionMatching.Option]
  /// nil in files without references.
  package var reference: Reference?
  package var images: [Image]
  /// The value of `split`.
  package var split: String?
  /// For each column of groups, the groups of this row.
  package var groups: [[String]]

  /// The number of the question when its options are shown in several orders: the index modulo a million, or
  /// `g_index`.
  package var circularGroup: Int?
}

/// What is wrong with a cell.
struct BenchmarkCellError: Error, Equatable {
  var column: String
  var found: String
  var expected: String

  /// `column image: found …, expected …`.
  var problem: String { "column \(column): found \(found), expected \(expected)" }
}

/// The rows of a benchmark's file, and what is wrong with the others.
package struct BenchmarkRows {
  let file: TSVFile
  let preset: BenchmarkPreset
  /// Rows to ask, in file order.
  package private(set) var rows: [BenchmarkRow] = []

  /// The files of their pictures, each once.
  package var pictureFiles: [String] {
    var seen: Set<String> = []
    return rows.flatMap(\.images).compactMap { image in
      if case .file(let path) = image, seen.insert(path).inserted { path } else { nil }
    }
  }

  /// What is wrong with rows that cannot be asked.
  package private(set) var problems: [DataError]
  /// Rows without a picture that were left out, as VLMEvalKit does.
  package private(set) var leftOut = 0
  /// Names of the columns of groups that the file has.
  package let groupNames: [String]

  private let cells: BenchmarkCells
  private let imageRoot: String

  /// Reads the rows of a file.
  /// - Parameters:
  ///   - imageRoot: where paths of pictures start; the folder of the file when nil.
  ///   - asksTextRows: whether rows without a picture are kept.
  ///   - limit: the number of rows to look at.
  /// - Throws: ``DataError`` when a column is missing.
  package init(
    _ file: TSVFile, preset: BenchmarkPreset, imageRoot: String?, asksTextRows: Bool, limit: Int?
  ) throws {
    self.file = file
    self.preset = preset
    self.imageRoot = imageRoot ?? FilePath.folder(of: file.path)
    let cells = BenchmarkCells(file)
    self.cells = cells
    try cells.require(preset.answers)
    problems = file.unequalRows
    groupNames = preset.groups.compactMap { cells.name(of: $0.names) }
    let places = file.rows.prefix(limit ?? .max).indices
    var placeOfIndex: [String: Int] = [:]
    var repeated: [Int: Int] = [:]
    for place in file.rows.indices {
      guard let index = cells.text(place, "index") else { continue }
      if let first = placeOfIndex[index] { repeated[place] = first } else { placeOfIndex[index] = place }
    }
    let columns = preset.groups.filter { cells.name(of: $0.names) != nil }
    for place in places {
      do {
        if let first = repeated[place] {
          throw BenchmarkCellError(
            column: "index", found: "an index that row \(file.rows[first].number) has too",
            expected: "another one")
        }
        guard let index = cells.text(place, "index") else {
          throw BenchmarkCellError(column: "index", found: "nothing", expected: "an index")
        }
        let images = try images(of: place, placeOfIndex)
        if images.isEmpty, !asksTextRows {
          leftOut += 1
          continue
        }
        rows.append(try row(place, index: index, images: images, columns: columns))
      } catch let error as BenchmarkCellError {
        problems.append(problem(error.problem, place: place))
      }
    }
    problems = Self.sorted(problems)
  }

  /// A problem of a row, with its line, index and number.
  func problem(_ text: String, place: Int) -> DataError {
    let row = file.rows[place]
    let index = cells.text(place, "index") ?? ""
    return DataError(
      file: "\(file.path):\(row.line)", record: "\(index)\(index.isEmpty ? "" : " ")(row \(row.number))",
      problem: text)
  }

  /// Takes rows that turned out unusable from those to ask.
  package mutating func leaveOut(_ found: [(place: Int, problem: DataError)]) {
    let places = Set(found.map(\.place))
    rows.removeAll { places.contains($0.place) }
    problems = Self.sorted(problems + found.map(\.problem))
  }

  /// Problems by line.
  private static func sorted(_ problems: [DataError]) -> [DataError] {
    func line(_ problem: DataError) -> Int {
      problem.file.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }
    return problems.sorted { line($0) < line($1) }
  }

  /// The text of the `image` cell of a row as the pictures it holds, in base64.
  func encodedPictures(_ place: Int) -> [String] {
    PythonList.elementsOrText(cells.text(place, "image") ?? "")
  }

  private func row(
    _ place: Int, index: String, images: [BenchmarkRow.Image], columns: [BenchmarkPreset.GroupColumn]
  ) throws -> BenchmarkRow {
    guard let question = cells.word(place, "question") else {
      throw BenchmarkCellError(column: "question", found: "nothing", expected: "a question")
    }
    let options = try cells.options(place, preset.answers)
    let groups = columns.map { column -> [String] in
      guard let name = cells.name(of: column.names), let text = cells.text(place, name) else { return [] }
      return switch column.cell {
      case .whole: [text]
      case .commas: text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      case .list: PythonList.elementsOrText(text)
      }
    }
    return BenchmarkRow(
      place: place, index: index, question: question, hint: cells.text(place, "hint"), options: options,
      reference: try cells.reference(place, preset.answers, options: options), images: images,
      split: cells.text(place, "split"), groups: groups,
      circularGroup: cells.text(place, "g_index").flatMap { Int($0) } ?? Int(index).map { $0 % 1_000_000 })
  }

  /// Cells up to this length are the index of the row whose pictures are meant (VLMEvalKit's limit).
  private static let longestIndex = 64

  private func images(of place: Int, _ placeOfIndex: [String: Int]) throws -> [BenchmarkRow.Image] {
    if let text = cells.text(place, "image", atMost: Self.longestIndex) {
      guard let other = placeOfIndex[text] else {
        throw BenchmarkCellError(
          column: "image", found: "\"\(text)\"", expected: "a picture in base64 or the index of another row")
      }
      guard cells.isLonger(other, "image", than: Self.longestIndex) else {
        let found = cells.text(other, "image").map { "\"\($0)\"" } ?? "nothing"
        throw BenchmarkCellError(
          column: "image", found: "index \(text), whose row \(file.rows[other].number) holds \(found)",
          expected: "the index of a row that holds a picture itself")
      }
      return encodedPictures(other).indices.map { .cell(row: other, element: $0) }
    }
    if cells.isLonger(place, "image", than: Self.longestIndex) {
      return encodedPictures(place).indices.map { .cell(row: place, element: $0) }
    }
    guard let paths = cells.text(place, "image_path") else { return [] }
    return try PythonList.elementsOrText(paths).map { path in
      let file = FilePath.join(imageRoot, path)
      guard FileManager.default.fileExists(atPath: file) else {
        throw BenchmarkCellError(
          column: "image_path", found: "no file \(file)",
          expected: "a picture (--image-root is where paths start)")
      }
      return .file(file)
    }
  }
}
