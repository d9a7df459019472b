import Checkpoint
import DPOTrain
import Foundation
import Records

extension RunDirectory {
  /// Takes over a part from the first of other runs in which everything it depends on is the same, and whose
  /// files are as they were written.
  ///
  /// Files are hard links where the file system allows it, so they take no room, and each run stays complete
  /// when another one is removed.
  /// - Parameter damaged: told the error of a run that would have the part, but not its files.
  /// - Returns: the run it was taken from; `nil` when none has it.
  /// - Throws: the file system's errors.
  @discardableResult
  public func takeOver(
    _ part: RunPart, from runs: [URL], damaged: (any Error) -> Void = { _ in }
  ) throws -> URL? {
    guard part != .report else { return nil }
    for run in runs where run.standardizedFileURL != url.standardizedFileURL {
      guard let record = Self.record(of: part, of: configuration, in: run), isMadeFromTheSame(record, part)
      else { continue }
      do {
        try Self.verify(part, record, in: run)
      } catch {
        damaged(error)
        continue
      }
      for path in part.files(in: run) + part.caches {
        try Self.link(run.appendingPathComponent(path), to: file(path))
      }
      try takeMetrics(of: part, from: run)
      let isReplaced =
        run.deletingLastPathComponent().standardizedFileURL == file("replaced").standardizedFileURL
      if isReplaced { try takeCheckpoints(of: part, from: run) }
      try markDone(
        part, seconds: record.seconds,
        from: record.from ?? (isReplaced ? "replaced/" : "") + run.lastPathComponent)
      return run
    }
    return nil
  }

  /// Links the checkpoints that were set aside with a part; nothing where the run has some.
  private func takeCheckpoints(of part: RunPart, from run: URL) throws {
    guard let name = Self.checkpoints(of: part) else { return }
    let kept = run.appendingPathComponent(name, isDirectory: true)
    let files = FileManager.default
    let own = (try? files.contentsOfDirectory(atPath: file(name).path)) ?? []
    guard own.allSatisfy(AtomicFile.isLeftover), let found = try? files.contentsOfDirectory(atPath: kept.path)
    else { return }
    for entry in found where !AtomicFile.isLeftover(entry) {
      try Self.link(kept.appendingPathComponent(entry), to: file("\(name)/\(entry)"))
    }
  }

  /// Whether a part of another run was made from files like those of this one, and left as it was made.
  private func isMadeFromTheSame(_ record: StageRecord, _ part: RunPart) -> Bool {
    guard record.accepted == nil else { return false }
    let own = states.inputs(of: part)
    return (record.inputs ?? [:]).allSatisfy { own[$0.key] == nil || own[$0.key] == $0.value }
  }

  /// Links a file.
  private static func link(_ source: URL, to target: URL) throws {
    let files = FileManager.default
    guard files.fileExists(atPath: source.path) else { return }
    try AtomicFile.makeFolder(target.deletingLastPathComponent())
    if files.fileExists(atPath: target.path) { try files.removeItem(at: target) }
    do {
      try files.linkItem(at: source, to: target)
    } catch {
      try files.copyItem(at: source, to: target)
    }
  }

  /// The curves of a training stage that was taken over from a run of an earlier version, which keeps them in
  /// one file.
  private func takeMetrics(of part: RunPart, from run: URL) throws {
    guard part == .sft || part == .train else { return }
    let theirs = run.appendingPathComponent(metrics.lastPathComponent)
    let own = file("\(part.stage.rawValue)/\(metrics.lastPathComponent)")
    guard
      FileManager.default.fileExists(atPath: own.path) || FileManager.default.fileExists(atPath: theirs.path)
    else { return }
    let source = FileManager.default.fileExists(atPath: own.path) ? own : theirs
    var rows = try RowFile.read(MetricRow.self, from: source).filter { $0.stage == part.rawValue }
    // What a finished stage keeps has no times; the log of the whole run does.
    let timed =
      FileManager.default.fileExists(atPath: theirs.path)
      ? try RowFile.readSoFar(MetricRow.self, from: theirs).rows : []
    let times = Dictionary(
      timed.filter { $0.stage == part.rawValue }.map { ($0.step, $0.wallTime) }
    ) { first, _ in first }
    for index in rows.indices where rows[index].wallTime == nil {
      rows[index].wallTime = times[rows[index].step] ?? nil
    }
    let log = try MetricsLog(metrics, resuming: part.stage, after: 0)
    for row in rows { try log.append(row) }
    try log.close()
    try MetricsLog.keep(part.stage, of: metrics)
  }
}
