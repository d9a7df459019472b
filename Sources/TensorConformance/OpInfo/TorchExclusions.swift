import Foundation

/// The failures that are expected, with the reason for each: `exclusions.txt` beside the cases.
///
/// A line is `entries | cases | pattern | reason`. Entries are names separated by blanks, where a `*` at the
/// end stands for any ending; cases are `sample`, `error` or `*`; the pattern is a regular expression that is
/// looked for in the call, PyTorch's refusal and what our side did. A failure that a line fits counts as
/// excluded; a case that passes needs no line.
struct TorchExclusions {
  private struct Line {
    let entries: [Substring]
    let cases: Substring
    let pattern: Regex<AnyRegexOutput>
    let reason: String
  }

  private let lines: [Line]

  /// Reads a list; without a file nothing is excluded.
  init(_ url: URL) throws {
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      lines = []
      return
    }
    lines = try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let fields = line.components(separatedBy: " | ")
      guard fields.count == 4 else { throw ConformanceError("\(url.path): four fields in `\(line)`") }
      let entries = fields[0].split(separator: " ").map { Substring($0) }
      return Line(
        entries: entries, cases: fields[1].trimmingCharacters(in: .whitespaces)[...],
        pattern: try Regex(fields[2].trimmingCharacters(in: .whitespaces)), reason: fields[3])
    }
  }

  /// Why a failure is expected, or nil.
  func reason(entry: String, isError: Bool, text: String) -> String? {
    lines.first { line in
      (line.cases == "*" || line.cases == (isError ? "error" : "sample"))
        && line.entries.contains { $0.hasSuffix("*") ? entry.hasPrefix($0.dropLast()) : entry == $0 }
        && text.contains(line.pattern)
    }?.reason
  }

  /// Every reason in the order of the file.
  var reasons: [String] {
    lines.reduce(into: []) { if !$0.contains($1.reason) { $0.append($1.reason) } }
  }
}
