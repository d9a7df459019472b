import Foundation
import LVLM
import Records
import Runs
import Tensor
import TestSupport
import Testing

/// A file of prompts gives the answers that each gives alone, in order, and goes on where it stopped.
@Suite struct BatchAnswersTests {
  private let loaded: PretrainedModel

  init() throws {
    loaded = try PretrainedModel.load(from: Fixtures.url("verification/llava_tiny"), template: .plain)
  }

  private func write(_ lines: [String], in folder: URL) throws -> String {
    let file = folder.appending(component: "prompts.jsonl")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    return file.path
  }

  private func rows(_ file: URL) throws -> [[String: Any]] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test func answersInOrderAndResumed() throws {
    try TemporaryFolder.with { folder in
      let picture = RGBImage(width: 20, height: 12, colour: RGBColour(200, 30, 60))
      try picture.writePNG(to: folder.appending(component: "a.png").path)
      let lines = (0..<9).map { index in
        index % 3 == 0
          ? #"{"id": "p\#(index)", "prompt": "What is \#(index)?", "images": ["a.png"]}"#
          : #"{"id": \#(index), "prompt": "What is \#(index)?"}"#
      }
      let output = folder.appending(component: "answers.jsonl")
      var answers = BatchAnswers(try write(lines, in: folder), output: output.path)
      answers.maxNewTokens = 7
      answers.rows = 4
      let outcome = try answers.run(loaded, console: .silent)
      #expect(outcome.answered == 9 && outcome.found == 0)
      let found = try rows(output)
      #expect(found.map { $0["id"] as? String } == (0..<9).map { $0 % 3 == 0 ? "p\($0)" : "\($0)" })
      let generator = Generator(
        model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop)
      for (index, row) in found.enumerated() {
        let shown = index % 3 == 0 ? [picture] : []
        let example = try loaded.encoder.example(
          question: (shown.isEmpty ? "" : "<image>\n") + "What is \(index)?", images: Array(shown.indices))
        let alone = try generator.generate(
          [example], imageFeatures: loaded.imageFeatures(shown), maxNewTokens: 7)[0]
        #expect(row["answer"] as? String == alone.text)
        #expect(row["tokens"] as? Int == alone.ids.count)
      }
      #expect(outcome.tokens == found.reduce(0) { $0 + ($1["tokens"] as? Int ?? 0) })
      // Killed in the middle of a line.
      let whole = try Data(contentsOf: output)
      let cut = whole.prefix(whole.count / 2)
      try Data(cut).write(to: output)
      let kept = cut.count { $0 == UInt8(ascii: "\n") }
      #expect(try answers.run(loaded, console: .silent).found == kept)
      #expect(try Data(contentsOf: output) == whole)
      #expect(try answers.run(loaded, console: .silent).answered == 0)
      // What other settings gave is not mixed in.
      var other = answers
      other.maxNewTokens = 6
      let error = #expect(throws: RowFileError.self) { try other.run(loaded, console: .silent) }
      #expect(error?.description.contains("--fresh begins anew") == true)
      #expect(try Data(contentsOf: output) == whole)
      other.fresh = true
      #expect(try other.run(loaded, console: .silent).answered == 9)
    }
  }

  @Test func badRecordsBeforeTheFirstAnswer() throws {
    try TemporaryFolder.with { folder in
      let output = folder.appending(component: "answers.jsonl")
      for (line, says) in [
        ("{\"prompt\": ", "line 2"), ("[1]", "prompts.jsonl:2: record 1: found a list, expected an object"),
        (#"{"id": "a"}"#, "key 'prompt': is missing"), (#"{"prompt": 3}"#, "found 3, expected a text"),
        (#"{"prompt": "a", "images": "b.png"}"#, "expected a list of paths"),
        (#"{"prompt": "a", "colour": 1}"#, "key 'colour': is unknown"),
        (#"{"prompt": "a", "images": ["none.png"]}"#, "none.png: no such image file"),
        (#"{"id": "x", "prompt": "b"}"#, "prompts.jsonl:2: record x: found the id in line 1 and in line 2"),
        (#"{"prompt": "a", "images": [3]}"#, "prompts.jsonl:2: record 1: key 'images': found 3"),
        (#"{"prompt": "<image> a"}"#, "prompts.jsonl:2: record 1: prompt"),
        (#"{"prompt": "<image> a"}"#, "found 1 <image> marks, expected 0"),
        (
          #"{"id": "long", "prompt": "\#(String(repeating: "word ", count: 200))"}"#,
          "prompts.jsonl:2: record long: prompt"
        ),
      ] {
        let file = try write([#"{"id": "x", "prompt": "a"}"#, line], in: folder)
        do {
          var answers = BatchAnswers(file, output: output.path)
          answers.maxNewTokens = 5
          _ = try answers.run(loaded, console: .silent)
          Issue.record("\(line.prefix(60)) was answered")
        } catch {
          #expect("\(error)".contains(says), "\(error)")
        }
        #expect(!FileManager.default.fileExists(atPath: output.path))
      }
    }
  }
}
