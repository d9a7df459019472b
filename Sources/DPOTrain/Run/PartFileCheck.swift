import Checkpoint
import Foundation

/// Checks single files of runs for whoever reads them, inside of a run or not.
enum PartFileCheck {
  /// Compares a file with the list of the part of a run that left it; nothing for files that no list has.
  /// - Throws: ``RunDirectoryError/damaged(_:part:found:expected:)``.
  static func verify(_ url: URL) throws {
    let path = url.standardizedFileURL.path
    var run = url.standardizedFileURL.deletingLastPathComponent()
    // The deepest file of a part is `evaluate/questions/images/<source>/<split>/<picture>`.
    for _ in 0..<6 where run.path.count > 1 {
      guard FileManager.default.fileExists(atPath: run.appendingPathComponent("config.yaml").path) else {
        run.deleteLastPathComponent()
        continue
      }
      let name = String(path.dropFirst(run.path.count + 1))
      for part in RunPart.allCases where part.mayHave(name) {
        let place = run.appendingPathComponent(part.listName)
        guard FileManager.default.fileExists(atPath: place.path) else { continue }
        do {
          let list = try ChecksumList(reading: place)
          guard let entry = list.entries.first(where: { $0.path == part.listed(name) }) else { continue }
          try list.verify(entry, in: part.folder(in: run), advice: "")
        } catch let error as CheckpointError {
          throw RunDirectoryError.damaged(error, of: part)
        }
        return
      }
      return
    }
  }
}

extension RunDirectoryError {
  /// What comparing a file with its list of checksums gave.
  static func damaged(_ error: CheckpointError, of part: RunPart) -> RunDirectoryError {
    .damaged(
      error.file, part: part, found: error.found,
      expected: error.kind == .cannotOpen
        ? "a file that \(part.stage.rawValue) left" : String((error.expected ?? "").prefix { $0 != ";" }))
  }
}
