import Checkpoint
import DPOTrain
import Foundation
import Records
import Reporting

/// The files of one run, and which stages are done.
///
/// ```
/// config.yaml              the configuration as resolved; config.sfv has its checksum
/// metrics.jsonl            one line per logged step
/// pairs.jsonl              the preference pairs
/// results.json             figures before and after
/// report.html              tables, plots, attention maps
/// events.out.tfevents.*    the same curves for TensorBoard, with pictures and texts, as they come
/// provenance.jsonl         when, where and by which command the run was worked on
/// checkpoints/             step-<n>.h5 and a text file `latest`
/// sft/ compose/ select/ train/ evaluate/ report/
/// earlier_round/           a run of its own: all rounds but the last, where there are several
/// replaced/                parts that were made again with other settings
/// ```
///
/// A part that is done leaves a record, `done.json`, with a key made of all settings it depended on, and the
/// checksums of its files in a list, `<part>.sfv`. A part whose settings, or whose inputs, are others now is
/// made again; the others stay. While a run is open it holds a lock, so that a second process cannot write
/// the same files.
public final class RunDirectory {
  /// The directory.
  public let url: URL
  /// The configuration of the run.
  public let configuration: RunConfiguration
  private let lock: RunLock?
  /// What is done.
  private(set) var states: PartStates
  /// The parts whose files were compared with their checksums.
  private var verified: Set<RunPart> = []
  /// What was found and mended when the directory was opened, for people.
  public private(set) var notes: [String] = []
  /// `config.yaml` as it was.
  private var earlierConfiguration: Data?
  /// Where parts go that are made again; made when the first one goes.
  private var replacement: URL?

  /// Opens or makes the directory `run.output_dir`, locks it, removes what killed processes left and writes
  /// `config.yaml`.
  ///
  /// - Parameters:
  ///   - fresh: removes what an earlier run left there instead of going on with it.
  ///   - lock: the lock where it is held already.
  ///   - outside: digests of files outside the run that parts are made from, by the key that names them.
  /// - Throws: ``RunDirectoryError`` when the directory belongs to another process, to something that is not
  ///   a run, or when a record in it is damaged.
  public init(
    _ configuration: RunConfiguration, fresh: Bool = false, lock held: RunLock? = nil,
    outside: [String: String] = [:]
  ) throws {
    self.configuration = configuration
    let path = configuration.run.outputDirectory
    url = URL(fileURLWithPath: path, isDirectory: true)
    lock = try held ?? RunLock(configuration)
    let resolved = url.appendingPathComponent("config.yaml")
    AtomicFile.removeLeftovers(in: url)
    if fresh { try Self.removeRun(url) }
    do {
      let isThere = FileManager.default.fileExists(atPath: resolved.path)
      earlierConfiguration = isThere ? try WrittenFile.read(resolved) : nil
    } catch let error as CheckpointError {
      earlierConfiguration = nil
      notes.append("\(error.file) is damaged (\(error.found)) and is written again")
    }
    try ReplacedParts(of: url).finishMoves()
    states = try PartStates(configuration, in: url, outside: outside)
    if !notes.isEmpty { earlierConfiguration = states.configurationOfRecords.map { Data($0.yaml.utf8) } }
    try ChecksumList.write(configuration.yaml.utf8, to: resolved)
  }

  /// Reads a run that another process of the same team holds open, which writes.
  /// - Throws: ``RunDirectoryError`` when a record in it is damaged.
  init(following configuration: RunConfiguration, outside: [String: String]) throws {
    self.configuration = configuration
    url = URL(fileURLWithPath: configuration.run.outputDirectory, isDirectory: true)
    lock = nil
    states = try PartStates(configuration, in: url, outside: outside)
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
    try AtomicFile.makeFolder(url)
    return url
  }

  // MARK: Parts

  /// Hash of everything a part depends on: its settings, and those of the parts it is made from.
  public func key(of part: RunPart) -> String { configuration.hash(of: part) }

  /// The key together with the files of the parts it is made from: what a checkpoint of it must have been
  /// written for.
  package func identity(of part: RunPart) -> String { states.identity(of: part) }

  /// The record of a part that is done with these settings; `nil` when it has to be made.
  public func record(of part: RunPart) -> StageRecord? { states.record(of: part) }

  /// Whether a part is done with these settings.
  public func isDone(_ part: RunPart) -> Bool { record(of: part) != nil }

  /// The record of a part in any run, whatever its settings; `nil` also for one that cannot be read.
  static func record(of part: RunPart, in run: URL) -> StageRecord? {
    try? StageRecord.read(run.appendingPathComponent(part.recordName))
  }

  /// The record of a part of `configuration` in any run; `nil` where it was made with other settings, or
  /// cannot be read.
  static func record(of part: RunPart, of configuration: RunConfiguration, in run: URL) -> StageRecord? {
    let key = configuration.hash(of: part)
    guard let record = record(of: part, in: run) else { return nil }
    guard record.key != key else { return record }
    // One of a version with fewer keys may still be of the same settings.
    return (try? PartStates(configuration, in: run))?.records[part].flatMap { $0.key == key ? $0 : nil }
  }

