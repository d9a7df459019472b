import Foundation
public import LVLM

/// Writes compositions into a folder: the pictures as PNG files under `images/`, the records as JSONL.
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

  /// Makes all compositions of a plan and writes them; the record file appears, in one step, when all pictures
  /// are on disk, so an interrupted stage starts again and arrives at the same bytes.
  /// - Parameters:
  ///   - name: the record file's name in the folder.
  ///   - progress: told the number of compositions done and their total; throwing from it stops the stage.
  /// - Returns: the records, in file order.
  /// - Throws: `ImageError`, ``DataError`` or ``CompositionError`` naming file or record.
  @discardableResult
  public func write(
    _ plan: CompositionPlan, split: DataSplit, to name: String,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> [ComposedRecord] {
    let requests = try composer.requests(plan, split: split)
    var records: [ComposedRecord] = []
    var written: Set<String> = []
    var folders: Set<String> = []
    for request in requests {
      let composition = try composer.compose(request)
      for (path, picture) in zip(composition.record.images, composition.images)
      where !path.hasPrefix("/") && written.insert(path).inserted {
        let url = folder.appendingPathComponent(path)
        let parent = url.deletingLastPathComponent().path
        if folders.insert(parent).inserted { try makeFolder(parent) }
        try picture.writePNG(to: url.path)
      }
      records.append(composition.record)
      try progress(records.count, requests.count)
    }
    try makeFolder(folder.path)
    try ComposedRecordFile.write(records, to: folder.appendingPathComponent(name))
    return records
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

/// Files of composed records, and the pictures they name.
public enum ComposedRecordFile {
  /// Reads a JSONL file of records and checks each of them.
  /// - Throws: `RowFileError` with line and key, or ``DataError`` naming the record that contradicts itself.
  public static func read(_ url: URL) throws -> [ComposedRecord] {
    let records = try RowFile.read(ComposedRecord.self, from: url)
    for record in records {
      if let problem = record.problem { throw DataError(file: url.path, record: record.id, problem: problem) }
    }
    return records
  }

  /// Writes records, replacing the file in one step.
  /// - Throws: ``DataError`` naming the file.
  public static func write(_ records: [ComposedRecord], to url: URL) throws {
    do {
      try RowFile.write(records, to: url)
    } catch {
      throw DataError(file: url.path, problem: "cannot write: \((error as NSError).localizedDescription)")
    }
  }

  /// The pictures of a record in prompt order.
  /// - Parameter folder: where the record's file is.
  /// - Throws: `ImageError` naming the file.
  public static func pictures(
    of record: ComposedRecord, in folder: URL, limits: ImageLimits = ImageLimits()
  ) throws -> [RGBImage] {
    try record.images.map {
      try RGBImage(
        contentsOf: $0.hasPrefix("/") ? $0 : folder.appendingPathComponent($0).path, limits: limits)
    }
  }
}
