import Foundation
public import LVLM
import Records

/// LLaVA instruction data (`llava_v1_5_mix665k.json` and files like it) as a source of single-image
/// questions.
///
/// The first question and answer of every record with one picture is asked, as MIA-DPO does; supervised
/// training learns the turns after it too, unless told otherwise. A record belongs to a split by a hash of
/// its picture's path, so no picture is in two splits however often it occurs.
public struct LLaVAConversations: QuestionSource {
  /// Which turns of a conversation supervised training learns.
  public enum Turns: String, CaseIterable, Sendable {
    /// Every answer, each after the turns before it.
    case all
    /// The first answer alone.
    case first
  }

  /// What happens to records that cannot be used.
  public enum BadRecords: Sendable {
    /// They are thrown, all of them at once.
    case stop
    /// They are left out and listed in ``badRecords``; that none is left is an error.
    case skip
    /// They are left out and listed in ``badRecords``, whatever is left.
    case collect
  }

  /// The file the records come from.
  public let path: String
  /// The folder picture paths are relative to.
  public let imageFolder: String
  /// The records that were left out because of errors.
  public let badRecords: [DataError]
  /// Records without a picture or with several of them, which are no single-image questions.
  public var otherRecords: Int { others.count }
  /// Records that are no single-image questions, and last questions that nobody answers.
  private let others: [DataError]
  private let openEnds: [DataError]
  public let available: Int?
  public let families: [String]
  private let entries: [DataSplit: [SingleImageRecord]]
  /// The records about each picture.
  private let recordsOfPicture: [DataSplit: [String: [Int]]]
  private let limits: ImageLimits
  private let trainsAllTurns: Bool

  /// Reads a JSON list or JSONL file, and every picture of the records that will be used.
  /// - Parameters:
  ///   - path: the file.
  ///   - imageFolder: what picture paths are relative to; the file's folder when `nil`.
  ///   - shares: how much of the data each split gets; only the proportions count.
  ///   - maximumRecords: the largest number of records in a split; all of them where none is given.
  ///   - seed: another seed gives another assignment of pictures to splits.
  ///   - badRecords: what happens to records that cannot be used.
  ///   - turns: which turns supervised training learns.
  ///   - pictures: finds the pictures that cannot be read; `nil` looks at none.
  /// - Throws: ``UnusableRecords`` naming file, line and record of each: broken JSON, missing keys, an empty
  ///   question or answer, more or fewer `<image>` marks than pictures, a picture that is missing or cannot
  ///   be decoded; ``DataError`` for a file that cannot be read, or of which nothing is left.
  public init(
    path: String, imageFolder: String? = nil,
    shares: [DataSplit: Double] = [.sft: 0.6, .preference: 0.3, .validation: 0.05, .test: 0.05],
    maximumRecords: [DataSplit: Int] = [:], seed: UInt64 = 0, badRecords policy: BadRecords = .stop,
    turns: Turns = .all, pictures: PictureCheck? = PictureCheck(),
    limits: ImageLimits = ImageLimits()
  ) throws {
    self.path = path
    self.imageFolder = imageFolder ?? FilePath.folder(of: path)
    self.limits = limits
    trainsAllTurns = turns == .all

    var bounds: [(split: DataSplit, end: Double)] = []
    let total = DataSplit.allCases.reduce(0.0) { $0 + (shares[$1] ?? 0) }
    var end = 0.0
    for split in DataSplit.allCases {
      end += (shares[split] ?? 0) / total
      bounds.append((split, end))
    }
    let resolved = self.imageFolder
    var entries: [DataSplit: [SingleImageRecord]] = [:]
    var bad: [DataError] = []
    var (others, openEnds): ([DataError], [DataError]) = ([], [])
    func note(_ record: LLaVARecord, _ line: Int, _ text: String) -> DataError {
      DataError(file: "\(path):\(line)", record: record.id, problem: text)
    }
    _ = try LLaVARecord.forEachWithOneImage(
      of: path, broken: { bad.append($0) },
      other: { others.append(note($0, $1, "has \($0.images.count) images; questions here are about one")) }
    ) { record, _, line throws(RecordProblem) in
      if pictures != nil { try record.requireImages(in: resolved) }
      let image = record.images[0]
      let place = splitPlace(of: image, seed: seed)
      let split = bounds.first { place < $0.end }?.split ?? .test
      let pairs = record.questionsAndAnswers
      if record.turns.count % 2 == 1 {
        openEnds.append(note(record, line, "its last question, which has no answer"))
      }
      entries[split, default: []].append(
        SingleImageRecord(
          id: record.id, image: ImageReference(path: image, split: split, index: 0),
          question: pairs[0].question, answer: pairs[0].answer, family: record.source,
          laterTurns: Array(pairs.dropFirst()), line: line))
    }
    (self.others, self.openEnds) = (others, openEnds)
    available = entries.values.reduce(0) { $0 + $1.count }
    for split in DataSplit.allCases {
      entries[split] = try Self.readable(
        entries[split] ?? [], atMost: maximumRecords[split] ?? .max, path, resolved, pictures, bad: &bad)
    }
    bad = bad.inFileOrder
    if policy == .stop, !bad.isEmpty { throw UnusableRecords(bad) }
    if policy == .skip, !bad.isEmpty, entries.values.allSatisfy(\.isEmpty) {
      throw DataError(
        file: path,
        problem: "none of its records can be used; the first of \(bad.count) problems: \(bad[0])")
    }
    self.entries = entries
    recordsOfPicture = entries.mapValues { records in
      Dictionary(grouping: records.indices) { records[$0].image.path }
    }
    var seen = Set<String>()
    families = DataSplit.allCases.flatMap { entries[$0] ?? [] }.sorted { $0.line < $1.line }.map(\.family)
      .filter { seen.insert($0).inserted }
    badRecords = bad
  }

