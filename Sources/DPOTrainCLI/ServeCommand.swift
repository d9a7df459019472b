import ArgumentParser
import Foundation

/// `dpotrain serve`: becomes `dpotrain-serve`, a program of its own, so that this one is without a server.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Answers over HTTP as OpenAI's API does, with a page to ask on: runs dpotrain-serve.",
    discussion: """
      dpotrain serve --model runs/x

      dpotrain-serve is a program of its own: swift build -c release --product dpotrain-serve
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("What dpotrain-serve takes (dpotrain serve --help).", valueName: "options"))
  var arguments: [String] = []

  func run() throws {
    // Found as the kernel found this one, whatever the first argument says.
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let server = URL(fileURLWithPath: own).deletingLastPathComponent().appending(component: "dpotrain-serve")
    var words: [UnsafeMutablePointer<CChar>?] = ([server.path] + arguments).map { strdup($0) } + [nil]
    execv(server.path, &words)
    let why = errno == ENOENT ? "found no such program" : String(cString: strerror(errno))
    throw ServerProblem(
      description: "\(server.path): \(why); build it with: swift build -c release --product dpotrain-serve")
  }

  struct ServerProblem: Error, CustomStringConvertible {
    var description: String
  }
}
