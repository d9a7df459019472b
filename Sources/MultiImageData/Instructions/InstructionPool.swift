import Foundation
import Records
import Tensor

/// LLaVA conversations about one image each, by the source their images come from (`coco`, `gqa` …).
public struct InstructionPool: Sendable {
  /// One conversation.
  public struct Entry: Sendable {
    /// The record as it came.
    public var json: OrderedJSON
    /// Its name.
    public var id: String
    /// Its image's path.
    public var image: String
    /// The first folder of the path.
    public var source: String
    /// Its place among the records of its source, from 0.
    public var rank: Int
    /// Whether a turn has a box: four numbers in square brackets.
    public var hasBox: Bool
    /// File and line.
    public var place: String
  }

  /// In file order.
  public let entries: [Entry]
  /// Sources in order of first appearance.
  public let sources: [String]
  /// The folder that images' paths are relative to.
  public let imageFolder: String
  /// Records without exactly one image.
  public let otherRecords: Int
  /// The entries of every source.
  private let members: [String: [Int]]
  /// How many entries of its source have an image.
  private let uses: [String: Int]

  /// Reads LLaVA conversations.
  /// - Parameters:
  ///   - imageFolder: what images' paths are relative to; every image must be there, and readable.
  ///   - step: takes every so many-th record of each source, the last of every `step`.
  ///   - pictures: finds the images that cannot be read.
  ///   - broken: takes the error of a record that cannot be used, in place of the record; throws it by
  ///     default.
  /// - Throws: ``DataError`` naming file, line and record, or the file where none of its records can be used.
  /// - Precondition: `step` is positive.
  public init(
    path: String, imageFolder: String, step: Int = 1, pictures: PictureCheck = PictureCheck(),
    broken: (DataError) throws -> Void = { throw $0 }
  ) throws {
    tensorRequire(step > 0, "InstructionPool", "the step must be positive, found \(step)")
    self.imageFolder = imageFolder
    var found: [Entry] = []
    var seen: [String: Int] = [:]
    var problems: [DataError] = []
    otherRecords = try LLaVARecord.forEachWithOneImage(of: path, broken: { problems.append($0) }) {
      record, json, line throws(RecordProblem) in
      let (image, source) = (record.images[0], record.source)
      seen[source, default: 0] += 1
      guard seen[source, default: 0] % step == 0 else { return }
      try record.requireImages(in: imageFolder)
      found.append(
        Entry(
          json: json, id: record.id, image: image, source: source, rank: 0,
          hasBox: record.turns.contains { Self.hasBox($0.text) }, place: "\(path):\(line)"))
    }
    let unreadable = try pictures.problems(of: found.lazy.map { FilePath.join(imageFolder, $0.image) })
    var (entries, sources): ([Entry], [String]) = ([], [])
    var (members, uses): ([String: [Int]], [String: Int]) = ([:], [:])
    for var entry in found {
      if let problem = unreadable[FilePath.join(imageFolder, entry.image)] {
        problems.append(DataError(file: entry.place, record: entry.id, problem: problem))
        continue
      }
      if members[entry.source] == nil { sources.append(entry.source) }
      uses[entry.image, default: 0] += 1
      entry.rank = members[entry.source]?.count ?? 0
      members[entry.source, default: []].append(entries.count)
      entries.append(entry)
    }
    for problem in problems.inFileOrder { try broken(problem) }
    if entries.isEmpty, !problems.isEmpty {
      throw DataError(file: path, problem: "none of its records about one image can be used")
    }
    (self.entries, self.sources, self.members, self.uses) = (entries, sources, members, uses)
  }

  /// The entries of a source.
  public func entries(of source: String) -> [Int] { members[source] ?? [] }

  /// Different images of all entries.
  var imageCount: Int { uses.count }

  /// The entries of the same source that have another image.
  func companionCount(of entry: Entry) -> Int {
    entries(of: entry.source).count - (uses[entry.image] ?? 0)
  }

  /// Whether a text has four numbers in square brackets, such as `[0.1, 0.25, 0.5, 1]`.
  static func hasBox(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.indices.contains { start in
      guard bytes[start] == UInt8(ascii: "[") else { return false }
      var at = start + 1
      func digits() -> Bool {
        let first = at
        while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
        return at > first
      }
      func blanks() {
        while at < bytes.count, bytes[at] == 0x20 || (0x09...0x0D).contains(bytes[at]) { at += 1 }
      }
      func takes(_ byte: UInt8) -> Bool {
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        return true
      }
      for number in 0..<4 {
        blanks()
        guard digits() else { return false }
        if takes(UInt8(ascii: ".")), !digits() { return false }
        blanks()
        guard takes(UInt8(ascii: number < 3 ? "," : "]")) else { return false }
      }
      return true
    }
  }
}
