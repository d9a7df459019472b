import Checkpoint
import Foundation
import LVLM
import Records

/// Writes instruction sets into a folder, with the checksums of each in a list (`grid.sfv`):
///
///     sequence.json        images relative to the image folder
///     sequence.jsonl       the same as prompts of a run (`compose.path`), and so for grid and pic_in_pic
///     grid.json            images relative to this folder
///     grid/000017.jpg
///     pic_in_pic.json
///     pic_in_pic/000017.jpg
///     grid_groups.json     grids that ask about several images
///     grid_groups/000017.jpg
public struct InstructionWriter: Sendable {
  private let composer: InstructionComposer
  private let folder: URL
  private let format: PictureFormat

  /// Creates a writer.
  public init(composer: InstructionComposer, folder: URL, format: PictureFormat = .jpeg) {
    self.composer = composer
    self.folder = folder
    self.format = format
  }

  /// Makes all instructions of a kind on all cores; the record file appears, in one step, when all pictures
  /// are on disk.
  /// - Parameters:
  ///   - limit: makes only the first so many.
  ///   - progress: told the number of records done and their total; throwing from it stops.
  ///   - broken: takes the error of a record that cannot be made; throws it by default.
  /// - Returns: the number of records in the file.
  /// - Throws: ``DataError`` naming the record, `ImageError` naming a file that cannot be written.
  @discardableResult
  public func write(
    _ kind: CompositionKind, limit: Int = .max,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
    broken: (any Error) throws -> Void = { throw $0 }
  ) throws -> Int {
    let entries = Array(composer.entries(for: kind).prefix(limit))
    return try write(kind.rawValue, entries.count, progress, broken) { place in
      let path = path(kind.rawValue, entries[place])
      return (path, try composer.instruction(kind, entry: entries[place], path: path))
    }
  }

  /// Makes the grids that ask about several images: `grid_groups.json` and its pictures; as
  /// ``write(_:limit:progress:broken:)``.
  @discardableResult
  public func writeGroups(
    limit: Int = .max, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
    broken: (any Error) throws -> Void = { throw $0 }
  ) throws -> Int {
    let name = "grid_groups"
    let groups = Array(composer.groups().prefix(limit))
    return try write(name, groups.count, progress, broken) { number in
      let path = path(name, number)
      return (path, try composer.instruction(groups[number], number: number, path: path))
    }
  }

  private func path(_ name: String, _ number: Int) -> String {
    "\(name)/\(paddedNumber(number, 6)).\(format.pathExtension)"
  }

  private func write(
    _ name: String, _ count: Int, _ progress: (_ done: Int, _ total: Int) throws -> Void,
    _ broken: (any Error) throws -> Void,
    make: @Sendable (Int) throws -> (path: String, instruction: Instruction)
  ) throws -> Int {
    try FileManager.default.createDirectory(
      at: name == CompositionKind.sequence.rawValue ? folder : folder.appendingPathComponent(name),
      withIntermediateDirectories: true)
    AtomicFile.removeLeftovers(in: folder.appendingPathComponent(name))
    // What it lists is about to change.
    unlink(folder.appendingPathComponent(name + ".sfv").path)
    var (records, prompts): ([OrderedJSON], [ComposedRecord]) = ([], [])
    var written: [String] = []
    for start in stride(from: 0, to: count, by: 64) {
      let some = min(64, count - start)
      let results = concurrently(some) { place in
        let (path, instruction) = try make(start + place)
        if let picture = instruction.picture {
          try format.write(picture, to: folder.appendingPathComponent(path).path)
        }
        return (instruction.json, instruction.record, instruction.picture == nil ? nil : path)
      }
      for result in results {
        do {
          let (json, prompt, picture) = try result.get()
          records.append(json)
          if let picture { written.append(picture) }
          if let prompt { prompts.append(placed(prompt)) }
        } catch {
          try broken(error)
        }
      }
      try progress(start + some, count)
    }
    written.append(name + ".json")
    try RecordFile(records: records).write(to: folder.appendingPathComponent(name + ".json").path)
    if !prompts.isEmpty {
      written.append(name + ".jsonl")
      try ComposedRecordFile.write(prompts, to: folder.appendingPathComponent(name + ".jsonl"))
    }
    try ChecksumList.write(written, of: folder, to: name + ".sfv")
    return records.count
  }

  /// The images of a sequence are not beside the record.
  private func placed(_ record: ComposedRecord) -> ComposedRecord {
    guard record.kind == .sequence else { return record }
    var record = record
    record.images = record.images.map { FilePath.absolute(FilePath.join(composer.pool.imageFolder, $0)) }
    return record
  }
}
