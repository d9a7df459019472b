import Foundation

/// Checks the library, forward and backward, against stored results of another implementation:
/// `tensor-conformance [--quiet] DIR`.
///
/// DIR holds `ops.json` with `ops.h5`, `optim.h5`, `linalg.h5`, `opinfo.json` with `opinfo.h5`, or some of
/// them. Every case gives a line with the largest absolute error of its values and of each gradient, and the
/// same relative to the largest magnitude expected; `--quiet` leaves out those that pass and those whose
/// failure is expected, for a reason that the folder's `exclusions.txt` gives. The last line counts. The exit
/// code is 1 when a case fails or is unknown, 66 when the folder cannot be read and 64 when the arguments
/// make no sense.
@main
struct TensorConformance {
  private static var suites: [any ConformanceSuite.Type] {
    [OperatorSuite.self, OptimizerSuite.self, LinearAlgebraSuite.self, TorchSuite.self]
  }

  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let isQuiet = arguments.contains("--quiet")
    arguments.removeAll { $0 == "--quiet" }
    guard arguments.count == 1, let directory = arguments.first, !directory.hasPrefix("-") else {
      fail("usage: tensor-conformance [--quiet] DIR (with ops.json and ops.h5, optim.h5 or linalg.h5)", 64)
    }
    do {
      exit(try run(URL(fileURLWithPath: directory), isQuiet: isQuiet) ? 0 : 1)
    } catch {
      fail("error: \(error)", 66)
    }
  }

  /// Runs every case of a folder and returns whether all passed.
  static func run(_ directory: URL, isQuiet: Bool) throws -> Bool {
    var (passed, failed, excluded) = (0, 0, 0)
    func report(_ item: CaseReport) {
      let isExcluded = item.exclusion != nil
      if item.hasPassed { passed += 1 } else if isExcluded { excluded += 1 } else { failed += 1 }
      if !(isQuiet && (item.hasPassed || isExcluded)) { write(item.line, to: .standardOutput) }
    }
    let present = suites.filter { suite in
      suite.files.contains {
        FileManager.default.fileExists(atPath: directory.appendingPathComponent($0).path)
      }
    }
    guard !present.isEmpty else {
      throw ConformanceError(
        "\(directory.path): none of \(suites.flatMap({ $0.files }).joined(separator: ", "))")
    }
    for suite in present {
      for line in try suite.run(directory, report) { write(line, to: .standardOutput) }
    }
    let apart = excluded == 0 ? "" : ", \(excluded) excluded"
    write("\(passed) passed, \(failed) failed\(apart)", to: .standardOutput)
    return failed == 0
  }

  /// Writes a line without buffering: when a case ends the process after all, the lines before it are out.
  private static func write(_ line: String, to file: FileHandle) { file.write(Data("\(line)\n".utf8)) }

  private static func fail(_ message: String, _ code: Int32) -> Never {
    write(message, to: .standardError)
    exit(code)
  }
}
