import Foundation
import LVLM
import Records
import Runs
import Tensor
import TestSupport
import Testing

/// A file of answers is written by one process, goes on only with what belongs to it, and is never one that
/// is read or somebody else's.
@Suite struct BatchOutputTests {
  private let source = Fixtures.url("verification/llava_tiny")

  /// A batch of two prompts, the first about a picture, with a copy of a model and an adapter.
  private struct Batch {
    var folder: URL
    var answers: BatchAnswers
    var model: URL { folder.appending(component: "model") }
    var adapter: URL { folder.appending(component: "adapter") }
    var picture: URL { folder.appending(component: "a.png") }
    var output: URL { folder.appending(component: "answers.jsonl") }

    func content(weights: WeightStorage = .auto) throws -> ModelContent {
      try ModelContent(ModelChoice(model: model.path, adapter: adapter.path), weights: weights)
    }

    /// Writes a text behind a file's, or removes the file.
    mutating func change(_ name: String, _ text: String?) throws {
      let file = folder.appending(path: name)
      let before = FileManager.default.contents(atPath: file.path) ?? Data()
      unlink(file.path)
      if let text { try (before + Data(text.utf8)).write(to: file) }
      answers.content = try content()
    }
  }

  private func withBatch(_ body: (Batch) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let file = folder.appending(component: "prompts.jsonl")
      let lines = [
        #"{"id": "a", "prompt": "What?", "images": ["a.png"]}"#, #"{"id": "b", "prompt": "Why?"}"#,
      ]
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
      let output = folder.appending(component: "answers.jsonl")
      var batch = Batch(folder: folder, answers: BatchAnswers(file.path, output: output.path))
      try RGBImage(width: 20, height: 12, colour: RGBColour(200, 30, 60)).writePNG(to: batch.picture.path)
      try FileManager.default.copyItem(at: source, to: batch.model)
      try FileManager.default.copyItem(at: Fixtures.url("verification/lora"), to: batch.adapter)
      batch.answers.maxNewTokens = 3
      batch.answers.content = try batch.content()
      try body(batch)
    }
  }

  private func load(_ template: ChatTemplate = .plain) throws -> PretrainedModel {
    try PretrainedModel.load(from: source, template: template)
  }

  /// Every file below a folder with its bytes; nil for what is no regular file.
  private func contents(_ folder: URL) throws -> [String: Data?] {
    var found: [String: Data?] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      let path = folder.appending(path: name).path
      var status = stat()
      let isFile = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      found[name] = .some(isFile ? FileManager.default.contents(atPath: path) : nil)
    }
    return found
  }

  @Test func aFileThatIsReadIsNeverWritten() throws {
    try withBatch { batch in
      let files = FileManager.default
      let path = batch.folder.path
      try files.createSymbolicLink(atPath: path + "/linked.png", withDestinationPath: "a.png")
      try files.linkItem(atPath: path + "/a.png", toPath: path + "/hard.png")
      try files.createSymbolicLink(atPath: path + "/same", withDestinationPath: path)
      let before = try contents(batch.folder)
      for name in [
        "a.png", "linked.png", "hard.png", "same/a.png", "model/../a.png", "prompts.jsonl",
        "same/prompts.jsonl", "model/config.json", "model/tokenizer.model", "adapter/adapter_config.json",
      ] {
        for fresh in [false, true] {
          var answers = BatchAnswers(batch.answers.file, output: path + "/" + name)
          answers.content = batch.answers.content
          answers.fresh = fresh
          let words = message { _ = try answers.run(try load(), console: .silent) }
          #expect(words.contains("--output: \(path)/"), "\(name): \(words)")
          #expect(words.contains("is read by this command"), "\(name): \(words)")
          #expect(try contents(batch.folder) == before, "\(name)")
        }
      }
    }
  }

  @Test func somebodyElsesFileStays() throws {
    try withBatch { batch in
      let path = batch.folder.path
      #expect(mkfifo(path + "/pipe", 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: path + "/link", withDestinationPath: "nowhere")
      for (name, text) in [
        ("notes", "my notes\n"), ("unended", "my notes"), ("other", "{\"id\": \"a\"}\n"),
        ("half", "{\"id\": \"z\", \"pro"),
      ] {
        try Data(text.utf8).write(to: batch.folder.appending(component: name))
      }
      let before = try contents(batch.folder)
      for (name, fresh, says) in [
        ("pipe", false, "found a pipe"), ("pipe", true, "found a pipe"), ("model", true, "found a folder"),
        ("link", false, "found a link to nowhere, which is not there"), ("link", true, "found a link"),
        ("none/answers", false, "found no folder \(path)/none"), ("/dev/null", true, "found a device"),
        ("notes", false, "notes:1: found text that is not JSON"),
        ("notes", true, "notes:1: found something else than an answer"),
        ("unended", false, "unended:1: found neither an answer nor"),
        ("unended", true, "found something else"),
        ("other", false, "other:1:key 'prompt'"), ("other", true, "found something else"),
        ("half", false, "half:1: found neither an answer nor the beginning of the next one"),
      ] {
        let place = name.hasPrefix("/") ? name : path + "/" + name
        var answers = BatchAnswers(batch.answers.file, output: place)
        answers.fresh = fresh
        let words = message { _ = try answers.run(try load(), console: .silent) }
        #expect(words.contains(says), "\(name) \(fresh): \(words)")
        #expect(try contents(batch.folder) == before, "\(name) \(fresh)")
      }
    }
  }

  @Test func linesThatDoNotBelong() throws {
    try withBatch { batch in
      _ = try batch.answers.run(try load(), console: .silent)
      let whole = try String(contentsOf: batch.output, encoding: .utf8)
      let lines = whole.split(separator: "\n").map(String.init)
      let old = lines[0].replacing(#/"settings": \{.*\}\}$/#, with: #""settings": "tiny, 3 tokens"}"#)
        .replacing(#/"images_crc32": \[[^\]]*\], /#, with: "")
      for (text, says) in [
        (whole + lines[0] + "\n", "answers.jsonl:3:key 'id': found \"a\", which line 1 answers"),
        (whole + "\n" + lines[1] + "\n", "answers.jsonl:4:key 'id': found \"b\", which line 2 answers"),
        (lines[0].replacing("\"a\"", with: "\"z\"") + "\n", "answers.jsonl:1:key 'id': found \"z\""),
        (lines[0].replacing("What?", with: "Which?") + "\n", "answers.jsonl:1:key 'prompt'"),
        (whole + "{\"id\": \"a\", ", "answers.jsonl:3: found neither an answer"),
        (lines[0] + "\nx\n" + lines[1] + "\n", "answers.jsonl:2: found text that is not JSON"),
        (old + "\n", "answers.jsonl:1:key 'images_crc32'"),
        (
          old.replacing("\"images\": [\"a.png\"]", with: "\"images\": []") + "\n",
          "answers.jsonl:1:key 'prompt'"
        ),
        (
          lines[1].replacing(#/\{"model.*\}\}$/#, with: "\"tiny\"}") + "\n",
          "found model missing, adapter missing"
        ),
      ] {
        try Data(text.utf8).write(to: batch.output)
        let words = message { _ = try batch.answers.run(try load(), console: .silent) }
        #expect(words.contains(says), "\(words)")
        #expect(try String(contentsOf: batch.output, encoding: .utf8) == text)
      }
      // Any part of the next answer's line is made again, what stands before it stays.
      for count in [1, 9, 30, lines[1].utf8.count] {
        try Data((lines[0] + "\n" + lines[1].prefix(count)).utf8).write(to: batch.output)
        #expect(try batch.answers.run(try load(), console: .silent).found == 1)
        #expect(try String(contentsOf: batch.output, encoding: .utf8) == whole)
      }
    }
  }

  @Test func answersOfSomethingElse() throws {
    let changes: [(name: String, change: (inout Batch) throws -> Void)] = [
      ("model", { try $0.change("model/generation_config.json", "{}") }),
      ("model", { try $0.change("model/model.safetensors", "x") }),
      ("model", { try $0.change("model/tokenizer.model", nil) }),
      ("adapter", { try $0.change("adapter/adapter_config.json", "x") }),
      ("adapter", { $0.answers.content = try ModelContent(ModelChoice(model: $0.model.path)) }),
      ("dtype", { $0.answers.content = try $0.content(weights: .bfloat16) }),
      ("max_new_tokens", { $0.answers.maxNewTokens = 4 }),
      (
        "temperature",
        { $0.answers.sampling = Sampling(temperature: 0.5, generator: RandomGenerator(seed: 1)) }
      ),
      ("stops", { $0.answers.stops = ["x"] }),
    ]
    for (name, change) in changes {
      try withBatch { batch in
        _ = try batch.answers.run(try load(), console: .silent)
        let before = try Data(contentsOf: batch.output)
        var batch = batch
        try change(&batch)
        let words = message { _ = try batch.answers.run(try load(), console: .silent) }
        #expect(words.contains("answers.jsonl:1:key 'settings': found \(name) "), "\(name): \(words)")
        #expect(words.contains("expected \(name) ") && words.hasSuffix("; --fresh begins anew"), "\(words)")
        #expect(try Data(contentsOf: batch.output) == before)
        batch.answers.fresh = true
        #expect(try batch.answers.run(try load(), console: .silent).answered == 2)
      }
    }
    try withBatch { batch in
      _ = try batch.answers.run(try load(), console: .silent)
      let template = message { _ = try batch.answers.run(try load(.vicunaV1), console: .silent) }
      #expect(template.contains("key 'settings': found template plain "), "\(template)")
      // The same model at another place is the same model.
      var batch = batch
      let moved = batch.folder.appending(component: "moved")
      try FileManager.default.moveItem(at: batch.model, to: moved)
      batch.answers.content = try ModelContent(ModelChoice(model: moved.path, adapter: batch.adapter.path))
      #expect(try batch.answers.run(try load(), console: .silent).found == 2)
      try RGBImage(width: 20, height: 12, colour: RGBColour(20, 30, 60)).writePNG(to: batch.picture.path)
      let picture = message { _ = try batch.answers.run(try load(), console: .silent) }
      #expect(picture.contains("answers.jsonl:1:key 'images_crc32': found an answer to a.png of CRC-32 "))
    }
  }

  @Test func oneProcessAtATime() throws {
    try withBatch { batch in
      let path = batch.folder.path
      try Data().write(to: batch.output)
      try FileManager.default.linkItem(atPath: batch.output.path, toPath: path + "/hard")
      try FileManager.default.createSymbolicLink(atPath: path + "/soft", withDestinationPath: "answers.jsonl")
      do {
        let lock = try FileLock(batch.output, directory: "", isOwnFile: false)
        for name in ["answers.jsonl", "hard", "soft"] {
          let answers = BatchAnswers(batch.answers.file, output: path + "/" + name)
          let words = message { _ = try answers.run(try load(), console: .silent) }
          #expect(words.hasPrefix("\(path)/\(name): another process writes its answers here"), "\(words)")
        }
        withExtendedLifetime(lock) {}
      }
      #expect(try batch.answers.run(try load(), console: .silent).answered == 2)
    }
  }
}
