import ArgumentParser
import CommandArguments
import Foundation
import LVLM
import Records
import Runs

/// `dpotrain chat`: several turns with a model, in a terminal or from a pipe.
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Talks with a model about pictures, in several turns; answers come token by token.",
    discussion: """
      dpotrain chat --model runs/x --image a.png
      printf '/image a.png\\nWhat is it?\\nWhat colour?\\n' | dpotrain chat --model runs/x

      A line is a question. \(ChatLine.usage)
      Ctrl-C stops the answer, not the program. At the end the speed is told on standard error.
      """)

  @OptionGroup var choice: ModelOptions

  @Option(
    name: .customLong("image"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "PNG, JPEG or WebP file for the first question; can be given several times.", valueName: "file"))
  var images: [String] = []

  @Option(help: "Takes the place of the chat template's own system message.")
  var system: String?

  @OptionGroup var answer: AnswerOptions

  func run() throws {
    let pictures = try images.map { try RGBImage(contentsOf: $0) }
    let loaded = try choice.open()
    var settings = ChatSession.Settings()
    settings.maxNewTokens = answer.maxNewTokens
    settings.sampling = answer.sampling
    settings.stops = answer.stops
    settings.system = system
    let conversation = try ChatSession(loaded, settings)
    for (file, picture) in zip(images, pictures) { try conversation.show(picture, named: file) }
    AnswerStop.install()
    let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    if isTerminal { write("\(choice.model): \(ChatLine.usage)\n") }
    var time = Duration.zero
    var hasFailed = false
    while true {
      if isTerminal { write("> ") }
      guard let line = readLine() else { break }
      do {
        switch ChatLine(line) {
        case .nothing: continue
        case .quit:
          tell(conversation, time)
          if hasFailed, !isTerminal { throw ExitCode(1) }
          return
        case .help: write(ChatLine.usage + "\n")
        case .reset:
          try conversation.reset()
          if isTerminal { write("(a new conversation)\n") }
        case .image(let file):
          try conversation.show(try RGBImage(contentsOf: file), named: file)
          if isTerminal { write("(\(conversation.waitingCount) for the next question)\n") }
        case .wrong(let problem): throw ChatLine.Problem(description: "\(problem); \(ChatLine.usage)")
        case .question(let text): time += try ask(conversation, text)
        }
      } catch let error where !(error is ExitCode) {
        hasFailed = true
        var words = "\(error)"
        if error is ChatSession.TooLong { words += "; /reset begins a new one" }
        Self.tell("error: \(words)\n")
      }
    }
    if isTerminal { write("\n") }
    tell(conversation, time)
    if hasFailed, !isTerminal { throw ExitCode(1) }
  }

  private func ask(_ conversation: ChatSession, _ text: String) throws -> Duration {
    let start = ContinuousClock.now
    let answer = try AnswerStop.during {
      try conversation.ask(text, isStopped: { AnswerStop.isRequested }, onText: write)
    }
    let time = ContinuousClock.now - start
    write("\n")
    if AnswerStop.isRequested {
      Self.tell("(stopped)\n")
    } else if answer.end == .length {
      Self.tell("(cut off after \(answer.ids.count) tokens)\n")
    }
    if !answer.text.contains(where: { !$0.isWhitespace }) {
      Self.tell("(no answer; the conversation goes on without this question)\n")
    }
    return time
  }

  private func tell(_ conversation: ChatSession, _ time: Duration) {
    AnswerSpeed.tell(tokens: conversation.answered, in: time)
  }

  private func write(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  private static func tell(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}

/// What a line of a chat asks for.
enum ChatLine {
  case nothing
  case question(String)
  case image(String)
  case reset
  case help
  case quit
  /// What is wrong with a command.
  case wrong(String)

  struct Problem: Error, CustomStringConvertible {
    var description: String
  }

  static let usage =
    "/image PATH shows a picture with the next question (several may be shown), /reset forgets the "
    + "conversation, /help, /quit."

  init(_ line: String) {
    let text = line.trimmingCharacters(in: .whitespaces)
    guard text.hasPrefix("/") else {
      self = text.isEmpty ? .nothing : .question(line)
      return
    }
    let word = text.prefix { !$0.isWhitespace }
    var rest = text.dropFirst(word.count).trimmingCharacters(in: .whitespaces)
    if rest.count > 1, let mark = rest.first, "'\"".contains(mark), rest.last == mark {
      rest = String(rest.dropFirst().dropLast())
    }
    switch (word, rest.isEmpty) {
    case ("/image", false): self = .image(rest)
    case ("/reset", true): self = .reset
    case ("/help", true): self = .help
    case ("/quit", true), ("/exit", true): self = .quit
    case ("/image", true): self = .wrong("/image: found no path, expected one")
    case ("/reset", _), ("/help", _), ("/quit", _), ("/exit", _):
      self = .wrong("\(word): found \"\(rest)\" behind it, expected nothing")
    default: self = .wrong("\(text): no such command")
    }
  }
}
