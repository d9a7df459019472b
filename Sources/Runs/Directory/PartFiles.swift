import Checkpoint
import Foundation
import Records

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
