import Foundation
import LVLM
import Records
import Runs
import TestSupport
import Testing

/// What is wrong in a file of prompts is told all at once, with its place, before a model is opened or a file
/// is made.
@Suite struct BatchProblemsTests {
  private struct Opened: Error {}

  /// What a call says that must not come as far as the model.
  private func problems(_ folder: URL, _ lines: [String], name: String = "prompts.jsonl") throws -> String {
    let file = folder.appending(component: name)
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    let output = folder.appending(component: "answers.jsonl")
    let answers = BatchAnswers(file.path, output: output.path)
    func open() throws -> PretrainedModel { throw Opened() }
    let words = message { _ = try answers.run(open(), console: .silent) }
    #expect(!FileManager.default.fileExists(atPath: output.path))
    return words
  }

  @Test func allThatIsWrongInOrder() throws {
    try TemporaryFolder.with { folder in
      try Data("no picture".utf8).write(to: folder.appending(component: "text.png"))
      let bad = [
        "{broken", #"{"prompt": 1}"#, #"{"id": "gone", "prompt": "a", "images": ["gone.png"]}"#, "[]",
        #"{"prompt": "a", "image": "text.png"}"#,
      ]
      let lines = [#"{"prompt": "fine"}"#] + bad
      let words = try problems(folder, lines).split(separator: "\n").map(String.init)
      let file = folder.appending(component: "prompts.jsonl").path
      let expected = [
        "\(file): record 1: broken JSON in line 2", "\(file):3: record 2: key 'prompt': found 1",
        "\(file):4: record gone: \(folder.path)/gone.png: no such image file",
        "\(file):5: record 4: found a list, expected an object",
        "\(file):6: record 5: \(folder.path)/text.png: not an image",
        "5 records cannot be used; nothing is answered before they are mended",
      ]
      #expect(words.count == expected.count)
      for (found, beginning) in zip(words, expected) { #expect(found.hasPrefix(beginning), "\(found)") }
    }
  }

  @Test func tenAreShownAndAllAreCounted() throws {
    try TemporaryFolder.with { folder in
      let words = try problems(folder, (0..<14).map { #"{"prompt": \#($0)}"# })
      let lines = words.split(separator: "\n")
      #expect(lines.count == 12 && lines[9].contains("prompts.jsonl:10:"))
      #expect(lines[10] == "and 4 more" && lines[11].hasPrefix("14 records cannot be used"))
    }
  }

  @Test func picturesOfEveryKind() throws {
    try TemporaryFolder.with { folder in
      let whole = try RGBImage(width: 40, height: 30, colour: RGBColour(200, 30, 60)).pngBytes()
      try Data(whole.prefix(whole.count / 2)).write(to: folder.appending(component: "cut.png"))
      try Data().write(to: folder.appending(component: "empty.png"))
      #expect(mkfifo(folder.appending(component: "pipe.png").path, 0o600) == 0)
      for (name, says) in [
        ("cut.png", "cut.png: image is"), ("empty.png", "found an empty file"),
        ("pipe.png", "it is not a regular file"), (".", "it is a folder"), ("none.png", "no such image file"),
      ] {
        let words = try problems(folder, ["", #"{"id": "p", "prompt": "a", "images": ["\#(name)"]}"#])
        #expect(words.contains("prompts.jsonl:2: record p: ") && words.contains(says), "\(name): \(words)")
      }
    }
  }
}
