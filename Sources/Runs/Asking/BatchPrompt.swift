import Checkpoint
import Foundation
import MultiImageData
import Records
import Tensor

/// One prompt of a file: `{"id": …, "prompt": …, "images": […]}`.
struct BatchPrompt {
  let file: String
  let line: Int
  private(set) var id: String
  private(set) var text = ""
  /// Paths as the file has them, and where they are.
  private(set) var images: [String] = []
  private(set) var files: [String] = []
  /// The CRC-32 of each picture's file.
  private(set) var checksums: [String] = []

  /// Reads all prompts and all their pictures.
  /// - Throws: `UnusableRecords` with everything that is wrong, `DataError` for a file without records.
  static func read(_ file: String, console: Console = .silent) throws -> [BatchPrompt] {
    var prompts: [BatchPrompt] = []
    var problems: [DataError] = []
    var lines: [String: Int] = [:]
    try JSONRecordFile.forEach(file, broken: { problems.append($0) }) { record, number, line in
      do throws(DataError) {
        let prompt = try BatchPrompt(record, number: number, line: line, file: file)
        if let other = lines[prompt.id] {
          throw prompt.error("found the id in line \(other) and in line \(line), expected it once")
        }
        lines[prompt.id] = line
        prompts.append(prompt)
      } catch {
        problems.append(error)
      }
    }
    let unreadable = try PictureCheck(console: console).problems(of: prompts.flatMap(\.files))
    for prompt in prompts {
      problems += Set(prompt.files.compactMap { unreadable[$0] }).sorted().map { prompt.error($0) }
    }
    try refuse(problems)
    try addChecksums(to: &prompts)
    return prompts
  }

  private static func addChecksums(to prompts: inout [BatchPrompt]) throws {
    let files = Set(prompts.flatMap(\.files)).sorted()
    let sums = concurrently(files.count) { try StoredBytes.checksum(of: URL(fileURLWithPath: files[$0])) }
    var digits: [String: String] = [:]
    for (file, sum) in zip(files, sums) { digits[file] = CRC32.digits(try sum.get().crc32) }
    for index in prompts.indices { prompts[index].checksums = prompts[index].files.compactMap { digits[$0] } }
  }

  /// - Throws: `UnusableRecords` unless there is nothing in `problems`.
  static func refuse(_ problems: [DataError]) throws {
    guard problems.isEmpty else {
      throw UnusableRecords(problems.inFileOrder, remedy: "nothing is answered before they are mended")
    }
  }

  /// What is wrong with it, with its place.
  func error(_ problem: String) -> DataError {
    DataError(file: "\(file):\(line)", record: id, problem: problem)
  }

  private init(_ record: OrderedJSON, number: Int, line: Int, file: String) throws(DataError) {
    (self.file, self.line, id) = (file, line, "\(number)")
    guard case .object(let members) = record else {
      throw error("found \(record.kind), expected an object")
    }
    var hasPrompt = false
    func wrong(_ member: OrderedJSON.Member, _ expected: String) -> DataError {
      error("key '\(member.key)': found \(member.value.line), expected \(expected)")
    }
    for member in members {
      switch (member.key, member.value) {
      case ("id", .string(let value)): id = value
      case ("id", .integer(let value)): id = "\(value)"
      case ("id", _): throw wrong(member, "a text or a whole number")
      case ("prompt", .string(let value)): (text, hasPrompt) = (value, true)
      case ("images", .array(let values)):
        images = values.compactMap(\.text)
        if let value = values.first(where: { $0.text == nil }) {
          throw wrong(.init(member.key, value), "a path")
        }
      case ("image", .string(let path)): images = [path]
      case ("images", .null), ("image", .null): break
      case ("prompt", _), ("image", _): throw wrong(member, "a text")
      case ("images", _): throw wrong(member, "a list of paths")
      default: throw error("key '\(member.key)': is unknown, expected id, prompt, images")
      }
    }
    guard hasPrompt else { throw error("key 'prompt': is missing") }
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    files = images.map { URL(fileURLWithPath: $0, relativeTo: folder).path }
  }
}
