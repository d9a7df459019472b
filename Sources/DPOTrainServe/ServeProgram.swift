import ArgumentParser
import CommandArguments
import Foundation
import LVLM
import Records
import Runs
import Serve

/// `dpotrain-serve`: one or two models behind OpenAI's API, and a page to ask them on.
@main
struct ServeProgram: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpotrain-serve",
    abstract: "Answers over HTTP as OpenAI's API does, with a page to ask on.",
    discussion: """
      dpotrain serve --model runs/x                 base and trained, side by side on http://127.0.0.1:8080
      dpotrain serve --model llava-1.5-7b-hf --host 0.0.0.0 --token-file token

      Listens on this machine alone unless --host says otherwise; then a token is required, from \
      --token-file or the environment's DPOTRAIN_TOKEN. Pictures come as data: URLs; the server opens \
      neither addresses nor files.
      """,
    version: PackageVersion.current)

  @OptionGroup var choice: ModelOptions

  @Option(help: ArgumentHelp("Another model to compare with, called base.", valueName: "path"))
  var base: String?

  @Option(help: "Name of the model in requests; that of its folder or file when left out.")
  var name: String?

  @Option(help: "Address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "Port to listen on; 0 takes a free one and prints it.")
  var port = 8080

  @Option(help: ArgumentHelp("File with the token that clients have to show.", valueName: "file"))
  var tokenFile: String?

  @Option(help: "Answers that are decoded together, at most.")
  var batch = ServerLimits().batch

  @Option(help: "Tokens of prompts and answers that are decoded together, at most, for each model.")
  var cacheTokens = ServerLimits().cacheTokens

  @Option(help: "Tokens of an answer at most.")
  var maxTokens = ServerLimits().answerTokens

  @Option(help: "Bytes of a request at most.")
  var maxBodyBytes = ServerLimits().bodyBytes

  @Option(help: "Pixels of all pictures of a request together, at most.")
  var maxPicturePixels = ServerLimits().picturePixels

  @Option(help: "Seconds in which an answer has to be done.")
  var maxSeconds = ServerLimits().requestSeconds

  @Option(help: "Requests that wait, at most; the next one is told to come back.")
  var maxWaiting = ServerLimits().waiting

  @Option(help: "Open connections at most.")
  var maxConnections = ServerLimits().connections

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
    for (name, value) in [
      ("--batch", batch), ("--cache-tokens", cacheTokens), ("--max-tokens", maxTokens),
      ("--max-body-bytes", maxBodyBytes), ("--max-picture-pixels", maxPicturePixels),
      ("--max-connections", maxConnections),
    ] where !(1...1_000_000_000).contains(value) {
      throw ValidationError("\(name) must be from 1 to 1000000000")
    }
    guard (0...100_000).contains(maxWaiting) else {
      throw ValidationError("--max-waiting must be from 0 to 100000")
    }
    guard maxSeconds > 0, maxSeconds <= 1e6 else { throw ValidationError("--max-seconds must be positive") }
    let isLocal = ["127.0.0.1", "localhost", "::1"].contains(host)
    guard isLocal || tokenFile != nil || environmentToken != nil else {
      throw ValidationError(
        "--host \(host) can be reached from elsewhere and needs a token: --token-file, or DPOTRAIN_TOKEN "
          + "in the environment")
    }
  }

  static func main() async {
    ProcessRoom.require()
    var command: any ParsableCommand
    do {
      command = try parseAsRoot()
    } catch {
      ProgramEnd.afterParsing(error, of: self, seeHelp: "See dpotrain-serve --help.")
    }
    do {
      if let program = command as? ServeProgram {
        try await program.run()
      } else {
        try command.run()
      }
    } catch {
      ProgramEnd.afterRunning(error, of: self)
    }
  }

  func run() async throws {
    let token = try token()
    let models = try open()
    var limits = ServerLimits()
    limits.batch = batch
    limits.cacheTokens = cacheTokens
    limits.answerTokens = maxTokens
    limits.usualTokens = min(limits.usualTokens, maxTokens)
    limits.bodyBytes = maxBodyBytes
    limits.allBodyBytes = max(limits.allBodyBytes, maxBodyBytes)
    limits.picturePixels = maxPicturePixels
    limits.requestSeconds = maxSeconds
    limits.waiting = maxWaiting
    limits.connections = maxConnections
    raiseFileLimit()
    let names = models.map(\.name).joined(separator: ", ")
    let shown = host.contains(":") ? "[\(host)]" : host
    do {
      try await HTTPServer(models, limits: limits, token: token).run(host: host, port: port) { port in
        // At once, also into a pipe: whoever started this waits for the line.
        FileHandle.standardOutput.write(Data("\(names) on http://\(shown):\(port)\n".utf8))
      }
    } catch {
      throw ServeProblem(description: "--host \(host) --port \(port): \(error)")
    }
  }

  struct ServeProblem: Error, CustomStringConvertible {
    var description: String
  }

  private var environmentToken: String? {
    let token = ProcessInfo.processInfo.environment["DPOTRAIN_TOKEN"] ?? ""
    return token.isEmpty ? nil : token
  }

  private func token() throws -> String? {
    guard let tokenFile else { return environmentToken }
    guard let text = try? String(contentsOf: URL(fileURLWithPath: tokenFile), encoding: .utf8) else {
      throw ValidationError("--token-file: cannot read \(tokenFile)")
    }
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty, !token.contains(where: \.isWhitespace) else {
      throw ValidationError("--token-file: found no token in \(tokenFile), expected one word")
    }
    return token
  }

  private func open() throws -> [ServedModel] {
    let file = URL(fileURLWithPath: choice.model).standardizedFileURL
    let run = try RunModels(of: file)
    let usual = (file.pathExtension == "gguf" ? file.deletingPathExtension() : file).lastPathComponent
    var models: [ServedModel] = []
    if let base = base ?? (run?.trained == nil ? nil : run?.base?.path) {
      models.append(ServedModel("base", try choice.open(base)))
    }
    let isTrained = run?.trained != nil || base != nil
    models.append(ServedModel(name ?? (isTrained ? "trained" : usual), try choice.open()))
    if models.count == 2, models[0].name == models[1].name {
      throw ValidationError("--name: found base, which the other model is called, expected another name")
    }
    return models
  }

  /// As many open files as the system lets this process have: one for each connection.
  private func raiseFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
