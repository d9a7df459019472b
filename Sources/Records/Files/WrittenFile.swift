import Checkpoint
import Foundation

/// The one door through which files that a command wrote are read by another: whatever has a file's checksum
/// is compared first, wherever the reader comes from.
///
/// A file of a finished part of a run is in the part's list. Others have one beside them: `config.sfv` beside
/// `config.yaml` (``Checkpoint/ChecksumList/write(_:to:)``), `grid.sfv` beside the folder `grid` and
/// `grid.jsonl` of `dpotrain make-data`, `checksums.sfv` in the folder.
package enum WrittenFile {
  /// The content of a file that is as it was written.
  /// - Throws: as ``verify(_:)``, or `CheckpointError` of kind `cannotOpen`.
  package static func read(_ url: URL) throws -> Data {
    try verify(url)
    return try StoredBytes.read(url)
  }

  /// Compares a file with the list that has it; nothing for files that no list has.
  /// - Throws: ``RunDirectoryError/damaged(_:part:found:expected:)`` for a file of a part, else
  ///   `CheckpointError` of kind `damaged`, or `cannotOpen` where it is gone.
  package static func verify(_ url: URL) throws {
    let url = url.standardizedFileURL
    guard try !isPartOfRun(url) else { return }
    for (list, folder) in places(of: url) {
      let path = String(url.path.dropFirst(folder.path.count + 1))
      guard let own = try KeptLists.list(list, read: ChecksumList.optional)?[path] else { continue }
      let advice = "where the change is meant, remove \(list.path)"
      do {
        try own.verify(path, in: folder, advice: advice)
      } catch let error as CheckpointError where error.kind == .cannotOpen {
        throw CheckpointError(
          .cannotOpen, file: error.file, found: error.found, expected: "the file that was written; \(advice)")
      }
    }
  }

  /// The lists that may have a file, each with the folder it is relative to.
  private static func places(of url: URL) -> [(list: URL, folder: URL)] {
    let folder = url.deletingLastPathComponent()
    var places = [
      (ChecksumList.place(of: url), folder),
      (folder.appendingPathComponent(ChecksumList.name), folder),
    ]
    if folder.path.count > 1 {
      places.append((ChecksumList.place(of: folder), folder.deletingLastPathComponent()))
    }
    return places
  }

  /// Compares a file of a finished part.
  /// - Returns: whether it is one.
  private static func isPartOfRun(_ url: URL) throws -> Bool {
    var run = url.deletingLastPathComponent()
    // The deepest file of a part is `evaluate/questions/images/<source>/<split>/<picture>`.
    for _ in 0..<6 where run.path.count > 1 {
      guard FileManager.default.fileExists(atPath: run.appendingPathComponent("config.yaml").path) else {
        run.deleteLastPathComponent()
        continue
      }
      let name = String(url.path.dropFirst(run.path.count + 1))
      for part in RunPart.allCases where part.mayHave(name) {
        let place = run.appendingPathComponent(part.listName)
        do {
          let list = try KeptLists.list(place, read: ChecksumList.init(reading:))
          guard let own = list?[part.listed(name)] else { continue }
          try own.verify(part.listed(name), in: part.folder(in: run), advice: "")
        } catch let error as CheckpointError {
          throw RunDirectoryError.damaged(error, of: part)
        }
        return true
      }
      return false
    }
    return false
  }
}

extension RunDirectoryError {
  /// What comparing a file with its list of checksums gave.
  package static func damaged(_ error: CheckpointError, of part: RunPart) -> RunDirectoryError {
    .damaged(
      error.file, part: part, found: error.found,
      expected: error.kind == .cannotOpen
        ? "a file that \(part.stage.rawValue) left" : String((error.expected ?? "").prefix { $0 != ";" }))
  }
}