  /// Takes notice of what the rounds before the last one have made.
  func readEarlierRound() { states.readEarlierRound() }

  /// Throws when a stage that `stage` reads from is not done.
  public func requirePrerequisites(of stage: Stage) throws {
    for before in stage.prerequisites
    where configuration.stages.contains(before) && !isDone(RunPart(before)) {
      let differences =
        states.changes.filter { $0.redoes.contains(RunPart(before)) }.map(\.difference)
        + states.changedFiles.filter { $0.redoes.contains(RunPart(before)) }.map {
          "\($0.key): files hold something else than they did"
        }
      throw RunDirectoryError.missingStage(
        before, neededBy: stage, url.path,
        because: differences.isEmpty ? nil : differences.joined(separator: "; "))
    }
  }

  /// Notes that a part is done, with the checksums of its files.
  /// - Parameter from: the run it was taken over from.
  public func markDone(_ part: RunPart, seconds: Double, from: String? = nil) throws {
    _ = try folder(part.stage)
    var record = StageRecord(key: key(of: part), seconds: seconds, from: from)
    record.settings = states.settings(of: part)
    record.inputs = states.inputs(of: part)
    if from == nil { record.peakBytes = EnvironmentReport.peakResidentBytes }
    try write(try Self.list(part, in: url), &record, part)
    verified.insert(part)
  }

  /// Writes the list, then the record that has its checksum.
  private func write(_ list: ChecksumList, _ record: inout StageRecord, _ part: RunPart) throws {
    record.files = list.digits
    try AtomicFile.write(list.text.utf8, to: file(part.listName))
    try AtomicFile.write(try record.text.utf8, to: file(part.recordName))
    states.set(record, of: part)
  }

  /// Notes that a stage has to run, and everything made from it that does not know from which files.
  public func markUndone(_ stage: Stage) throws {
    let first = RunPart(stage)
    for part in RunPart.allCases
    where part == first
      || configuration.needs(of: part).contains(first) && (states.records[part]?.inputs ?? [:]).isEmpty
    {
      unlink(file(part.recordName).path)
      states.set(nil, of: part)
    }
  }

  /// Compares the files of a part that is done with their checksums, once.
  /// - Throws: ``RunDirectoryError/damaged(_:part:found:expected:)``.
  package func verify(_ part: RunPart) throws {
    guard let record = states.records[part], !verified.contains(part) else { return }
    try Self.verify(part, record, in: url)
    verified.insert(part)
  }

  /// Compares the files of all parts that a stage reads.
  func verifyInputs(of stage: Stage) throws {
    for part in configuration.needs(of: RunPart(stage)).sorted() { try verify(part) }
  }

  /// Takes a file that was changed after a part was done for the part's own.
  /// - Parameter path: relative to the run, or to where the process works.
  /// - Throws: ``RunDirectoryError/notAPartsFile(_:)``.
  package func accept(_ path: String) throws {
    let inRun = url.appendingPathComponent(path).standardizedFileURL.path
    let here = URL(fileURLWithPath: path).standardizedFileURL.path
    for part in RunPart.allCases {
      guard var record = states.records[part], record.files != nil,
        var list = try? ChecksumList(reading: file(part.listName)),
        let entry = list.entries.first(where: {
          let place = part.folder(in: url).appendingPathComponent($0.path).standardizedFileURL.path
          return place == inRun || place == here
        })
      else { continue }
      let place = part.folder(in: url).appendingPathComponent(entry.path)
      list.set(entry.path, to: try StoredBytes.checksum(of: place).crc32)
      record.accepted = Set((record.accepted ?? []) + [part.unlisted(entry.path)]).sorted()
      try write(list, &record, part)
      return
    }
    throw RunDirectoryError.notAPartsFile(path)
  }

  /// Takes what files outside the run hold now for what parts were made from.
  /// - Parameter key: the key that names them, such as `data.path`.
  func acceptFiles(of key: String) throws {
    for part in RunPart.allCases where states.changedFiles(of: part).contains(key) {
      guard var record = states.records[part] else { continue }
      record.inputs?[key] = states.inputs(of: part)[key]
      try AtomicFile.write(try record.text.utf8, to: file(part.recordName))
      states.set(record, of: part)
    }
  }

  // MARK: Making again

  /// What is wrong with the list of a part's files, which then goes to `replaced/` as it is.
  package func problemOfList(of part: RunPart) -> RunDirectoryError? {
    guard let record = states.records[part] else { return nil }
    do {
      _ = try Self.writtenList(of: part, record, in: url)
      return nil
    } catch {
      return error as? RunDirectoryError
    }
  }

