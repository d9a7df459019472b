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
    /// They are left out and listed in ``badRecords``.
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
    let folder = imageFolder ?? (path as NSString).deletingLastPathComponent
    self.imageFolder = folder.isEmpty ? "." : folder
    self.limits = limits

    var bounds: [(split: DataSplit, end: Double)] = []
    let total = DataSplit.allCases.reduce(0.0) { $0 + (shares[$1] ?? 0) }
    var end = 0.0
    for split in DataSplit.allCases {
      end += (shares[split] ?? 0) / total
      bounds.append((split, end))
    }
    let resolved = self.imageFolder
    var (entries, families, bad, others): ([DataSplit: [SingleImageRecord]], [String], [DataError], Int) = (
      [:], [], [], 0
    )
    try JSONRecordFile.forEach(path) { json, number, line in
      do throws(RecordProblem) {
        let record = try LLaVARecord(json, fallbackID: String(number))
        guard record.images.count == 1 else {
          others += 1
          return
        }
        let image = record.images[0]
        if checksImages, !FileManager.default.fileExists(atPath: join(resolved, image)) {
          throw RecordProblem("image \"\(image)\" does not exist in \(resolved)")
        }
        let place = splitPlace(of: image, seed: seed)
        let split = bounds.first { place < $0.end }?.split ?? .test
        let index = entries[split, default: []].count
        if index >= maximumRecords[split] ?? .max { return }
        let family = image.firstIndex(of: "/").map { String(image[..<$0]) } ?? "image"
        if !families.contains(family) { families.append(family) }
        entries[split, default: []].append(
          SingleImageRecord(
            id: record.id, image: ImageReference(path: image, split: split, index: index),
            question: PromptRewriting.withoutMarks(record.turns[0].text), answer: record.turns[1].text,
            family: family))
      } catch {
        let name = json[key: "id"].flatMap { $0.text } ?? String(number)
        let problem = DataError(file: "\(path):\(line)", record: name, problem: error.text)
        if case .stop = policy { throw problem }
        bad.append(problem)
      }
    }
    self.entries = entries
    self.families = families
    badRecords = bad
    otherRecords = others
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
    guard let records = entries[split], records.indices.contains(index) else {
      preconditionFailure("LLaVAConversations: no record \(index) in \(split.rawValue)")
    }
    return records[index]
  }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference { record(split, index).image }

  /// Reads the picture.
  /// - Throws: `ImageError` naming the file.
  public func image(for reference: ImageReference) throws -> RGBImage {
    try RGBImage(contentsOf: join(imageFolder, reference.path), limits: limits)
  }

  /// `nil`: nobody knows what a question about one photograph would mean for another.
  public func answer(to question: String, about image: ImageReference) -> String? { nil }

  /// Another picture of the same folder (`coco`, `gqa` …), as MIA-DPO draws them.
  public func isCompanion(_ image: ImageReference, of record: SingleImageRecord) -> Bool {
    image.path != record.image.path && self.record(image.split, image.index).family == record.family
  }

  public func file(of reference: ImageReference) -> String? {
    let path = join(imageFolder, reference.path)
    return path.hasPrefix("/") ? path : join(FileManager.default.currentDirectoryPath, path)
  }
}

private func join(_ folder: String, _ path: String) -> String {
  path.hasPrefix("/") ? path : folder.hasSuffix("/") ? folder + path : folder + "/" + path
}

/// A number in 0 ..< 1 for a text, uniform over texts: the 64-bit FNV-1a hash, mixed once more.
func splitPlace(of text: String, seed: UInt64) -> Double {
  var hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 ^ seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
  hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
  return Double((hash ^ hash >> 33) >> 11) * 0x1p-53
}
