import Foundation
import LVLM
import Records

/// Writes compositions into a folder: the pictures under `images/`, on all cores, the records as JSONL.
///
///     compose/pref.jsonl
///     compose/images/shapes/pref/000017.png        a picture of a sequence
///     compose/images/composed/grid-4-pref-000017.png
///
/// Pictures of a source that are files already are not copied; records name their absolute path.
public struct CompositionWriter: Sendable {
  /// The folder, made when missing.
  public let folder: URL
  private let composer: Composer

  /// Creates a writer.
  public init(composer: Composer, folder: URL) {
    self.composer = composer
    self.folder = folder
  }

  /// Makes all compositions of a plan and writes them; the record file appears, in one step, when all
  /// pictures are on disk, so an interrupted stage starts again and arrives at the same bytes.
  /// - Parameters:
  ///   - name: the record file's name in the folder.
  ///   - progress: told the number of compositions done and their total; throwing from it stops the stage.
  ///   - broken: takes the error of a composition that cannot be made, in place of its record; throws it by
  ///     default.
  /// - Returns: the records, in file order.
  /// - Throws: `ImageError`, ``DataError`` or ``CompositionError`` naming file or record.
  @discardableResult
  public func write(
    _ plan: CompositionPlan, split: DataSplit, to name: String,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
    broken: (any Error) throws -> Void = { throw $0 }
  ) throws -> [ComposedRecord] {
    let requests = try composer.requests(plan, split: split)
    var records: [ComposedRecord] = []
    var written: Set<String> = []
    var folders: Set<String> = []
    for start in stride(from: 0, to: requests.count, by: 64) {
      let some = Array(requests[start..<min(start + 64, requests.count)])
      var pictures: [(path: String, picture: RGBImage)] = []
      for (place, result) in concurrently(some.count, { try composer.compose(some[$0]) }).enumerated() {
        do {
          let composition = try result.get()
          pictures += zip(composition.record.images, composition.images).filter {
            !$0.0.hasPrefix("/") && written.insert($0.0).inserted
          }
          records.append(composition.record)
        } catch {
          try broken(error)
        }
        try progress(start + place + 1, requests.count)
      }
      for (path, _) in pictures {
        let parent = folder.appendingPathComponent(path).deletingLastPathComponent().path
        if folders.insert(parent).inserted { try makeFolder(parent) }
      }
      let made = pictures
      for result in concurrently(made.count, { try write(made[$0].picture, made[$0].path) }) {
        try result.get()
      }
    }
    try makeFolder(folder.path)
    try ComposedRecordFile.write(records, to: folder.appendingPathComponent(name))
    return records
  }

  /// Pictures of a source are kept without loss.
  private func write(_ picture: RGBImage, _ path: String) throws {
    let format = path.hasSuffix(".jpg") ? PictureFormat.jpeg : .png
    try format.write(picture, to: folder.appendingPathComponent(path).path)
  }

  private func makeFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw DataError(
        file: path, problem: "cannot make this folder: \((error as NSError).localizedDescription)")
    }
  }
}
