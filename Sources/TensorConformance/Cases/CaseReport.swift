import Foundation
import Tensor
import TestSupport

/// What was found out about one case.
struct CaseReport: Sendable {
  let name: String
  /// A remark behind the name.
  var note = ""
  /// Why a failure was expected; it counts apart then.
  var exclusion: String?
  /// The parts that were compared, such as the values or the gradient of one input.
  private var parts: [(name: String, deviations: [Deviation])] = []
  /// What went wrong beside deviations that are too large.
  private var failures: [String] = []

  private init(name: String) { self.name = name }

  /// A case that could not be run.
  init(name: String, failure: String) {
    self.name = name
    failures = [failure]
  }

  /// Runs `body` on a new report; what it throws becomes a failure, and so does a check of an operation that
  /// fails in it.
  init(name: String, _ body: @escaping @Sendable (inout CaseReport) throws -> Void) {
    do {
      self = try withTensorErrors {
        var report = CaseReport(name: name)
        do { try body(&report) } catch { report.fail("\(error)") }
        return report
      }
    } catch {
      self.init(name: name, failure: "\(error)")
    }
  }

  /// Adds a comparison to a part.
  mutating func add(_ part: String, _ deviation: Deviation) {
    if let index = parts.firstIndex(where: { $0.name == part }) {
      parts[index].deviations.append(deviation)
    } else {
      parts.append((part, [deviation]))
    }
  }

  /// Adds a failure that is no deviation.
  mutating func fail(_ message: String) { failures.append(message) }

  /// What is wrong, empty when nothing is.
  var problem: String { problems.joined(separator: "; ") }

  private var problems: [String] { failures + parts.flatMap { $0.deviations.compactMap(\.problem) } }

  var hasPassed: Bool { problems.isEmpty }

  /// The case in one line: verdict, name, errors of each part, and what is wrong.
  var line: String {
    let measured = parts.map { part in
      let absolute = part.deviations.map(\.absolute).max() ?? 0
      let relative = part.deviations.map(\.relative).max() ?? 0
      return String(format: "%@ abs %.1e rel %.1e", part.name, absolute, relative)
    }
    let verdict = hasPassed ? "ok   " : exclusion == nil ? "FAIL " : "excl "
    let title = "\(verdict) \(name)\(note.isEmpty ? "" : " (\(note))")"
    return ([title + ":"] + [measured.joined(separator: ", ")].filter { !$0.isEmpty }).joined(separator: " ")
      + (problems.isEmpty ? "" : "\(measured.isEmpty ? " " : "; ")\(problem)")
      + (exclusion.map { "; excluded: \($0)" } ?? "")
  }
}
