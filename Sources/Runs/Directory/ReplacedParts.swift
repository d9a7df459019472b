import Checkpoint
import Foundation
import Records

/// What parts left before they were made again: `replaced/1`, `replaced/2` … in the run directory, each laid
/// out as a run.
///
/// Nothing reads them but a run with the old settings, which takes its parts back. They may be removed at any
/// time.
struct ReplacedParts {
  private let run: URL

  init(of run: URL) { self.run = run }

  private var home: URL { run.appendingPathComponent("replaced", isDirectory: true) }

  /// The folders, the newest first.
  var folders: [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: home.path)) ?? []
    return names.compactMap { Int($0) }.sorted(by: >).map {
      home.appendingPathComponent(String($0), isDirectory: true)
    }
  }

  /// Makes the next folder.
  /// - Parameter configuration: the text of `config.yaml` so far.
  func makeFolder(configuration: Data?) throws -> URL {
    let number = (folders.first.flatMap { Int($0.lastPathComponent) } ?? 0) + 1
    let folder = home.appendingPathComponent(String(number), isDirectory: true)
    try AtomicFile.makeFolder(folder)
    if let configuration {
      try ChecksumList.write(configuration, to: folder.appendingPathComponent("config.yaml"))
    }
    return folder
  }

  /// Moves a part into a folder: its record first, so that it counts as done nowhere until all of it is
  /// there.
  /// - Parameter list: the list of its files; `nil` where there is none, or a damaged one, which does not say
  ///   what belongs to the part: its places do.
  func move(_ part: RunPart, list: ChecksumList?, to folder: URL) throws {
    let files = list?.entries.map { part.unlisted($0.path) } ?? part.files(in: run)
    for path in [part.recordName, part.listName] + files { try move(path, to: folder) }
    removeEmptyFolders(of: files)
  }

  /// Moves a file or folder of the run to the same place of a replaced one.
  func move(_ path: String, to folder: URL) throws {
    let (source, target) = (run.appendingPathComponent(path), folder.appendingPathComponent(path))
    guard FileManager.default.fileExists(atPath: source.path) else { return }
    try AtomicFile.makeFolder(target.deletingLastPathComponent())
    guard rename(source.path, target.path) == 0 else {
      throw CheckpointError(.cannotWrite, file: target.path, found: String(cString: strerror(errno)))
    }
    for place in [source, target] {
      try AtomicFile.synchronize(place.deletingLastPathComponent(), reportingAs: place)
    }
  }

  /// Goes on with a move in which the process was killed.
  func finishMoves() throws {
    guard let folder = folders.first else { return }
    for part in RunPart.allCases
    where !exists(part.recordName, in: run) && exists(part.recordName, in: folder) {
      if !exists(part.listName, in: folder) { try move(part.listName, to: folder) }
      guard let list = try? ChecksumList(reading: folder.appendingPathComponent(part.listName)) else {
        continue
      }
      for path in list.entries.map({ part.unlisted($0.path) }) where !exists(path, in: folder) {
        try move(path, to: folder)
      }
    }
  }

  private func exists(_ path: String, in folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path)
  }

  private func removeEmptyFolders(of files: [String]) {
    let folders = Set(
      files.flatMap { path in
        sequence(first: (path as NSString).deletingLastPathComponent) {
          let above = ($0 as NSString).deletingLastPathComponent
          return above.isEmpty ? nil : above
        }
      }
    ).filter { $0.contains("/") }
    for folder in folders.sorted(by: { $0.utf8.count > $1.utf8.count }) {
      rmdir(run.appendingPathComponent(folder).path)
    }
  }
}
