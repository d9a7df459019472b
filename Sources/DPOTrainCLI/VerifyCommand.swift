import ArgumentParser
import Foundation
import Verification

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compares the model, its training and its files with what a reference implementation stored.",
    discussion: """
      One line per comparison: pass or FAIL, what was compared, the largest error and the allowed one; then \
      the counts. Arrays may be off by max(8 × f32_err, 2e-6 × largest value, 1e-7). Whatever is missing or \
      unknown is a failure. Exit status: 0 when everything passed, else 1.
      """)

  @Option(help: ArgumentHelp("Folder with a LLaVA directory and the expected values.", valueName: "dir"))
  var golden: String

  @Flag(name: .shortAndLong, help: "Shows failures and the counts only.")
  var quiet = false

  func run() throws {
    let isQuiet = quiet
    let report = try Verification.run(URL(fileURLWithPath: golden)) { comparison in
      if !isQuiet || !comparison.isPassed { print(comparison) }
    }
    print(report.summary)
    if report.failed > 0 { throw ExitCode(1) }
  }
}