  /// The first records whose pictures can be read, at most so many.
  private static func readable(
    _ entries: [SingleImageRecord], atMost limit: Int, _ path: String, _ folder: String,
    _ pictures: PictureCheck?, bad: inout [DataError]
  ) throws -> [SingleImageRecord] {
    var kept: [SingleImageRecord] = []
    var start = 0
    while start < entries.count, kept.count < limit {
      // As many as may be enough: pictures of records beyond the limit are not read.
      let some = entries[start..<min(start + max(64, limit - kept.count), entries.count)]
      start += some.count
      let problems = try pictures?.problems(of: some.map { FilePath.join(folder, $0.image.path) }) ?? [:]
      for var entry in some where kept.count < limit {
        if let problem = problems[FilePath.join(folder, entry.image.path)] {
          bad.append(DataError(file: "\(path):\(entry.line)", record: entry.id, problem: problem))
          continue
        }
        entry.image.index = kept.count
        kept.append(entry)
      }
    }
    return kept
  }

  public var name: String { "llava" }
  public var answersAboutAnyImage: Bool { false }

  /// Every record that is left out, and why.
  public var omissions: [String] { (others + openEnds + badRecords).map { "left out: \($0)" } }

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

  /// What the file says: the answer to the same question (``AnswerText/normalized(_:)``) in any turn about
  /// that picture; `nil` where it was not asked.
  public func answer(to question: String, about image: ImageReference) -> String? {
    answers(to: question, about: image).first
  }

  private func answers(to question: String, about image: ImageReference) -> [String] {
    let wanted = AnswerText.normalized(question)
    return (recordsOfPicture[image.split]?[image.path] ?? []).flatMap { index -> [String] in
      let record = record(image.split, index)
      return ([.init(question: record.question, answer: record.answer)] + record.laterTurns).filter {
        AnswerText.normalized($0.question) == wanted
      }.map(\.answer)
    }
  }

  public func trainedTurns(of record: SingleImageRecord) -> [SingleImageRecord.Turn] {
    trainsAllTurns ? record.laterTurns : []
  }

  public func place(of record: SingleImageRecord) -> String { "\(path):\(record.line)" }

  /// Another picture of the same folder (`coco`, `gqa` …), as MIA-DPO draws them, of which the file does not
  /// say that it answers the question alike.
  public func isCompanion(_ image: ImageReference, of record: SingleImageRecord) -> Bool {
    image.path != record.image.path && self.record(image.split, image.index).family == record.family
      && !answers(to: record.question, about: image).contains { AnswerText.matches($0, record.answer) }
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
