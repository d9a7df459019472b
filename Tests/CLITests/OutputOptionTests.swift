import Foundation
import LVLM
import Records
import TestSupport
import Testing

/// Every option that names what is written: what cannot be a file, or a folder, is told at once with its
/// path, and nothing is waited for.
@Suite struct OutputOptionTests {
  private let model = Fixtures.url("verification/llava_tiny").path

  /// A folder with inputs of every command and names of every kind.
  private func withKinds(_ body: (URL) throws -> Void) throws {
    try BuiltCommand.withFolder { folder in
      let files = FileManager.default
      try RGBImage(width: 20, height: 12, colour: RGBColour(200, 30, 60))
        .writePNG(to: folder.appending(component: "a.png").path)
      try Data("{\"prompt\": \"What?\"}\n".utf8).write(to: folder.appending(component: "in.jsonl"))
      try Data(
        (#"{"id": 1, "image": ["a.png"], "prompt": "<image>\nWhat?", "chosen": "x", "rejected": "y"}"# + "\n")
          .utf8
      ).write(to: folder.appending(component: "pairs.jsonl"))
      try Data("one line\n".utf8).write(to: folder.appending(component: "text.txt"))
      try body(folder)
      #expect(files.fileExists(atPath: folder.appending(component: "a.png").path))
    }
  }

  /// Puts something else than a file under a name.
  private func make(_ kind: String, _ path: String) throws {
    unlink(path)
    try? FileManager.default.removeItem(atPath: path)
    switch kind {
    case "a pipe": #expect(mkfifo(path, 0o600) == 0)
    case "a folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    case "a file": try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
    default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "gone")
    }
  }

  @Test func filesOfEveryCommand() throws {
    let rows: [(ending: String, arguments: [String])] = [
      ("jsonl", ["generate", "--model", model, "--batch", "in.jsonl", "--output"]),
      ("jsonl", ["generate", "--model", model, "--batch", "in.jsonl", "--fresh", "--output"]),
      ("png", ["generate", "--model", model, "--image", "a.png", "--prompt", "x", "--attention"]),
      ("jsonl", ["convert", "pairs.jsonl"]),
      ("model", ["tokenizer", "--vocab-size", "99", "text.txt", "-o"]),
      ("png", ["inspect", "pairs.jsonl", "--contact-sheet"]), ("csv", ["layers", "--run", "x", "--csv"]),
      ("yaml", ["init", "pairs"]),
    ]
    try withKinds { folder in
      for row in rows {
        for kind in ["a pipe", "a folder", "a link to gone"] {
          let name = "out.\(row.ending)"
          try make(kind, folder.appending(component: name).path)
          let call = try BuiltCommand.run(row.arguments + [name], in: folder)
          #expect(call.status == 1 && call.output.isEmpty, "\(row.arguments) \(kind)")
          #expect(call.errors.hasPrefix("error: ") && call.errors.contains(name), "\(call.errors)")
          #expect(call.errors.contains("found \(kind)"), "\(row.arguments): \(call.errors)")
        }
      }
    }
  }

  @Test func foldersOfEveryCommand() throws {
    let rows: [[String]] = [
      ["export", "--model", model, "--format", "hf", "--output"],
      ["make-data", "--llava", "pairs.jsonl", "--images", ".", "--output"],
      ["easy-vqa", "--model", model, "--output"],
      ["evaluate", "--data", "x.tsv", "--model", model, "--output-dir"],
    ]
    try withKinds { folder in
      for row in rows {
        for kind in ["a pipe", "a file", "a link to gone"] {
          try make(kind, folder.appending(component: "out").path)
          for name in ["out", "out/deeper"] {
            let call = try BuiltCommand.run(row + [name], in: folder)
            #expect(call.status == 1 && call.output.isEmpty, "\(row) \(kind)")
            #expect(
              call.errors.hasPrefix("error: \(row.last ?? ""): \(name): found \(kind)"), "\(call.errors)")
          }
        }
        #expect(try String(contentsOfFile: folder.path + "/text.txt", encoding: .utf8) == "one line\n")
      }
    }
  }

  @Test func aContactSheetIsNoPictureOfItsRecords() throws {
    try withKinds { folder in
      let picture = folder.appending(component: "a.png")
      let before = try Data(contentsOf: picture)
      try FileManager.default.createSymbolicLink(
        atPath: folder.path + "/sheet.png", withDestinationPath: "a.png")
      for name in ["a.png", "./a.png", "sheet.png"] {
        let call = try BuiltCommand.run("inspect", "pairs.jsonl", "--contact-sheet", name, in: folder)
        #expect(call.status == 1 && call.errors.contains("\(name) is read by this command"), "\(call.errors)")
        #expect(try Data(contentsOf: picture) == before)
      }
    }
  }

  /// The second process on one file of answers is refused, whichever command line it has.
  @Test func aFileOfAnswersHasOneWriter() throws {
    try withKinds { folder in
      let output = folder.appending(component: "out.jsonl")
      let arguments = [
        "generate", "--model", model, "--template", "plain", "--max-new-tokens", "3", "--batch", "in.jsonl",
        "--output", "out.jsonl",
      ]
      do {
        let lock = try FileLock(output, directory: "", isOwnFile: false)
        for more in [[], ["--fresh"]] {
          let call = try BuiltCommand.run(arguments + more, in: folder)
          #expect(call.status == 1, "\(call.errors)")
          #expect(
            call.errors.contains("out.jsonl: another process writes its answers here"), "\(call.errors)")
        }
        withExtendedLifetime(lock) {}
      }
      #expect(try BuiltCommand.run(arguments, in: folder).status == 0)
    }
  }
}
