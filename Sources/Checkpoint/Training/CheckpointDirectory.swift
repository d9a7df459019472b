import Foundation
import Tensor

/// A folder `checkpoints/` with `step-<n>.h5` files and a text file `latest` that names the newest.
public struct CheckpointDirectory: Sendable {
  /// The folder.
  public let url: URL
  /// How many checkpoints to keep; the oldest steps are removed after each save.
  public let keepLast: Int

  /// Uses a folder, which is made at the first save. Traps when `keepLast` is less than one.
  public init(_ url: URL, keepLast: Int = 2) {
    tensorRequire(keepLast >= 1, "CheckpointDirectory", "keepLast \(keepLast)")
    self.url = url
    self.keepLast = keepLast
  }

  /// Where the checkpoint of a step is, or would be.
  public func file(step: Int) -> URL { url.appendingPathComponent("step-\(step).h5") }

  /// The text file that names the newest checkpoint.
  public var latestFile: URL { url.appendingPathComponent("latest") }

  /// The steps that have a checkpoint, ascending; unfinished files do not count.
  /// - Throws: ``CheckpointError`` when the folder exists but cannot be listed.
  public func steps() throws -> [Int] { try listing().compactMap(Self.step).sorted() }

  /// Writes a checkpoint, then `latest`, then removes what retention no longer keeps and what killed
  /// processes left behind.
  /// - Returns: where the checkpoint is.
  /// - Throws: ``CheckpointError`` of kind `cannotWrite`; earlier checkpoints and `latest` are then
  ///   untouched.
  @discardableResult
  public func save(_ checkpoint: TrainingCheckpoint, step: Int) throws -> URL {
    try AtomicFile.makeFolder(url)
    let destination = file(step: step)
    try checkpoint.write(to: destination)
    try AtomicFile.write("\(destination.lastPathComponent)\n".utf8, to: latestFile)
    try removeSuperseded(by: step)
    for name in try listing() where AtomicFile.isLeftover(name) && !AtomicFile.isInUse(name) {
      unlink(url.appendingPathComponent(name).path)
    }
    return destination
  }

  /// Removes the checkpoints that the one of `step` supersedes; a process killed in ``save(_:step:)`` leaves
  /// them.
  /// - Throws: ``CheckpointError`` when the folder exists but cannot be listed.
  public func removeSuperseded(by step: Int) throws {
    let old = try steps().filter { $0 != step }.dropLast(keepLast - 1)
    guard !old.isEmpty else { return }
    for step in old { unlink(file(step: step).path) }
    // A power cut must not bring them back.
    try AtomicFile.synchronize(url, reportingAs: url)
  }

  /// The newest checkpoint: the one that `latest` names, or without that file the one of the highest step.
  ///
  /// A process killed between writing a checkpoint and writing `latest` resumes from the earlier one, which
  /// gives the same result.
  /// - Returns: nil when there is none.
  /// - Throws: ``CheckpointError``: `missing` when `latest` names a file that is not there or is no such
  ///   name.
  public func newest() throws -> (step: Int, url: URL)? {
    guard FileManager.default.fileExists(atPath: latestFile.path) else {
      return try steps().last.map { ($0, file(step: $0)) }
    }
    let data = FileManager.default.contents(atPath: latestFile.path) ?? Data()
    let name = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard let step = Self.step(name) else {
      throw CheckpointError(
        .missing, file: latestFile.path, found: "`\(name.prefix(80))`", expected: "a name such as step-100.h5"
      )
    }
    guard FileManager.default.fileExists(atPath: file(step: step).path) else {
      throw CheckpointError(
        .missing, file: latestFile.path, found: "the name \(name) of a file that is not there",
        expected: "one of step \(try steps().map(String.init).joined(separator: ", "))")
    }
    return (step, file(step: step))
  }

  /// Reads the newest checkpoint, if there is one.
  /// - Throws: as ``newest()`` and ``TrainingCheckpoint/init(reading:)``.
  public func readNewest() throws -> (step: Int, url: URL, checkpoint: TrainingCheckpoint)? {
    guard let (step, url) = try newest() else { return nil }
    return (step, url, try TrainingCheckpoint(reading: url))
  }

  /// The newest checkpoint that can be read, passing over damaged ones, whose errors are handed to `report`.
  /// - Throws: ``CheckpointError`` when the folder cannot be listed.
  public func readNewestValid(
    report: (CheckpointError) -> Void = { _ in }
  ) throws -> (step: Int, url: URL, checkpoint: TrainingCheckpoint)? {
    for step in try steps().reversed() {
      do {
        return (step, file(step: step), try TrainingCheckpoint(reading: file(step: step)))
      } catch let error as CheckpointError where error.kind == .damaged || error.kind == .wrongFormat {
        report(error)
      }
    }
    return nil
  }

  private func listing() throws -> [String] {
    guard FileManager.default.fileExists(atPath: url.path) else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: url.path)
    } catch {
      throw CheckpointError(.cannotOpen, file: url.path, found: error.localizedDescription)
    }
  }

  private static func step(_ name: String) -> Int? {
    guard name.hasPrefix("step-"), name.hasSuffix(".h5") else { return nil }
    let digits = name.dropFirst(5).dropLast(3)
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(digits)
  }
}
