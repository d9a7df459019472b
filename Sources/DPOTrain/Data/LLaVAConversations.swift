import Foundation
public import LVLM

/// LLaVA instruction data (`llava_v1_5_mix665k.json` and files like it) as a source of single-image questions.
///
/// The first question and answer of every record with one picture is used, as MIA-DPO does. A record belongs to
/// a split by a hash of its picture's path, so no picture is in two splits however often it occurs.
public struct LLaVAConversations: QuestionSource {
  /// What happens to a record that cannot be used.
  public enum BadRecords: Sendable {
    /// The first one is thrown.
    case stop
    /// They are left out and listed in ``badRecords``; so that none turns up later, every picture that will be used
    /// is read once.
    case skip
  }

  /// The file the records come from.
  public let path: String
  /// The folder picture paths are relative to.
  public let imageFolder: String
  /// The records that were left out because of errors.
  public let badRecords: [DataError]
  /// Records without a picture or with several of them, which are no single-image questions.
  public let otherRecords: Int
  public let families: [String]
  private let entries: [DataSplit: [SingleImageRecord]]
  private let limits: ImageLimits

  /// Reads a JSON list or JSONL file.
  /// - Parameters:
  ///   - path: the file.
  ///   - imageFolder: what picture paths are relative to; the file's folder when `nil`.
  ///   - shares: how much of the data each split gets; only the proportions count.
  ///   - maximumRecords: the largest number of records in a split; all of them where none is given.
  ///   - seed: another seed gives another assignment of pictures to splits.
  ///   - badRecords: what happens to a record that cannot be used.
  ///   - checksImages: whether every picture must exist as a file.
  /// - Throws: ``DataError`` naming file, line and record: broken JSON, missing keys, an empty question or
  ///   answer, more or fewer `<image>` marks than pictures, a missing picture.
  public init(
    path: String, imageFolder: String? = nil,
    shares: [DataSplit: Double] = [.sft: 0.6, .preference: 0.3, .validation: 0.05, .test: 0.05],
    maximumRecords: [DataSplit: Int] = [:], seed: UInt64 = 0, badRecords policy: BadRecords = .stop,
    checksImages: Bool = true, limits: ImageLimits = ImageLimits()
  ) throws {
    self.path = path
    self.imageFolder = imageFolder ?? FilePath.folder(of: path)
    self.limits = limits

    var bounds: [(split: DataSplit, end: Double)] = []
    let total = DataSplit.allCases.reduce(0.0) { $0 + (shares[$1] ?? 0) }
    var end = 0.0
    for split in DataSplit.allCases {
      end += (shares[split] ?? 0) / total
      bounds.append((split, end))
    }
    let resolved = self.imageFolder
    var entries: [DataSplit: [(record: SingleImageRecord, line: Int)]] = [:]
    var (families, bad): ([String], [DataError]) = ([], [])
    let skips = policy == .skip && checksImages
    func leaveOut(_ problem: DataError) throws {
      if case .stop = policy { throw problem }
      bad.append(problem)
    }
    otherRecords = try LLaVARecord.forEachWithOneImage(of: path, broken: leaveOut) {
      record, _, line throws(RecordProblem) in
      if checksImages { try record.requireImages(in: resolved) }
      let (image, family) = (record.images[0], record.source)
      let place = splitPlace(of: image, seed: seed)
      let split = bounds.first { place < $0.end }?.split ?? .test
      let index = entries[split, default: []].count
      if !skips, index >= maximumRecords[split] ?? .max { return }
      if !families.contains(family) { families.append(family) }
      entries[split, default: []].append(
        (
          SingleImageRecord(
            id: record.id, image: ImageReference(path: image, split: split, index: index),
            question: PromptRewriting.withoutMarks(record.turns[0].text), answer: record.turns[1].text,
            family: family), line
        ))
    }
    if skips {
      for split in DataSplit.allCases {
        entries[split] = Self.readable(
          entries[split] ?? [], atMost: maximumRecords[split] ?? .max, path, resolved, limits, bad: &bad)
      }
    }
    self.entries = entries.mapValues { $0.map(\.record) }
    self.families = families
    badRecords = bad
  }

  /// The first records whose pictures can be read, at most so many.
  private static func readable(
    _ entries: [(record: SingleImageRecord, line: Int)], atMost limit: Int, _ path: String, _ folder: String,
    _ limits: ImageLimits, bad: inout [DataError]
  ) -> [(record: SingleImageRecord, line: Int)] {
    var kept: [(record: SingleImageRecord, line: Int)] = []
    /// What is wrong with a picture; empty where nothing is.
    var known: [String: String] = [:]
    var start = 0
    while start < entries.count, kept.count < limit {
      let some = Array(entries[start..<min(start + 64, entries.count)])
      start += some.count
      let images = Set(some.map(\.record.image.path)).subtracting(known.keys).sorted()
      let results = concurrently(images.count) { index in
        _ = try RGBImage(contentsOf: FilePath.join(folder, images[index]), limits: limits)
      }
      for (image, result) in zip(images, results) {
        if case .failure(let error) = result { known[image] = "\(error)" } else { known[image] = "" }
      }
      for var entry in some where kept.count < limit {
        if let problem = known[entry.record.image.path], !problem.isEmpty {
          bad.append(DataError(file: "\(path):\(entry.line)", record: entry.record.id, problem: problem))
          continue
        }
        entry.record.image.index = kept.count
        kept.append(entry)
      }
    }
    return kept
  }

  public var name: String { "llava" }
  public var answersAboutAnyImage: Bool { false }

  /// How many records are no single-image questions, and every record that cannot be used.
  public var omissions: [String] {
    let others = "\(path): left out \(otherRecords) records without exactly one image"
    return (otherRecords > 0 ? [others] : []) + badRecords.map { "left out: \($0)" }
  }

  public func count(of split: DataSplit) -> Int { entries[split]?.count ?? 0 }

  public func record(_ split: DataSplit, _ index: Int) -> SingleImageRecord {
    entries.record(split, index, of: name)
  }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference { record(split, index).image }

  /// Reads the picture.
  /// - Throws: `ImageError` naming the file.
  public func image(for reference: ImageReference) throws -> RGBImage {
    try RGBImage(contentsOf: FilePath.join(imageFolder, reference.path), limits: limits)
  }

  /// `nil`: nobody knows what a question about one photograph would mean for another.
  public func answer(to question: String, about image: ImageReference) -> String? { nil }

  /// Another picture of the same folder (`coco`, `gqa` …), as MIA-DPO draws them.
  public func isCompanion(_ image: ImageReference, of record: SingleImageRecord) -> Bool {
    image.path != record.image.path && self.record(image.split, image.index).family == record.family
  }

  public func file(of reference: ImageReference) -> String? {
    FilePath.absolute(FilePath.join(imageFolder, reference.path))
  }
}

/// A number in 0 ..< 1 for a text, uniform over texts: the 64-bit FNV-1a hash, mixed once more.
func splitPlace(of text: String, seed: UInt64) -> Double {
  var hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 ^ seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
  hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
  return Double((hash ^ hash >> 33) >> 11) * 0x1p-53
}
