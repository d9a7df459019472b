import Checkpoint
import Foundation

/// Which files of a run a part consists of, and the list of their checksums.
extension RunPart {
  /// The name of its record, relative to the run.
  var recordName: String {
    "\(stage.rawValue)/" + (self == RunPart(stage) ? "done.json" : "\(rawValue).done.json")
  }

  /// The name of the list of its files, relative to the run.
  package var listName: String { "\(stage.rawValue)/\(rawValue).sfv" }

  /// The files and folders it writes, relative to the run.
  private var places: [String] {
    switch self {
    case .sft: ["sft"]
    case .compose: ["compose"]
    case .answers: ["select/answers.jsonl"]
    case .select: ["select", "pairs.jsonl"]
    case .train: ["train"]
    case .questions: ["evaluate/questions"]
    case .before: ["evaluate/before.jsonl"]
    case .evaluate: ["evaluate/after.jsonl", "results.json"]
    case .report: ["report.html"]
    }
  }

  /// Whether a path of the run lies where the part writes.
  func mayHave(_ path: String) -> Bool { places.contains { path == $0 || path.hasPrefix($0 + "/") } }

  /// Files in its folders that are not its own: another part's, or caches that know themselves what they
  /// depend on.
  private var exceptions: [String] {
    switch self {
    case .select: ["select/answers.jsonl"]
    case .train: ["train/reference.h5"]
    default: []
    }
  }

  /// Caches that are worth taking along with the part.
  var caches: [String] { self == .train ? ["train/reference.h5"] : [] }

  /// Its files in a run, relative to it, without checkpoints, records, lists and unfinished ones.
  func files(in run: URL) -> [String] {
    var found: [String] = []
    func visit(_ path: String) {
      let name = (path as NSString).lastPathComponent
      let isOwn =
        !name.hasPrefix(".") && !name.hasSuffix(".partial") && !name.hasSuffix("done.json")
        && !exceptions.contains(path) && !RunPart.allCases.contains { $0.listName == path }
      var isFolder: ObjCBool = false
      guard isOwn,
        FileManager.default.fileExists(atPath: run.appendingPathComponent(path).path, isDirectory: &isFolder)
      else { return }
      guard isFolder.boolValue else {
        found.append(path)
        return
      }
      guard path != "sft/checkpoints" else { return }
      for name
        in (try? FileManager.default.contentsOfDirectory(atPath: run.appendingPathComponent(path).path)) ?? []
      {
        visit("\(path)/\(name)")
      }
    }
    places.forEach(visit)
    return found.sorted()
  }

  /// A path of the run as its list has it: relative to the stage's folder.
  package func listed(_ path: String) -> String {
    path.hasPrefix(stage.rawValue + "/")
      ? String(path.dropFirst(stage.rawValue.utf8.count + 1)) : "../" + path
  }

  /// The reverse of ``listed(_:)``.
  package func unlisted(_ path: String) -> String {
    path.hasPrefix("../") ? String(path.dropFirst(3)) : "\(stage.rawValue)/\(path)"
  }

  /// The folder that its list is relative to.
  func folder(in run: URL) -> URL { run.appendingPathComponent(stage.rawValue, isDirectory: true) }
}

extension RunDirectory {
  /// Makes sure that the files of a part outlive a power cut, and lists their checksums.
  static func list(_ part: RunPart, in run: URL) throws -> ChecksumList {
    let files = part.files(in: run)
    let entries = try concurrently(files.count) { index in
      ChecksumList.Entry(
        path: part.listed(files[index]),
        crc32: try StoredBytes.checksum(of: run.appendingPathComponent(files[index])).crc32)
    }.map { try $0.get() }
    // Thousands of pictures are faster written out with all else that waits than one by one.
    if files.count > 256 {
      try AtomicFile.synchronizeFileSystem(of: run)
    } else {
      // Every folder on the way too: it has the name of the one below.
      let folders = Set(
        files.flatMap { path in
          sequence(first: (path as NSString).deletingLastPathComponent) {
            $0.isEmpty ? nil : ($0 as NSString).deletingLastPathComponent
          }
        })
      for path in files + folders {
        let url = path.isEmpty ? run : run.appendingPathComponent(path)
        try AtomicFile.synchronize(url, reportingAs: url)
      }
    }
    return ChecksumList(entries)
  }

  /// Compares all files of a part with their checksums; nothing for parts of earlier versions.
  /// - Throws: ``RunDirectoryError/damaged(_:part:found:expected:)``.
  static func verify(_ part: RunPart, _ record: StageRecord, in run: URL) throws {
    guard let list = try writtenList(of: part, record, in: run) else { return }
    let folder = part.folder(in: run)
    for result in concurrently(
      list.entries.count, { try list.verify(list.entries[$0], in: folder, advice: "") })
    {
      do {
        try result.get()
      } catch let error as CheckpointError {
        throw RunDirectoryError.damaged(error, of: part)
      }
    }
  }

  /// The list of a part's files as it was written; `nil` for parts of earlier versions.
  /// - Throws: ``RunDirectoryError/damaged(_:part:found:expected:)`` when the list itself is another one.
  static func writtenList(
    of part: RunPart, _ record: StageRecord, in run: URL
  ) throws -> ChecksumList? {
    guard let digits = record.files else { return nil }
    let place = run.appendingPathComponent(part.listName)
    let list: ChecksumList
    do {
      list = try ChecksumList(reading: place)
    } catch let error as CheckpointError {
      throw RunDirectoryError.damaged(error, of: part)
    }
    guard list.digits == digits else {
      throw RunDirectoryError.damaged(
        place.path, part: part, found: "a list of CRC-32 \(list.digits)",
        expected: "\(digits) as in \(part.recordName)")
    }
    return list
  }
}
