import Foundation
import LVLM
import Records

/// Single-image questions as files beside composed ones.
package struct SingleQuestions {
  let source: any QuestionSource
  let folder: URL

  package init(source: any QuestionSource, folder: URL) {
    self.source = source
    self.folder = folder
  }

  /// One question on file: as a composed record, without composition.
  package struct Row: JSONRow, Equatable {
    var id: String
    var image: String
    var prompt: String
    var answer: String
    var family: String
    /// What answers can claim about the picture; `nil` where nobody knows.
    var facts: [String: String]?

    package var json: OrderedJSON {
      let members: [OrderedJSON.Member] = [
        .init("id", .string(id)), .init("image", .string(image)), .init("prompt", .string(prompt)),
        .init("answer", .string(answer)), .init("family", .string(family)),
      ]
      return .object(members + (facts.map { [.init("facts", .texts($0))] } ?? []))
    }
  }

  /// Writes the first `count` records of a split with their pictures.
  @discardableResult
  package func write(count: Int, split: DataSplit, to name: String) throws -> [Row] {
    var rows: [Row] = []
    var written: Set<String> = []
    var names: [String: Int] = [:]
    for index in 0..<count {
      let record = try source.record(split, index)
      let path = source.file(of: record.image) ?? "images/" + record.image.path
      // Written anew even where it is there: a process that was cut off may have left it unfinished.
      if !path.hasPrefix("/"), written.insert(path).inserted {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try source.image(for: record.image).writePNG(to: url.path)
      }
      // Records of one file may have one id; answers are kept by it.
      names[record.id, default: 0] += 1
      let number = names[record.id] ?? 1
      rows.append(
        Row(
          id: "single-\(record.id)" + (number > 1 ? "#\(number)" : ""), image: path,
          prompt: record.prompt, answer: record.answer,
          family: record.family, facts: source.facts(of: record.image)))
    }
    try RowFile.write(rows, to: folder.appendingPathComponent(name))
    return rows
  }
}
