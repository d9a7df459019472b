import Foundation

/// The files of one run, and which stages are done.
///
/// ```
/// config.yaml              the configuration as resolved
/// metrics.jsonl            one line per logged step
/// pairs.jsonl              the preference pairs
/// results.json             figures before and after
/// report.html              tables, plots, attention maps
/// events.out.tfevents.*    the same curves for TensorBoard
/// checkpoints/             step-<n>.h5 and a text file `latest`
/// sft/ compose/ select/ train/ evaluate/ report/
/// ```
///
/// A stage that is done leaves `done.json` in its folder with a key made of everything it depended on.
/// While a run is open it holds a lock, so that a second process cannot write the same files.
public final class RunDirectory {
  /// The directory.
  public let url: URL
  /// The configuration of the run.
  public let configuration: RunConfiguration
  private let lock: FileLock

  /// Opens or makes the directory `run.output_dir`, locks it and writes `config.yaml`.
  ///
  /// - Parameter fresh: removes what an earlier run left there instead of going on with it.
  /// - Throws: ``RunDirectoryError`` when the directory belongs to another configuration, to another process, or
  ///   to something that is not a run.
  public init(_ configuration: RunConfiguration, fresh: Bool = false) throws {
    self.configuration = configuration
    let path = configuration.run.outputDirectory
    url = URL(fileURLWithPath: path, isDirectory: true)
    let files = FileManager.default
    do {
      try files.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw RunDirectoryError.cannotCreate(path, error.localizedDescription)
    }
    let resolved = url.appendingPathComponent("config.yaml")
    let isRun = files.fileExists(atPath: resolved.path)
    let others = try files.contentsOfDirectory(atPath: url.path).filter { $0 != ".lock" }
    if !isRun, !others.isEmpty { throw RunDirectoryError.notARun(path, others.sorted()[0]) }
    lock = try FileLock(url.appendingPathComponent(".lock"), directory: path)
    if isRun {
      if fresh {
        try removeRun()
      } else {
        let found = try? RunConfiguration(contentsOf: resolved).hash
        guard found == configuration.hash else {
          throw RunDirectoryError.otherConfiguration(path, found: found, expected: configuration.hash)
        }
      }
    }
    try Data(configuration.yaml.utf8).write(to: resolved, options: .atomic)
  }

  // MARK: Places

  /// `metrics.jsonl`.
  public var metrics: URL { file("metrics.jsonl") }
  /// `pairs.jsonl`.
  public var pairs: URL { file("pairs.jsonl") }
  /// `results.json`.
  public var results: URL { file("results.json") }
  /// `report.html`.
  public var report: URL { file("report.html") }
  /// `checkpoints/`, made when missing.
  public var checkpoints: URL { get throws { try directory("checkpoints") } }

  /// A file of the run by its name.
  public func file(_ name: String) -> URL { url.appendingPathComponent(name) }

  /// The folder of a stage, made when missing.
  public func folder(_ stage: Stage) throws -> URL { try directory(stage.rawValue) }

  private func directory(_ name: String) throws -> URL {
    let url = url.appendingPathComponent(name, isDirectory: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  // MARK: Stages

  /// What a finished stage, or part of one, leaves behind.
  public struct StageRecord: Codable, Equatable, Sendable {
    /// Hash of everything it depended on.
    public var key: String
    /// Wall time of the attempt that finished it, seconds.
    public var seconds: Double
    /// The run it was taken over from; `nil` where it was made here.
    public var from: String?
  }

  /// Hash of everything a part depends on: its settings, and those of the parts it is made from.
  public func key(of part: RunPart) -> String { configuration.hash(of: part) }

  /// The record of a part that is done with these settings; `nil` when it has to be made.
  public func record(of part: RunPart) -> StageRecord? {
    Self.record(of: part, in: url).flatMap { $0.key == key(of: part) ? $0 : nil }
  }

  /// Whether a part is done with these settings.
  public func isDone(_ part: RunPart) -> Bool { record(of: part) != nil }

  static func record(of part: RunPart, in run: URL) -> StageRecord? {
    guard let data = try? Data(contentsOf: marker(of: part, in: run)) else { return nil }
    return try? JSONDecoder().decode(StageRecord.self, from: data)
  }

  private static func marker(of part: RunPart, in run: URL) -> URL {
    let name = part == RunPart(part.stage) ? "done.json" : "\(part.rawValue).done.json"
    return run.appendingPathComponent(part.stage.rawValue).appendingPathComponent(name)
  }

  /// Throws when a stage that `stage` reads from is not done.
  public func requirePrerequisites(of stage: Stage) throws {
    for before in stage.prerequisites where !isDone(RunPart(before)) {
      throw RunDirectoryError.missingStage(before, neededBy: stage, url.path)
    }
  }

  /// Notes that a part is done.
  /// - Parameter from: the run it was taken over from.
  public func markDone(_ part: RunPart, seconds: Double, from: String? = nil) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    let data = try encoder.encode(StageRecord(key: key(of: part), seconds: seconds, from: from))
    _ = try folder(part.stage)
    try (data + Data("\n".utf8)).write(to: Self.marker(of: part, in: url), options: .atomic)
  }

  /// Notes that a stage, and everything made from it, has to run.
  public func markUndone(_ stage: Stage) throws {
    let first = RunPart(stage)
    for part in RunPart.allCases where part == first || part.needs.contains(first) {
      let marker = Self.marker(of: part, in: url)
      if FileManager.default.fileExists(atPath: marker.path) {
        try FileManager.default.removeItem(at: marker)
      }
    }
  }

  /// Removes the files a run writes, by name, and nothing else.
  private func removeRun() throws {
    let names =
      ["metrics.jsonl", "pairs.jsonl", "results.json", "report.html", "checkpoints"]
      + Stage.allCases.map(\.rawValue)
    // `config.yaml` stays until it is replaced: without it the directory would no longer be known as a run.
    for name in try FileManager.default.contentsOfDirectory(atPath: url.path)
    where names.contains(name) || name.hasPrefix("events.out.tfevents.") {
      try FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }
  }
}

/// Why a run directory cannot be used.
public enum RunDirectoryError: Error, Equatable, CustomStringConvertible {
  /// The directory cannot be made.
  case cannotCreate(String, String)
  /// The directory holds other files.
  case notARun(String, String)
  /// The directory belongs to a run with other settings.
  case otherConfiguration(String, found: String?, expected: String)
  /// Another process works in the directory.
  case locked(String, holder: String)
  /// A stage that is needed is not done.
  case missingStage(Stage, neededBy: Stage, String)

  /// One sentence with a way out.
  public var description: String {
    switch self {
    case .cannotCreate(let path, let reason):
      "\(path): cannot be made (\(reason)); choose another run.output_dir"
    case .notARun(let path, let name):
      "\(path): found \(name) and no config.yaml, expected an empty directory or a run; "
        + "choose another with --set run.output_dir=DIR"
    case .otherConfiguration(let path, let found, let expected):
      "\(path): found a run of another configuration (\(found?.prefix(12) ?? "unreadable")), expected "
        + "\(expected.prefix(12)); start over with --fresh or keep both with --set run.output_dir=DIR"
    case .locked(let path, let holder):
      "\(path): another process\(holder) is working here; wait for it or use --set run.output_dir=DIR"
    case .missingStage(let stage, let needing, let path):
      "\(path): \(needing.rawValue) needs the files of \(stage.rawValue), which is not done; "
        + "run dpotrain \(stage.rawValue) with this configuration first, or dpotrain for all stages"
    }
  }
}
