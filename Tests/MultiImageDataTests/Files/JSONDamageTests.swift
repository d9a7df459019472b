import Checkpoint
import Foundation
import MultiImageData
import Records
import Tensor
import Testing

/// Texts cut at every byte and changed at random: both readers of JSON end with a value or a sentence, never
/// with the process.
@Suite struct JSONDamageTests {
  private static let texts = [
    "[]", "[{\"a\": 1}, {\"b\": [1.5e3, -0, true, null]}]",
    "{\"k\": \"\\ud83d\\ude00 \\n \\u00e9 x\"}\n{\"k\": 2}\n",
    "[\n  {\"id\": \"1\", \"x\": {\"y\": []}},\n  {\"id\": \"2\"},\n  {\"id\": \"3\", \"s\": \"a\\\\b\\\"c\"}\n]\n",
    "{\"image\": [\"a.png\", \"b.png\"], \"conversations\": [{\"from\": \"human\", \"value\": \"<image>\\nWhat?\"}]}",
  ]

  /// Every prefix, and for each text a few hundred random edits.
  private static func damaged() -> [[UInt8]] {
    var generator = RandomGenerator(seed: 5)
    var result: [[UInt8]] = [
      "[", "{", "\"", "-", "[,", "[[", "]", "}", "[1", "\u{FEFF}[", "[\n", "[\n\n", "[{", "\\", "tru",
      "[\"\\u12",
    ].map {
      Array($0.utf8)
    }
    for text in texts {
      let bytes = Array(text.utf8)
      result += (0...bytes.count).map { Array(bytes.prefix($0)) }
      for _ in 0..<400 {
        var edited = bytes
        for _ in 0...generator.integer(below: 3) {
          let place = generator.integer(below: edited.count)
          switch generator.integer(below: 4) {
          case 0: edited[place] = UInt8(generator.integer(below: 256))
          case 1: edited.remove(at: place)
          case 2: edited.insert(Array("[]{}\",:\\ \n0-e".utf8)[generator.integer(below: 13)], at: place)
          default: edited.swapAt(place, generator.integer(below: edited.count))
          }
          if edited.isEmpty { edited = [0x5B] }
        }
        result.append(edited)
      }
    }
    return result
  }

  @Test func readersOfValuesSurvive() {
    for bytes in Self.damaged() {
      _ = try? OrderedJSON(parsing: bytes)
      _ = bytes.withUnsafeBytes { try? JSONReader.read($0) }
    }
  }

  @Test func readersOfRecordFilesSurvive() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "damaged-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    for bytes in Self.damaged() {
      try Data(bytes).write(to: file)
      var (records, broken) = (0, 0)
      do {
        try JSONRecordFile.forEach(file.path, broken: { _ in broken += 1 }) { _, _, _ in records += 1 }
      } catch is DataError {}
      #expect(records + broken <= bytes.count + 1)
      _ = try? RecordInspection(path: file.path)
    }
  }
}
