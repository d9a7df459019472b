import Foundation

extension RunDirectory {
  /// Takes over a part from the first of other runs in which everything it depends on is the same.
  ///
  /// Files are hard links where the file system allows it, so they take no room, and each run stays complete when
  /// another one is removed.
  /// - Returns: the run it was taken from; `nil` when none has it.
  /// - Throws: the file system's errors.
  @discardableResult
  public func takeOver(_ part: RunPart, from runs: [URL]) throws -> URL? {
    let key = key(of: part)
    let names = Self.names(of: part)
    guard !names.isEmpty else { return nil }
    for run in runs where run.standardizedFileURL != url.standardizedFileURL {
      guard let record = Self.record(of: part, in: run), record.key == key else { continue }
      for name in names {
        try Self.link(run.appendingPathComponent(name), to: file(name))
      }
      try takeMetrics(of: part, from: run)
      try markDone(part, seconds: record.seconds, from: record.from ?? run.lastPathComponent)
      return run
    }
    return nil
  }

  /// What a part consists of, relative to the run; nothing for the report, which is always made.
  private static func names(of part: RunPart) -> [String] {
    switch part {
    case .sft: ["sft"]
    case .compose: ["compose"]
    case .answers: ["select/answers.jsonl"]
    case .select: ["select", "pairs.jsonl"]
    case .train: ["train"]
    case .questions: ["evaluate/questions"]
    case .before: ["evaluate/before.jsonl"]
    case .evaluate: ["evaluate", "results.json"]
    case .report: []
    }
  }

  /// Links a file, or all files of a folder but checkpoints, markers and unfinished ones.
  private static func link(_ source: URL, to target: URL) throws {
    let files = FileManager.default
    let values = try source.resourceValues(forKeys: [.isDirectoryKey])
    guard values.isDirectory == true else {
      try files.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      if files.fileExists(atPath: target.path) { try files.removeItem(at: target) }
      do {
        try files.linkItem(at: source, to: target)
      } catch {
        try files.copyItem(at: source, to: target)
      }
      return
    }
    try files.createDirectory(at: target, withIntermediateDirectories: true)
    for name in try files.contentsOfDirectory(atPath: source.path)
    where name != "checkpoints" && !name.hasSuffix("done.json") && !name.hasSuffix(".partial") {
      try link(source.appendingPathComponent(name), to: target.appendingPathComponent(name))
    }
  }

  /// The curves of a training stage that was taken over, before those that this run adds.
  private func takeMetrics(of part: RunPart, from run: URL) throws {
    guard part == .sft || part == .train else { return }
    let theirs = run.appendingPathComponent(metrics.lastPathComponent)
    guard FileManager.default.fileExists(atPath: theirs.path) else { return }
    let rows = try RowFile.read(MetricRow.self, from: theirs).filter { $0.stage == part.rawValue }
    let log = try MetricsLog(metrics, resuming: part.stage, after: 0)
    for row in rows { try log.append(row) }
    try log.close()
  }
}
