import Foundation
import Records
import Tensor

/// Runs the units of a suite that are not finished, and writes the tables.
///
/// Every unit is an ordinary run directory. Parts that come out the same are made once for each seed and
/// taken over (``RunPart``). A unit that was stopped goes on where it was. Several processes can work on one
/// suite at a time: each leaves out what another one works on.
public struct AblationRunner {
  private let suite: AblationSuite
  private let console: Console
  private let isFresh: Bool

  /// - Parameters:
  ///   - console: Where messages and progress go.
  ///   - fresh: Removes what earlier runs left in the units' directories.
  public init(_ suite: AblationSuite, console: Console = .silent, fresh: Bool = false) {
    self.suite = suite
    self.console = console
    isFresh = fresh
  }

  /// Runs what is left and writes the tables. A run that fails is left out, and told at the end.
  /// - Throws: ``InterruptedRun`` after a signal, ``AblationError/failed(_:)`` when runs have failed.
  public func run() throws {
    if isFresh {
      // Nothing goes before all of it is known to be nobody else's.
      let locks = try suite.units.map { ($0, try RunLock($0.configuration)) }
      for (unit, lock) in locks { _ = try RunDirectory(unit.configuration, fresh: true, lock: lock) }
      try? FileManager.default.removeItem(at: AblationLog.place(in: suite.directory))
    }
    try FileManager.default.createDirectory(at: suite.directory, withIntermediateDirectories: true)
    for problem in AblationLog.problems(of: suite) { console.warning(problem) }
    var failures: [String: String] = [:]
    while true {
      var waits = false
      for seed in suite.seeds { waits = try run(seed, &failures) || waits }
      guard waits else { break }
      try Interruption.check("ablate, waiting for another process")
      Thread.sleep(forTimeInterval: 2)
    }
    try AblationFiles(AblationResults(suite)).write()
    console.result(AblationOverview(suite).text)
    console.message("ablate: \(AblationFiles.table(in: suite.directory).path)")
    guard failures.isEmpty else {
      throw AblationError.failed(failures.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
    }
  }

  /// - Returns: Whether another process has something of this seed in its hands.
  private func run(_ seed: UInt64, _ failures: inout [String: String]) throws -> Bool {
    let units = suite.units.filter { $0.seed == seed }
    var isWaiting = false
    var ran = false
    for (place, unit) in units.enumerated() where failures[unit.title] == nil && !unit.isFinished {
      try Interruption.check("ablate, before \(unit.title)")
      do {
        try run(unit, besides: units)
        ran = true
      } catch RunDirectoryError.locked {
        isWaiting = true
        // The first run of a seed makes what the others take over.
        if place == 0 { return true }
      } catch let error as InterruptedRun {
        throw error
      } catch {
        failures[unit.title] = "\(error)"
        console.warning("\(unit.title) failed: \(error)")
      }
    }
    if ran { try AblationFiles(AblationResults(suite)).write() }
    return isWaiting
  }

  private func run(_ unit: AblationSuite.Unit, besides units: [AblationSuite.Unit]) throws {
    // Another process may hold the directory, which is to be known before anything is said about it.
    _ = try RunLock(unit.configuration)
    console.message("ablate: \(AblationOverview(suite).line); now \(unit.title)")
    let start = ContinuousClock.now
    try Pipeline(
      configuration: unit.configuration, console: console.progressOnly,
      takingFrom: units.map(\.directory)
    ).run(Stage.allCases.filter { $0 != .report })
    // Of a finished run nothing reads these again, and they are most of its bytes.
    for folder in RunDirectory.rounds(of: unit.directory) {
      try? FileManager.default.removeItem(at: folder.appendingPathComponent("checkpoints"))
    }
    try AblationLog.append(
      .init(
        variant: unit.variant.name, seed: unit.seed, seconds: (ContinuousClock.now - start) / .seconds(1),
        peakBytes: EnvironmentReport.peakResidentBytes, threads: Threads.count), in: suite.directory)
  }
}

extension AblationSuite.Unit {
  /// `beta-1, seed 2`.
  var title: String { "\(variant.name), seed \(seed)" }

  /// Whether the run has its figures.
  var isFinished: Bool {
    RunDirectory.record(of: .evaluate, of: configuration, in: directory) != nil
  }

  /// Whether something of it is on disk.
  var isBegun: Bool {
    FileManager.default.fileExists(atPath: directory.appendingPathComponent("config.yaml").path)
  }
}