  /// Moves what a part left to a folder of `replaced/`, with the checkpoints of its stage when they are of
  /// other settings.
  /// - Parameter all: moves them in any case.
  /// - Returns: The folder, relative to the run; `nil` when there was nothing.
  @discardableResult
  package func setAside(_ part: RunPart, checkpoints all: Bool = false) throws -> String? {
    let parts = ReplacedParts(of: url)
    var folder: URL?
    func target() throws -> URL {
      let made = try replacement ?? parts.makeFolder(configuration: earlierConfiguration)
      (replacement, folder) = (made, made)
      return made
    }
    // What a process that was killed left without a record is not finished, and will be written over.
    if let record = states.records[part] {
      try parts.move(part, list: try? Self.writtenList(of: part, record, in: url), to: try target())
      states.set(nil, of: part)
      verified.remove(part)
    } else {
      unlink(file(part.listName).path)
    }
    func moveCheckpoints(_ name: String, of part: RunPart) throws {
      guard FileManager.default.fileExists(atPath: file(name).path) else { return }
      // Their lines first: what a checkpoint counts on is there before it is.
      try MetricsLog.put(
        part.stage, of: metrics, into: try target().appendingPathComponent(metrics.lastPathComponent))
      try parts.move(name, to: try target())
    }
    if let name = Self.checkpoints(of: part), all || isOfOtherSettings(file(name), part) {
      try moveCheckpoints(name, of: part)
    }
    // The base model's lines will take the place of later ones, on which checkpoints of training count.
    if part == .sft, states.records[.train] == nil, let name = Self.checkpoints(of: .train) {
      try moveCheckpoints(name, of: .train)
    }
    return folder.map { "replaced/\($0.lastPathComponent)" }
  }

  /// Takes back the checkpoints of a part that was stopped, then made with other settings, and is made now
  /// with the first ones again.
  /// - Returns: The folder they were kept in, relative to the run; `nil` when there are none.
  @discardableResult
  package func takeBackCheckpoints(of part: RunPart) throws -> String? {
    guard let name = Self.checkpoints(of: part) else { return nil }
    let found = try? FileManager.default.contentsOfDirectory(atPath: file(name).path)
    guard found?.allSatisfy(AtomicFile.isLeftover) ?? true else { return nil }
    let kept = replacedRuns.first { folder in
      configurationHash(ofCheckpoints: folder.appendingPathComponent(name)) == identity(of: part)
    }
    guard let kept else { return nil }
    // What was stopped before its first checkpoint leaves a folder with nothing in it.
    if found != nil { try FileManager.default.removeItem(at: file(name)) }
    let lines = kept.appendingPathComponent(metrics.lastPathComponent)
    try MetricsLog.put(part.stage, of: lines, into: metrics)
    try ReplacedParts(of: kept).move(name, to: url)
    return "replaced/\(kept.lastPathComponent)"
  }

  /// Earlier results of this directory, the newest first.
  package var replacedRuns: [URL] { ReplacedParts(of: url).folders }

  /// The folder of a part's checkpoints.
  static func checkpoints(of part: RunPart) -> String? {
    switch part {
    case .sft: "sft/checkpoints"
    case .train: "checkpoints"
    default: nil
    }
  }

  private func isOfOtherSettings(_ folder: URL, _ part: RunPart) -> Bool {
    // One that cannot be read is told when the stage goes on from it.
    configurationHash(ofCheckpoints: folder).map { $0 != identity(of: part) } ?? false
  }

  /// What the newest checkpoint of a folder was written for; `nil` when it cannot be read.
  private func configurationHash(ofCheckpoints folder: URL) -> String? {
    guard let newest = try? CheckpointDirectory(folder).newest(),
      let file = try? HDF5File(reading: newest.url),
      case .string(let found)? = try? file.attribute("configuration_hash")
    else { return nil }
    return found
  }

  /// Whether a run writes a file or folder of this name.
  static func isWritten(_ name: String) -> Bool {
    let names =
      [
        "metrics.jsonl", "pairs.jsonl", "results.json", "report.html", "checkpoints", "replaced",
        RunConfiguration.earlierRoundFolder,
      ]
      + [RunProvenance.file] + Stage.allCases.map(\.rawValue)
    return names.contains(name) || TensorBoardWriter.isEventFile(name)
  }

  /// Removes the files a run writes, by name, and nothing else.
  private static func removeRun(_ url: URL) throws {
    ChecksumList.remove(url.appendingPathComponent(OmissionLog.file))
    // `config.yaml` stays until it is replaced: without it the directory would no longer be known as a run.
    for name in try FileManager.default.contentsOfDirectory(atPath: url.path)
    where isWritten(name) {
      try FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }
  }
}

extension RunDirectory {
  /// The folders of a run and of the rounds before its last one, from the last.
  static func rounds(of run: URL) -> [URL] {
    Array(
      sequence(first: run) { folder in
        let earlier = folder.appendingPathComponent(RunConfiguration.earlierRoundFolder)
        return FileManager.default.fileExists(atPath: earlier.path) ? earlier : nil
      })
  }
}
