import Checkpoint
import Foundation
import Records
import Tensor

/// `provenance.jsonl`: when, where and by which command a run was worked on, a line for each process.
///
/// It is no result: nothing depends on it, and two runs that are the same otherwise differ in it.
enum RunProvenance {
  static let file = "provenance.jsonl"

  private struct Row: Decodable, Sendable {
    var started: String
    var command: String
    var environment: [String: String]
  }

  /// Notes this process.
  static func note(in run: URL) throws {
    var environment = EnvironmentReport().entries.map { OrderedJSON.Member($0.name, .string($0.value)) }
    environment.append(.init("host", .string(ProcessInfo.processInfo.hostName)))
    if let commit = SourceCommit.current { environment.append(.init("source commit", .string(commit))) }
    let row = OrderedJSON.object([
      .init("started", .string(ISO8601DateFormatter().string(from: Date()))),
      .init("command", .string(CommandLine.arguments.joined(separator: " "))),
      .init("environment", .object(environment)),
    ])
    let place = run.appendingPathComponent(file)
    let log = try OutputFile(place, reportingAs: place, isAppending: true)
    try log.write(row.line + "\n")
    try log.close()
  }

  /// What a report says of it, and of the most memory that a stage's process has held: facts by name.
  static func facts(ofRun run: URL) -> [(name: String, value: String)] {
    let place = run.appendingPathComponent(file)
    let rows = (try? RowFile.readSoFar(Row.self, from: place))?.rows ?? []
    var facts: [(name: String, value: String)] = []
    if let first = rows.first { facts.append(("begun", first.started)) }
    if rows.count > 1, let last = rows.last {
      facts.append(("continued", "\(last.started), by the \(rows.count)th process"))
    }
    if let last = rows.last {
      facts.append(("command", last.command))
      for name in ["host", "cpu", "cores", "threads", "memory", "system", "openblas core", "source commit"] {
        if let value = last.environment[name] { facts.append((name, value)) }
      }
    }
    let peaks = RunPart.allCases.compactMap { RunDirectory.record(of: $0, in: run)?.peakBytes }
    if let most = peaks.max() { facts.append(("peak memory", "\(most >> 20) MiB")) }
    let pairs = (try? StoredBytes.read(run.appendingPathComponent("pairs.jsonl")))?.count {
      $0 == UInt8(ascii: "\n")
    }
    if let pairs { facts.append(("pairs", "\(pairs)")) }
    return facts
  }
}

/// The commit of the repository that the program lies in, where it lies in one.
enum SourceCommit {
  static let current: String? = {
    guard let program = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return nil }
    var folder = program.deletingLastPathComponent()
    while folder.path.count > 1 {
      let git = folder.appendingPathComponent(".git", isDirectory: true)
      if let head = try? String(contentsOf: git.appendingPathComponent("HEAD"), encoding: .utf8) {
        return commit(head.trimmingCharacters(in: .whitespacesAndNewlines), in: git)
      }
      folder.deleteLastPathComponent()
    }
    return nil
  }()

  private static func commit(_ head: String, in git: URL) -> String? {
    guard head.hasPrefix("ref: ") else { return String(head.prefix(12)) }
    let name = String(head.dropFirst(5))
    if let text = try? String(contentsOf: git.appendingPathComponent(name), encoding: .utf8) {
      return String(text.prefix(12))
    }
    let packed = (try? String(contentsOf: git.appendingPathComponent("packed-refs"), encoding: .utf8)) ?? ""
    return packed.split(separator: "\n").first { $0.hasSuffix(" " + name) }.map { String($0.prefix(12)) }
  }
}
