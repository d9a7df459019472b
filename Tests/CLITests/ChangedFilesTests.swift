import Foundation
import LVLM
import TestSupport
import Testing

/// Files outside a run that hold something else than when its parts were made, and files that a command
/// would write over.
@Suite struct ChangedFilesTests {
  private func change(_ name: String, in folder: URL, _ change: (String) -> String) throws {
    let file = folder.appendingPathComponent(name)
    let text = try String(contentsOf: file, encoding: .utf8)
    try #require(change(text) != text)
    try Data(change(text).utf8).write(to: file)
  }

  private func lines(_ call: BuiltCommand) -> String { call.output + call.errors }

  @Test func dataAndPictures() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try BadRecordTableTests().dataset(in: folder) { _ in }
      func run(_ more: String...) throws -> BuiltCommand {
        let call = try BuiltCommand.run(arguments + more, in: folder)
        #expect(call.status == 0, "\(call.errors)")
        return call
      }
      _ = try run()
      #expect(lines(try run()).contains("sft: done before"))
      // Only touched: read again, and the same.
      let file = folder.appendingPathComponent("data.jsonl")
      try Data(contentsOf: file).write(to: file)
      #expect(lines(try run()).contains("evaluate: done before"))

      try change("data.jsonl", in: folder) { $0.replacing("\"value\": \"", with: "\"value\": \"so ") }
      let plan = try BuiltCommand.run(["plan"] + arguments, in: folder)
      let words = "data.path: files hold something else than they did; redoes sft, compose"
      #expect(plan.output.contains(words), "\(plan.output.suffix(1500))")
      let kept = lines(try run("--accept", "data.path"))
      #expect(kept.contains("evaluate: done before") && !kept.contains("something else"), "\(kept)")
      try change("data.jsonl", in: folder) { $0.replacing("\"value\": \"so ", with: "\"value\": \"well ") }
      // One stage after the other, as `run` does.
      let select = try BuiltCommand.run(["select"] + arguments, in: folder)
      #expect(
        select.status == 1 && select.errors.contains("data.path: files hold something"), "\(select.errors)")
      let again = lines(try run())
      #expect(again.contains(words) && !again.contains("done before"), "\(again)")
      let fresh = try run("--set", "run.output_dir=fresh")
      #expect(fresh.status == 0)
      for name in ["pairs.jsonl", "train/model/model.safetensors", "evaluate/before.jsonl"] {
        let here = try Data(contentsOf: folder.appendingPathComponent("runs/tiny/\(name)"))
        #expect(here == (try Data(contentsOf: folder.appendingPathComponent("fresh/\(name)"))), "\(name)")
      }
      let pictures = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/pictures")
      let shown = try String(contentsOf: file, encoding: .utf8)
      let picture = try #require(pictures.sorted().first { shown.contains($0) })
      try RGBImage(width: 30, height: 30, colour: RGBColour(9, 8, 7)).writePNG(
        to: folder.path + "/pictures/" + picture)
      #expect(lines(try run()).contains(words))
    }
  }

  /// Captions in folders below the one that is named say what is right too.
  @Test func captionsOfStamps() throws {
    try BuiltCommand.withFolder { folder in
      for kind in ["animals/birds", "food", "vehicles", "symbols", "town/flags"] {
        let place = folder.appendingPathComponent("stamps/\(kind)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for number in 0..<30 {
          try RGBImage(width: 10 + number, height: 12, colour: RGBColour(255, 0, 0)).writePNG(
            to: place.appendingPathComponent("n\(number).png").path)
          try Data("A thing \(number).\n".utf8).write(to: place.appendingPathComponent("n\(number).txt"))
        }
      }
      let arguments = [
        "--config", try TinyRun.write(to: folder), "--set", "data.source=stamps", "--set", "data.path=stamps",
        "--set", "run.on_bad_record=skip",
      ]
      let made = try BuiltCommand.run(["sft"] + arguments, in: folder)
      #expect(made.status == 0, "\(made.errors)")
      #expect(lines(try BuiltCommand.run(["sft"] + arguments, in: folder)).contains("sft: done before"))
      try change("stamps/town/flags/n7.txt", in: folder) { $0.replacing("thing", with: "bird") }
      let again = lines(try BuiltCommand.run(["sft"] + arguments, in: folder))
      #expect(again.contains("data.path: files hold something else"), "\(again)")
    }
  }

  @Test func aModelToBeginWith() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(
        try BuiltCommand.run(
          "sft", "--config", config, "--set", "run.output_dir=first", "--quiet", in: folder
        ).status == 0)
      try FileManager.default.copyItem(
        at: folder.appendingPathComponent("first/sft/model"), to: folder.appendingPathComponent("base"))
      // The model has its shape and its vocabulary.
      let own = TinyRun.yaml.replacing(#/tokenizer: .*\n(model:\n( .*\n)+)/#, with: "model: {path: base}\n")
      try Data(own.utf8).write(to: folder.appendingPathComponent("own.yaml"))
      let arguments = ["--config", "own.yaml", "--set", "run.output_dir=run", "--set", "sft.max_steps=0"]
      let done = try BuiltCommand.run(arguments, in: folder)
      #expect(done.status == 0, "\(done.errors)")
      #expect(lines(try BuiltCommand.run(arguments, in: folder)).contains("train: done before"))
      #expect(
        try BuiltCommand.run(
          "sft", "--config", config, "--set", "run.output_dir=second", "--set", "run.seed=4", "--quiet",
          in: folder
        ).status == 0)
      try FileManager.default.removeItem(at: folder.appendingPathComponent("base/model.safetensors"))
      try FileManager.default.removeItem(at: folder.appendingPathComponent("base/checksums.sfv"))
      try FileManager.default.copyItem(
        at: folder.appendingPathComponent("second/sft/model/model.safetensors"),
        to: folder.appendingPathComponent("base/model.safetensors"))
      let again = try BuiltCommand.run(arguments, in: folder)
      #expect(again.status == 0, "\(again.errors)")
      let words = "model.path: files hold something else than they did"
      #expect(lines(again).contains(words) && !lines(again).contains("train: done before"), "\(again)")
    }
  }

  @Test func picturesOfABenchmark() throws {
    try BuiltCommand.withFolder { folder in
      func picture(_ colour: RGBColour) throws {
        try RGBImage(width: 20, height: 20, colour: colour).writePNG(to: folder.path + "/x.png")
      }
      try picture(RGBColour(250, 10, 10))
      try Data("index\timage_path\tquestion\tA\tB\tanswer\n0\tx.png\tWhat?\tred\tblue\tA\n".utf8).write(
        to: folder.appendingPathComponent("s.tsv"))
      let arguments = [
        "evaluate", "--data", "s.tsv", "--preset", "choice", "--model",
        Fixtures.url("golden/llava_tiny").path, "-o", "out", "--score", "likelihood", "--quiet",
      ]
      #expect(try BuiltCommand.run(arguments, in: folder).status == 0)
      #expect(try BuiltCommand.run(arguments, in: folder).status == 0)
      try picture(RGBColour(10, 10, 250))
      let changed = try BuiltCommand.run(arguments, in: folder)
      #expect(changed.status == 1 && changed.errors.contains("found pictures_crc32"), "\(changed.errors)")
      #expect(try BuiltCommand.run(arguments + ["--fresh"], in: folder).status == 0)
      for (text, words) in [
        ("index\timage_path\tquestion\tA\tB\tanswer\n", "has no row that can be asked"),
        (
          "index\timage_path\tquestion\tA\tB\tanswer\n0\tno.png\tWhat?\tred\tblue\tA\n",
          "the first of 1 problems"
        ),
      ] {
        try Data(text.utf8).write(to: folder.appendingPathComponent("s.tsv"))
        let none = try BuiltCommand.run(arguments + ["--fresh", "--on-bad-row", "skip"], in: folder)
        #expect(none.status == 1 && none.errors.contains(words), "\(none.errors)")
      }
      try Data("index\tquestion\tA\n0\tcaf".utf8 + [0xE9] + "\tx\n".utf8).write(
        to: folder.appendingPathComponent("s.tsv"))
      let latin = try BuiltCommand.run(arguments, in: folder)
      #expect(latin.errors.contains("no UTF-8 in line 2"), "\(latin.errors)")
      try Data([0xFF, 0xFE, 0x69, 0]).write(to: folder.appendingPathComponent("s.tsv"))
      #expect(try BuiltCommand.run(arguments, in: folder).errors.contains("found UTF-16"))
    }
  }

  @Test func nothingThatIsReadIsWrittenOver() throws {
    try BuiltCommand.withFolder { folder in
      try RGBImage(width: 8, height: 8, colour: .white).writePNG(to: folder.path + "/p.png")
      try Data("a b c\n".utf8).write(to: folder.appendingPathComponent("corpus.txt"))
      let record =
        #"{"id": "a", "image": "p.png", "conversations": [{"from": "human", "value": "<image>\nA?"}, "#
        + #"{"from": "gpt", "value": "b"}]}"#
      for name in ["r.png", "sequence.json", "data.json"] {
        try Data("[\(record)]".utf8).write(to: folder.appendingPathComponent(name))
      }
      let model = Fixtures.url("golden/llava_tiny").path
      for (arguments, words) in [
        (["inspect", "r.png", "--contact-sheet", "r.png"], "is read by this command"),
        (["inspect", "data.json", "--contact-sheet", "data.json"], "ends with .png"),
        (
          ["generate", "--model", model, "--prompt", "A?", "--image", "p.png", "--attention", "./p.png"],
          "is read by this command"
        ),
        (
          ["generate", "--model", model, "--prompt", "A?", "--image", "p.png", "--attention", "no/a.png"],
          "found no folder"
        ),
        (["layers", "--run", ".", "--csv", "results.json"], "ends with .csv"),
        (
          ["tokenizer", "--vocab-size", "300", "--output", "corpus.txt", "corpus.txt"],
          "is read by this command"
        ),
        (
          ["make-data", "--llava", "sequence.json", "--images", ".", "--output", "."],
          "is read by this command"
        ),
        (["make-data", "--llava", "data.json", "--images", ".", "--output", "."], "has no sequence.sfv"),
      ] {
        let before = try Data(contentsOf: folder.appendingPathComponent("sequence.json"))
        let call = try BuiltCommand.run(arguments, in: folder)
        #expect(call.status == 1, "\(arguments): \(call)")
        #expect(call.errors.contains(words), "\(arguments): \(call.errors)")
        #expect(before == (try Data(contentsOf: folder.appendingPathComponent("sequence.json"))))
      }
      try Data(String(repeating: "x", count: 70_000).utf8).write(to: folder.appendingPathComponent("l.txt"))
      let long = try BuiltCommand.run(
        ["tokenizer", "--vocab-size", "300", "--output", "t.model", "l.txt"], in: folder)
      #expect(long.status == 1 && long.errors.contains("found 70000 characters without a blank"), "\(long)")
    }
  }
}
