import Checkpoint
import Foundation
import Records

/// Which parts of a run directory are done, and what stands against the others: reading only, without the
/// lock.
public struct PartStates: Sendable {
  private let configuration: RunConfiguration
  private let url: URL
  /// The records of parts, whatever they were made with.
  private(set) var records: [RunPart: RunDirectory.StageRecord] = [:]
  /// The values of `config.yaml` as they were; `nil` when it is not there or cannot be read.
  private let earlier: [String: String]?
  /// Digits of the model of the rounds before the last one.
  private var earlierRound: String?
  /// What the files outside hold now that each part is made from, by the key that names them; others are not
  /// looked at.
  private let outside: [RunPart: [String: String]]

  /// Reads the records of a directory, which may be missing.
  /// - Parameter outside: digests of files outside the run that parts are made from, by the key that names
  ///   them.
  /// - Throws: ``RunDirectoryError/damagedRecord(_:found:expected:)``.
  public init(
    _ configuration: RunConfiguration, in url: URL, outside: [String: String] = [:]
  ) throws {
    self.configuration = configuration
    self.outside = Self.files(outside, configuration)
    self.url = url
    earlier = try? RunConfiguration(contentsOf: url.appendingPathComponent("config.yaml")).values
    for part in RunPart.allCases {
      records[part] = try RunDirectory.StageRecord.read(url.appendingPathComponent(part.recordName))
    }
    readEarlierRound()
    let known = records
    for (part, record) in known
    where record.key != configuration.hash(of: part) && differsInNewKeysAlone(part) {
      records[part]?.key = configuration.hash(of: part)
    }
  }

  /// Whether a part was made with the same values, by a version that had fewer keys, each of which has its
  /// default now.
  private func differsInNewKeysAlone(_ part: RunPart) -> Bool {
    let defaults = RunConfiguration().values
    return configuration.needs(of: part).union([part]).allSatisfy { need in
      guard let there = records[need]?.settings ?? earlier else { return false }
      return rows(of: need).allSatisfy { ($0.value == there[$0.key] ?? defaults[$0.key]) }
    }
  }

  /// Reads what the rounds before the last one have made; nothing in a run of one.
  mutating func readEarlierRound() {
    guard configuration.train.rounds > 1 else { return }
    let run = url.appendingPathComponent(RunConfiguration.earlierRoundFolder)
    earlierRound =
      (try? RunDirectory.StageRecord.read(run.appendingPathComponent(RunPart.train.recordName)))?.files
  }

  /// Takes another record of a part, or none.
  mutating func set(_ record: RunDirectory.StageRecord?, of part: RunPart) { records[part] = record }

  /// The part's record when it is done with this configuration, from the same inputs.
  func record(of part: RunPart) -> RunDirectory.StageRecord? {
    guard let record = records[part], record.key == configuration.hash(of: part),
      changedInputs(of: part).isEmpty, changedFiles(of: part).isEmpty, isOfThisRound(record)
    else { return nil }
    return record
  }

  /// The parts it was made from that have other files now.
  func changedInputs(of part: RunPart) -> [RunPart] {
    guard let inputs = records[part]?.inputs else { return [] }
    return configuration.needs(of: part).sorted().filter { need in
      guard let then = inputs[need.rawValue], let now = records[need]?.files else { return false }
      return then != now
    }
  }

  /// The keys whose files outside the run hold something else than when the part was made; none of a part of
  /// an earlier version, which did not say.
  func changedFiles(of part: RunPart) -> [String] {
    guard let then = records[part]?.inputs else { return [] }
    return (outside[part] ?? [:]).filter { then[$0.key] != nil && then[$0.key] != $0.value }.keys.sorted()
  }

  /// The parts that are done but for files outside the run, by the keys that name these.
  public var changedFiles: [(key: String, redoes: [RunPart])] {
    Set(outside.values.flatMap(\.keys)).sorted().compactMap { key in
      let redone = RunPart.allCases.filter {
        records[$0]?.key == configuration.hash(of: $0) && changedFiles(of: $0).contains(key)
      }
      return redone.isEmpty ? nil : (key, redone)
    }
  }

