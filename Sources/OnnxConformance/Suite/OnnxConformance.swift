import Foundation
import Tensor

/// Runs ONNX's backend tests with the library: `onnx-conformance [--quiet] [--exclusions FILE] DIR`.
///
/// DIR holds tests as ONNX's tools write them, a folder for each, or many of them in `tests.pb`. Every test
/// gives a line; `--quiet` leaves out those that pass and those whose failure is expected, for a reason that
/// FILE gives, else DIR's `exclusions.txt`. The last line counts. The exit code is 1 when a test fails, 66
/// when the folder cannot be read and 64 when the arguments make no sense.
@main
struct OnnxConformance {
  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let isQuiet = arguments.contains("--quiet")
    arguments.removeAll { $0 == "--quiet" }
    var list: String?
    if let place = arguments.firstIndex(of: "--exclusions"), place + 1 < arguments.count {
      list = arguments[place + 1]
      arguments.removeSubrange(place...place + 1)
    }
    guard arguments.count == 1, let folder = arguments.first, !folder.hasPrefix("-") else {
      fail("usage: onnx-conformance [--quiet] [--exclusions FILE] DIR", 64)
    }
    let place = URL(fileURLWithPath: folder)
    do {
      let exclusions = try Exclusions(
        list.map { URL(fileURLWithPath: $0) } ?? place.appendingPathComponent("exclusions.txt"))
      exit(run(try NodeTest.read(place), exclusions, isQuiet: isQuiet) ? 0 : 1)
    } catch {
      fail("error: \(error)", 66)
    }
  }

  /// Runs tests and returns whether none fails without a reason.
  static func run(_ tests: [NodeTest], _ exclusions: Exclusions, isQuiet: Bool) -> Bool {
    var (passed, excluded, failed) = (0, 0, 0)
    for test in tests {
      guard let problem = test.problem() else {
        passed += 1
        if !isQuiet { write("ok    \(test.name)", to: .standardOutput) }
        continue
      }
      let text = problem.split(whereSeparator: \.isNewline).joined(separator: " ")
      if let reason = exclusions.reason(test: test.name, problem: text) {
        excluded += 1
        if !isQuiet { write("excl  \(test.name): \(text); excluded: \(reason)", to: .standardOutput) }
      } else {
        failed += 1
        write("FAIL  \(test.name): \(text)", to: .standardOutput)
      }
    }
    write("\(passed) passed, \(failed) failed, \(excluded) excluded", to: .standardOutput)
    return failed == 0
  }

  /// Writes a line without buffering: when a test ends the process after all, the lines before it are out.
  private static func write(_ line: String, to file: FileHandle) { file.write(Data("\(line)\n".utf8)) }

  private static func fail(_ message: String, _ code: Int32) -> Never {
    write(message, to: .standardError)
    exit(code)
  }
}
