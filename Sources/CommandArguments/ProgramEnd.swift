import ArgumentParser
import Foundation
import Runs

/// How a program ends that did not do what it was called for: what it says and its exit status, alike in
/// every program.
package enum ProgramEnd {
  /// After arguments that are wrong (2), or that asked for a text such as the help (0).
  /// - Parameter seeHelp: the line that says where the right usage is told.
  package static func afterParsing(
    _ error: any Error, of program: any ParsableCommand.Type, seeHelp: String
  ) -> Never {
    endIfText(error, of: program)
    write("error: \(program.message(for: error))\n\(seeHelp)", to: .standardError)
    exit(2)
  }

  /// After an error of a command that was running (1), or a status of its own.
  package static func afterRunning(_ error: any Error, of program: any ParsableCommand.Type) -> Never {
    if let status = error as? ExitCode { end(status.rawValue) }
    endIfText(error, of: program)
    // Problems of a configuration are a line each that begins with its place.
    let isList = error is ConfigurationError
    write((isList ? "" : "error: ") + words(of: error), to: .standardError)
    end(1)
  }

  /// Ends the program without what libraries do at the end of a process: OpenBLAS waits there for threads of
  /// its own, which never end where there was no memory for them.
  private static func end(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// Writes a text as lines of its own.
  package static func write(_ text: String, to handle: FileHandle) {
    guard !text.isEmpty else { return }
    try? handle.write(contentsOf: Data((text + "\n").utf8))
  }

  private static func endIfText(_ error: any Error, of program: any ParsableCommand.Type) {
    guard program.exitCode(for: error) == .success else { return }
    write(program.fullMessage(for: error), to: .standardOutput)
    exit(0)
  }

  /// The words of a typed error; of a system error its localized sentence.
  private static func words(of error: any Error) -> String {
    if error is CocoaError || error is POSIXError || type(of: error) == NSError.self {
      return error.localizedDescription
    }
    return "\(error)"
  }
}
