import Checkpoint
import Foundation
import Records
import Reporting

/// The report of a run whatever its state, made by reading alone: without the run's lock, and while another
/// process writes.
public struct RunReport {
  private let directory: URL
  private let path: String

  /// How often a file that does not go with its checksum is read again, and how long to wait in between: a
  /// list and its file are replaced one after the other.
  private static let attempts = 5
  private static let pause = 0.2

  /// A report of a directory.
  /// - Throws: ``DataError`` where there is no run in it.
  public init(_ path: String) throws {
    self.path = path
    directory = URL(fileURLWithPath: path, isDirectory: true)
    guard isRun || !RunFolder.runs(in: directory).isEmpty else {
      throw DataError(
        file: path,
        problem: "holds no run, expected a directory with a config.yaml, or one of such directories")
    }
  }

  private var isRun: Bool {
    FileManager.default.fileExists(atPath: directory.appendingPathComponent("config.yaml").path)
  }

  /// Writes `report.html`, in one step.
  /// - Returns: the file.
  /// - Throws: ``RowFileError``, ``RunDirectoryError`` and `CheckpointError` for damaged files; ``DataError``
  ///   for a file of that name which is no report.
  @discardableResult
  public func write() throws -> URL {
    let target = directory.appendingPathComponent("report.html")
    try Self.requireReport(target)
    guard isRun else {
      try AtomicFile.write(try RunFolder(directory).page.html.utf8, to: target)
      return target
    }
    for attempt in 1...Self.attempts {
      do {
        let configuration = try? RunConfiguration(contentsOf: directory.appendingPathComponent("config.yaml"))
        let settings = configuration?.report
        try ReportStage.writeReport(
          runDirectory: directory, title: configuration?.run.name, samples: settings?.samples ?? 6,
          attentionMaps: settings?.attentionMaps ?? 4)
        break
      } catch {
        guard attempt < Self.attempts, isUnderWay else { throw error }
        Thread.sleep(forTimeInterval: Self.pause)
      }
    }
    return target
  }

  /// Refuses to write over a page of someone else: a folder with runs in it is not the runs' own.
  private static func requireReport(_ target: URL) throws {
    switch FileKind(target.path) {
    case .nothing: return
    case .file:
      let page = try StoredBytes.read(target)
      guard page.isEmpty || ReportMark.isIn(page) else {
        throw DataError(
          file: target.path, problem: "is there and no report of dpotrain; move it elsewhere, or remove it")
      }
    case let other:
      throw DataError(
        file: target.path, problem: "found \(other.words), expected a report or a name that is not there")
    }
  }

  /// Whether a process may be writing: not every part has its record.
  private var isUnderWay: Bool {
    let file = directory.appendingPathComponent("config.yaml")
    guard let configuration = try? RunConfiguration(contentsOf: file),
      let states = try? PartStates(configuration, in: directory)
    else { return true }
    return configuration.stages.contains { $0 != .report && states.record(of: RunPart($0)) == nil }
  }

  /// Whether the run of a configuration has begun with the same settings, and is not finished.
  public static func isPartial(_ configuration: RunConfiguration) -> Bool {
    let directory = URL(fileURLWithPath: configuration.run.outputDirectory, isDirectory: true)
    guard FileManager.default.fileExists(atPath: directory.appendingPathComponent("config.yaml").path),
      let states = try? PartStates(configuration, in: directory), states.stale.isEmpty,
      let there = try? RunConfiguration(contentsOf: directory.appendingPathComponent("config.yaml")),
      there.hash == configuration.hash
    else { return false }
    return configuration.stages.contains { $0 != .report && states.record(of: RunPart($0)) == nil }
  }
}
