import Foundation

/// The failures that are expected, with the reason for each.
///
/// A line is `tests | pattern | reason`: names separated by blanks, where a `*` at the end stands for any
/// ending, and a regular expression that is looked for in what went wrong. A failure that a line fits counts
/// as excluded; a test that passes needs no line.
struct Exclusions {
  private struct Line {
    let tests: [Substring]
    let pattern: Regex<AnyRegexOutput>
    let reason: String
  }

  private let lines: [Line]

  /// Reads a list; without a file nothing is excluded.
  init(_ file: URL) throws {
    guard let text = try? String(contentsOf: file, encoding: .utf8) else {
      lines = []
      return
    }
    lines = try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let fields = line.components(separatedBy: " | ")
      guard fields.count == 3 else { throw OnnxError("\(file.path): three fields in `\(line)`") }
      return Line(
        tests: fields[0].split(separator: " "),
        pattern: try Regex(fields[1].trimmingCharacters(in: .whitespaces)),
        reason: fields[2])
    }
  }

  /// Why a failure is expected, or nil.
  /// - Parameter test: the name, of which the last part of a path counts.
  func reason(test: String, problem: String) -> String? {
    let name = test.split(separator: "/").last ?? ""
    return lines.first { line in
      line.tests.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
        && problem.contains(line.pattern)
    }?.reason
  }
}
