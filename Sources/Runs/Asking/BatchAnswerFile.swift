import Checkpoint
import Foundation
import Records

/// The file of a batch's answers: one process writes to it, and a call goes on with what an earlier one left.
struct BatchAnswerFile {
  /// One answer.
  struct Row: JSONRow {
    var id: String
    var prompt: String
    var images: [String]
    /// Of the pictures' files.
    var images_crc32: [String]
    var answer: String
    var finish_reason: String
    var tokens: Int
    /// What the answer depends on beside the prompt, by name.
    var settings: [Setting]

    var json: OrderedJSON {
      .members([
        "id": .string(id), "prompt": .string(prompt), "images": .array(images.map(OrderedJSON.string)),
        "images_crc32": .array(images_crc32.map(OrderedJSON.string)), "answer": .string(answer),
        "finish_reason": .string(finish_reason), "tokens": .integer(tokens),
        "settings": .object(settings.map { .init($0.name, .string($0.value)) }),
      ])
    }
  }

  /// Something an answer depends on.
  struct Setting: Equatable {
    var name: String
    var value: String
  }

  /// What an earlier call left.
  struct Earlier {
    /// The prompts that are answered, by their places.
    var answered: Set<Int> = []
    /// Bytes up to the end of the last whole line.
    var bytes = 0
    /// Whether a line follows them that a kill cut short.
    var isCut = false
  }

  private let url: URL
  private let lock: FileLock
  private let wasThere: Bool

  /// Takes the file for this process, and makes it where it is missing.
  /// - Throws: `DataError` where another process has it, or it cannot be written.
  init(_ url: URL) throws {
    self.url = url
    wasThere = FileKind(url.path) == .file
    do {
      lock = try FileLock(url, directory: url.path, isOwnFile: false)
    } catch RunDirectoryError.locked(_, let holder) {
      throw DataError(
        file: url.path,
        problem: "another process\(holder) writes its answers here; wait for it, or choose another --output")
    } catch RunDirectoryError.cannotCreate(_, let reason) {
      throw DataError(file: url.path, problem: "cannot write: \(reason)")
    }
  }

  /// Removes the file where this call made it and wrote nothing.
  func removeIfUnused() {
    var status = stat()
    if !wasThere, stat(url.path, &status) == 0, status.st_size == 0 { unlink(url.path) }
  }

  /// Leaves the first bytes alone.
  /// - Throws: `DataError`.
  func cut(to bytes: Int) throws {
    guard truncate(url.path, off_t(bytes)) == 0 else {
      throw DataError(file: url.path, problem: "cannot write: \(String(cString: strerror(errno)))")
    }
  }

  /// The file, to be written behind what it has.
  func writer() throws -> OutputFile { try OutputFile(url, reportingAs: url, isAppending: true) }

  /// Refuses to begin anew in a file with something else than answers in it.
  /// - Throws: `RowFileError`.
  func requireAnswers() throws {
    let bytes = try StoredBytes.read(url)
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    let isRow = (try? JSONDecoder().decode(Row.self, from: Data(line))) != nil
    guard bytes.isEmpty || isRow || line.count == bytes.count && Self.begins(line, #"{"id": ""#) else {
      throw RowFileError(
        file: url.path, line: 1, found: "something else than an answer",
        expected: "a file of answers, which --fresh begins anew; choose another --output, or remove it")
    }
  }