  private static func files(
    _ digests: [String: String], _ configuration: RunConfiguration
  ) -> [RunPart: [String: String]] {
    guard !digests.isEmpty else { return [:] }
    let rows = configuration.rowsWithReaders.filter { digests[$0.key] != nil && $0.affectsResults }
    var files: [RunPart: [String: String]] = [:]
    for part in RunPart.allCases where part != .report {
      let readers = configuration.needs(of: part).union([part])
      for row in rows where !row.readers.isDisjoint(with: readers) {
        files[part, default: [:]][row.key] = digests[row.key]
      }
    }
    return files
  }

  /// Whether parts are there, whatever they were made with.
  var hasParts: Bool { !records.isEmpty }

  /// Whether a part was made from the model that the earlier rounds have left; also where that is not known.
  private func isOfThisRound(_ record: RunDirectory.StageRecord) -> Bool {
    guard let then = record.inputs?[RunConfiguration.earlierRoundFolder], let now = earlierRound else {
      return true
    }
    return then == now
  }

  /// What its files depend on beside the program: the configuration, and the files of the parts it is made
  /// from.
  func identity(of part: RunPart) -> String {
    let key = configuration.hash(of: part)
    let inputs = inputs(of: part)
    guard !inputs.isEmpty else { return key }
    return Digest.of(
      ([key] + inputs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: "\n"))
  }

  /// Digits of the files of the parts it is made from, and of those outside the run, as far as they are
  /// known.
  func inputs(of part: RunPart) -> [String: String] {
    var inputs = outside[part] ?? [:]
    for need in configuration.needs(of: part) { inputs[need.rawValue] = records[need]?.files }
    if part == .answers || configuration.needs(of: part).contains(.answers) {
      inputs[RunConfiguration.earlierRoundFolder] = earlierRound
    }
    return inputs
  }

  /// The values of the keys that a part reads itself.
  func settings(of part: RunPart) -> [String: String] {
    Dictionary(uniqueKeysWithValues: rows(of: part).map { ($0.key, $0.value) })
  }

  private func rows(of part: RunPart) -> [ConfigurationRow] {
    configuration.rowsWithReaders.filter { $0.affectsResults && $0.readers.contains(part) }
  }

  /// The present configuration with the values that parts on disk were made with; `nil` where these cannot
  /// be.
  var configurationOfRecords: RunConfiguration? {
    let settings = RunPart.allCases.flatMap { records[$0]?.settings ?? [:] }
    return try? RunConfiguration(
      yaml: configuration.yaml, file: "config.yaml", overrides: settings.map { "\($0.key)=\($0.value)" })
  }

  /// The parts that are done with this configuration, from the inputs that are there.
  public var done: [RunPart] { RunPart.allCases.filter { record(of: $0) != nil } }

  /// The parts on disk that were made with other settings.
  public var stale: [RunPart] {
    records.filter { $0.key != .report && $0.value.key != configuration.hash(of: $0.key) }.map(\.key).sorted()
  }

  /// The keys for which parts on disk have to be made again, in the order of the reference.
  public var changes: [ChangedKey] {
    let stale = stale
    guard !stale.isEmpty else { return [] }
    let values = configuration.values
    var found: [String: ChangedKey] = [:]
    for part in RunPart.allCases
    where stale.contains(where: { $0 == part || configuration.needs(of: $0).contains(part) }) {
      guard let there = records[part]?.settings ?? earlier else { continue }
      let here = settings(of: part)
      let known = records[part]?.settings.map { Set($0.keys) } ?? []
      // A part may read more keys than it did, of which the values are the same.
      func then(_ key: String) -> String? { there[key] ?? earlier?[key] }
      func now(_ key: String) -> String? { here[key] ?? values[key] }
      for key in Set(here.keys).union(known) where then(key) != now(key) {
        let reached = RunPart.allCases.filter { other in
          (stale.contains(other) || other == .report)
            && (other == part || configuration.needs(of: other).contains(part)
              || found[key]?.redoes.contains(other) == true)
        }
        found[key] = ChangedKey(key: key, there: then(key), here: now(key), redoes: reached)
      }
    }
    let order = configuration.rows("").map(\.key)
    return found.values.sorted {
      (order.firstIndex(of: $0.key) ?? order.count, $0.key) < (
        order.firstIndex(of: $1.key) ?? order.count, $1.key
      )
    }
  }
}
