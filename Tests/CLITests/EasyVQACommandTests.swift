import Foundation
import LVLM
import Testing

@Suite struct EasyVQACommandTests {
  /// Three pictures with four questions.
  private func dataset(in folder: URL) throws {
    let files = [
      "test":
        #"[["what color is the shape?", "red", 0], ["is there a circle?", "no", 1], ["is no circle present?", "yes", 2], ["why?", "red", 2]]"#,
      "train": #"[["what color is the shape?", "red", 0], ["is there a circle?", "yes", 0]]"#,
    ]
    for (part, text) in files {
      let place = folder.appendingPathComponent("easy/\(part)")
      try FileManager.default.createDirectory(
        at: place.appendingPathComponent("images"), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: place.appendingPathComponent("questions.json"))
    }
    for index in 0..<3 {
      try RGBImage(width: 64, height: 64, colour: RGBColour(200, UInt8(80 * index), 30))
        .writePNG(to: folder.path + "/easy/test/images/\(index).png")
    }
  }

  @Test func aRunAndAModel() throws {
    try BuiltCommand.withFolder { folder in
      try dataset(in: folder)
      let sft = try BuiltCommand.run(
        "sft", "--config", try TinyRun.write(to: folder), "--set", "run.output_dir=run", "--set",
        "evaluate.max_new_tokens=24", "--quiet", in: folder
      )
      #expect(sft.status == 0, "\(sft.errors)")
      let call = try BuiltCommand.run("easy-vqa", "--data", "easy", "--run", "run", "--quiet", in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let lines = call.output.split(separator: "\n").map(String.init)
      #expect(lines[0].contains("before") && !lines[0].contains("after"))
      #expect(lines[2].hasPrefix("Open questions"))
      #expect(call.output.contains("\n1 questions are worded as no generated scene asks;"), "\(call.output)")
      #expect(call.output.hasSuffix("which the run's data (data.negations: false) never asked.\n"))
      let place = folder.appendingPathComponent("run/easy-vqa")
      let rows = try String(contentsOf: place.appendingPathComponent("before.jsonl"), encoding: .utf8)
      #expect(
        rows.split(separator: "\n").count == 4
          && rows.contains("\"guess\": \"yes\", \"guess_correct\": false"))
      let names = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
      #expect(names == [".lock", "before.jsonl", "easy-vqa.sfv", "results.json", "table.md"])

      // The base model by itself gives the same answers.
      let model = try BuiltCommand.run(
        "easy-vqa", "--data", "easy", "--model", "run/sft/model", "--template", "plain", "--output", "alone",
        "--quiet", in: folder)
      #expect(model.status == 0, "\(model.errors)")
      #expect(
        try String(contentsOf: folder.appendingPathComponent("alone/model.jsonl"), encoding: .utf8) == rows)

      try Data("no picture".utf8).write(to: folder.appendingPathComponent("easy/test/images/2.png"))
      let broken = try BuiltCommand.run("easy-vqa", "--data", "easy", "--run", "run", "--quiet", in: folder)
      #expect(broken.status == 1 && broken.errors.hasPrefix("error: easy/test/images/2.png: not an image"))
      #expect(try String(contentsOf: place.appendingPathComponent("before.jsonl"), encoding: .utf8) == rows)
    }
  }

  @Test func whatIsNotThere() throws {
    try BuiltCommand.withFolder { folder in
      func complaint(_ more: String...) throws -> String {
        let call = try BuiltCommand.run(["easy-vqa"] + more, in: folder)
        #expect(call.status == 1 && call.output.isEmpty)
        return call.errors
      }
      #expect(
        try complaint("--run", "run")
          == "error: data/easy-vqa/train/questions.json: no such file; scripts/easy-vqa downloads the data set\n"
      )
      try dataset(in: folder)
      #expect(
        try complaint("--data", "easy", "--run", "run").hasSuffix(
          "/run: has no config.yaml, expected the directory of a run\n"))
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("run"), withIntermediateDirectories: true)
      try Data(TinyRun.yaml.utf8).write(to: folder.appendingPathComponent("run/config.yaml"))
      #expect(
        try complaint("--data", "easy", "--run", "run").hasSuffix(
          "/run: has no model yet: dpotrain sft --config … makes it\n"))
      for usage in [
        [], ["--run", "a", "--model", "b"], ["--model", "b"], ["--run", "a", "--template", "plain"],
      ] {
        #expect(try BuiltCommand.run(["easy-vqa"] + usage, in: folder).status == 2)
      }
    }
  }
}