  /// Reads what an earlier call left, and changes nothing.
  /// - Throws: `RowFileError` with the first line that is no answer to these prompts, answers one again, or
  ///   was made with other settings or pictures.
  func earlier(_ prompts: [BatchPrompt], settings: [Setting]) throws -> Earlier {
    let bytes = try StoredBytes.read(url)
    var found = Earlier()
    var lines: [Int: Int] = [:]
    var number = 0
    var rest = bytes[...]
    let places = Dictionary(uniqueKeysWithValues: prompts.enumerated().map { ($1.id, $0) })
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = rest[..<end]
      rest = rest[(end + 1)...]
      number += 1
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      let row = try RowFile.row(Row.self, of: Data(line), in: url, line: number)
      guard let place = places[row.id] else {
        throw refusal(number, "id", "\"\(row.id)\"", "an id of \(prompts.first?.file ?? "the batch")")
      }
      if let other = lines.updateValue(number, forKey: place) {
        throw refusal(number, "id", "\"\(row.id)\", which line \(other) answers", "each id once")
      }
      try compare(row, prompts[place], settings, line: number)
      found.answered.insert(place)
    }
    found.bytes = bytes.count - rest.count
    guard !rest.isEmpty else { return found }
    let next = prompts.indices.first { !found.answered.contains($0) }
    guard let next, Self.begins(rest, Self.beginning(of: prompts[next])) else {
      throw refusal(number + 1, nil, "neither an answer nor the beginning of the next one", "answers alone")
    }
    found.isCut = true
    return found
  }

  private func refusal(_ line: Int, _ key: String?, _ found: String, _ expected: String) -> RowFileError {
    RowFileError(
      file: url.path, line: line, key: key, found: found, expected: "\(expected); --fresh begins anew")
  }

  private func compare(_ row: Row, _ prompt: BatchPrompt, _ settings: [Setting], line: Int) throws {
    guard row.prompt == prompt.text, row.images == prompt.images else {
      throw refusal(line, "prompt", "another prompt than that of \"\(row.id)\" in \(prompt.file)", "the same")
    }
    if let index = prompt.images.indices.first(where: {
      !row.images_crc32.indices.contains($0) || row.images_crc32[$0] != prompt.checksums[$0]
    }) {
      let before = row.images_crc32.indices.contains(index) ? row.images_crc32[index] : "none"
      throw refusal(
        line, "images_crc32", "an answer to \(prompt.images[index]) of CRC-32 \(before)",
        "\(prompt.checksums[index]), as the picture is now")
    }
    let before = Dictionary(row.settings.map { ($0.name, $0.value) }) { first, _ in first }
    let others = settings.filter { before[$0.name] != $0.value }
    guard others.isEmpty else {
      throw refusal(
        line, "settings", others.map { "\($0.name) \(before[$0.name] ?? "missing")" }.joined(separator: ", "),
        others.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
    }
  }

  /// What the line of an answer begins with.
  private static func beginning(of prompt: BatchPrompt) -> String {
    let known = OrderedJSON.members([
      "id": .string(prompt.id), "prompt": .string(prompt.text),
      "images": .array(prompt.images.map(OrderedJSON.string)),
    ])
    return known.line.dropLast() + ","
  }

  /// Whether a text begins as bytes do, as far as both go.
  private static func begins(_ bytes: Data, _ text: String) -> Bool {
    zip(bytes, text.utf8).allSatisfy { $0 == $1 }
  }
}

extension BatchAnswerFile.Row {
  private enum CodingKeys: String, CodingKey {
    case id, prompt, images, images_crc32, answer, finish_reason, tokens, settings
  }

  init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    id = try keys.decode(String.self, forKey: .id)
    prompt = try keys.decode(String.self, forKey: .prompt)
    images = try keys.decode([String].self, forKey: .images)
    answer = try keys.decode(String.self, forKey: .answer)
    finish_reason = try keys.decode(String.self, forKey: .finish_reason)
    tokens = try keys.decode(Int.self, forKey: .tokens)
    // Earlier versions wrote no checksums, and settings as one text: they differ from any of now.
    images_crc32 = try keys.decodeIfPresent([String].self, forKey: .images_crc32) ?? []
    let named = try? keys.decode([String: String].self, forKey: .settings)
    settings = try (named ?? ["settings": keys.decode(String.self, forKey: .settings)])
      .map { .init(name: $0.key, value: $0.value) }
  }
}
