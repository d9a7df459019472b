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
    for (line, says) in [
      ("/image", "/image: found no path, expected one; /image PATH shows"),
      ("/image  ''", "/image: found no path"),
      ("/reset all", "/reset: found \"all\" behind it, expected nothing"),
      ("/quit now", "/quit: found \"now\""), ("/imagex a.png", "/imagex a.png: no such command; /image PATH"),
    ] {
      let wrong = try chat(line + "\nWhat?\n")
      #expect(wrong.status == 1 && wrong.output == call.output, "\(line): \(wrong.errors)")
      #expect(wrong.errors.contains("error: " + says), "\(line): \(wrong.errors)")
    }
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
      // As the command hands them on: what the options name, and how weights are kept.
      for (more, name) in [
        (["--dtype", "bfloat16"], "dtype auto"), (["--template", "vicuna_v1"], "template plain "),
        (["--adapter", folder.appending(component: "lora").path], "adapter none"),
        (["--top-k", "3"], "top_k none"),
      ] {
        let other = try BuiltCommand.run(arguments + more)
        #expect(other.status == 1 && other.errors.contains("found \(name)"), "\(more): \(other.errors)")
        #expect(try String(contentsOf: output, encoding: .utf8) == text)
      }
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
    #expect(try BuiltCommand.run(["--help"], of: "dpotrain-serve").output == help.output)
    let version = try BuiltCommand.run(["--version"], of: "dpotrain-serve")
    #expect(try version.status == 0 && version.output == BuiltCommand.run("--version").output)
  }

  /// Both programs say in one form what is wrong, and end with one status.
  @Test func serverProgramSaysWhatIsWrongAsTheOtherDoes() throws {
    let token = ["DPOTRAIN_TOKEN": ""]
    for (arguments, says) in [
      ([], "Missing expected argument '--model <path>'"),
      (["--model", "x", "--colour"], "Unknown option '--colour'"),
      (model + ["--port", "70000"], "--port must be from 0 to 65535"),
      (model + ["--port", "x"], "'x' is invalid"),
      (model + ["--host", "0.0.0.0"], "needs a token"),
      (["--model", "x", "--template", "alpaca"], "--template: found alpaca, expected one of"),
    ] {
      let call = try BuiltCommand.run(arguments, of: "dpotrain-serve", environment: token)
      #expect(call.status == 2 && call.output.isEmpty, "\(arguments): \(call.output)")
      #expect(call.errors.hasPrefix("error: ") && call.errors.contains(says), "\(call.errors)")
      #expect(call.errors.hasSuffix("\nSee dpotrain-serve --help.\n"), "\(call.errors)")
      #expect(call.errors.split(separator: "\n").count == 2, "\(call.errors)")
      #expect(try BuiltCommand.run(["serve"] + arguments, environment: token).errors == call.errors)
    }
    for (arguments, says) in [
      (["--model", "/nowhere", "--port", "0"], "/nowhere"),
      (model + ["--token-file", "/nowhere"], "--token-file: cannot read /nowhere"),
    ] {
      let call = try BuiltCommand.run(["serve"] + arguments, environment: token)
      #expect(call.status == 1 && call.output.isEmpty, "\(arguments)")
      #expect(call.errors.hasPrefix("error: ") && call.errors.contains(says), "\(call.errors)")
      #expect(!call.errors.contains("Usage:") && !call.errors.contains("See dpotrain"), "\(call.errors)")
    }
  }
}
