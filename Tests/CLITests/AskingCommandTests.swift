import Foundation
import TestSupport
import Testing

/// The commands that ask a model: several turns, files of questions, a server.
@Suite struct AskingCommandTests {
  private let folder = Fixtures.url("verification")
  private var model: [String] {
    ["--model", folder.appending(component: "llava_tiny").path, "--template", "plain"]
  }
  private var picture: String { folder.appending(path: "images/rgba.png").path }

  private func chat(_ lines: String, _ arguments: [String] = []) throws -> BuiltCommand {
    try BuiltCommand.run(["chat"] + model + ["--max-new-tokens", "5"] + arguments, input: lines)
  }

  @Test func chatFromAPipe() throws {
    let generated = try BuiltCommand.run(
      ["generate"] + model + ["--max-new-tokens", "5", "--image", picture, "--prompt", "What?"])
    let call = try chat("/image \(picture)\nWhat?\n\n/reset\n/image '\(picture)'\nWhat?\nWhy?\n")
    #expect(call.status == 0, "\(call.errors)")
    // No prompt signs, no greeting: answers alone.
    #expect(call.output.hasPrefix(generated.output + generated.output))
    #expect(call.errors.contains(/\d+ tokens in \d+\.\d s, \d+\.\d tokens per second\n$/))
    let option = try chat("What?\n/quit\nnever read\n", ["--image", picture])
    #expect(option.output == generated.output)
    #expect(try chat("").output.isEmpty)
    #expect(try chat("/help\n").output.hasPrefix("/image PATH"))
  }

  @Test func chatTellsWhatIsWrongAndGoesOn() throws {
    let long = String(repeating: "many words ", count: 80)
    let call = try chat("/image none.png\n/colour\n\(long)\nWhat?\n")
    #expect(call.status == 1)
    #expect(call.errors.contains("error: none.png: no such image file\n"))
    #expect(call.errors.contains("error: /colour: no such command; /image PATH"))
    #expect(call.errors.contains(/error: the conversation has \d+ tokens .* at most 128; \/reset begins/))
    #expect(call.output == (try chat("What?\n")).output)
    let missing = try BuiltCommand.run(["chat"])
    #expect(missing.status == 2 && missing.errors.contains("--model"))
  }

  @Test func generateInBatches() throws {
    try BuiltCommand.withFolder { scratch in
      let file = scratch.appending(component: "in.jsonl")
      try Data(
        "{\"id\": \"a\", \"prompt\": \"What?\", \"images\": [\"\(picture)\"]}\n{\"id\": \"b\", \"prompt\": \"Why?\"}\n"
          .utf8
      ).write(to: file)
      let output = scratch.appending(component: "out.jsonl")
      let arguments =
        ["generate"] + model + ["--max-new-tokens", "5", "--batch", file.path, "--output", output.path]
      let call = try BuiltCommand.run(arguments)
      #expect(call.status == 0, "\(call.errors)")
      #expect(call.errors.contains("tokens per second"))
      let text = try String(contentsOf: output, encoding: .utf8)
      #expect(
        text.split(separator: "\n").count == 2 && text.hasPrefix("{\"id\": \"a\", \"prompt\": \"What?\""))
      let again = try BuiltCommand.run(arguments)
      #expect(again.output.contains("2 of 2 answers are there; 0 are made now"))
      #expect(try String(contentsOf: output, encoding: .utf8) == text)
      for (more, says) in [
        (["--prompt", "x"], "leave out --prompt"), (["--batch-size", "0"], "--batch-size must be from 1"),
      ] {
        let wrong = try BuiltCommand.run(arguments + more)
        #expect(wrong.status == 2 && wrong.errors.contains(says), "\(wrong.errors)")
      }
      let alone = try BuiltCommand.run(["generate"] + model + ["--batch", file.path])
      #expect(alone.status == 2 && alone.errors.contains("--batch needs --output"))
      let over = try BuiltCommand.run(Array(arguments.dropLast()) + [file.path])
      #expect(over.errors.contains("is read by this command"))
    }
  }

  @Test func serverProgram() throws {
    // `dpotrain serve` becomes the program beside it.
    let help = try BuiltCommand.run(["serve", "--help"])
    #expect(help.status == 0 && help.output.contains("dpotrain-serve"), "\(help.errors)")
    #expect(help.output.contains("--max-picture-pixels"))
    let open = try BuiltCommand.run(["serve"] + model + ["--host", "0.0.0.0"])
    #expect(open.status != 0 && open.errors.contains("needs a token"), "\(open.errors)")
    let none = try BuiltCommand.run(["serve", "--model", "/nowhere", "--port", "0"])
    #expect(none.status == 1 && none.errors.contains("/nowhere"), "\(none.errors)")
  }
}
