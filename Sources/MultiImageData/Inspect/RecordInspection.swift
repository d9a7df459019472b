import Foundation
import Records

/// What a file of records holds, counted, and what is wrong in it.
public struct RecordInspection: Sendable {
  /// The file.
  public let path: String
  /// How its text is laid out.
  public let style: JSONStyle
  /// All records, good or bad.
  public private(set) var count = 0
  /// Records without a problem.
  public private(set) var goodCount = 0
  /// Good records by format.
  public private(set) var formats: [RecordFormat: Int] = [:]
  /// How many good records have a key, in the order in which keys first appear.
  public private(set) var keys: [(name: String, count: Int)] = []
  /// Ids that are numbers in the file.
  public private(set) var numberIDs = 0
  /// Records whose id was there before.
  public private(set) var repeatedIDs = 0
  /// Good records whose `image` is a list rather than a string.
  public private(set) var imageLists = 0
  /// Good records by number of images.
  public private(set) var imagesPerRecord: [Int: Int] = [:]
  /// Good records with `<image>` and with `<image-placeholder>`.
  public private(set) var marks: [String: Int] = [:]
  /// Good records by how pictures were put together, and by number of images.
  public private(set) var kinds: [CompositionKind: [Int: Int]] = [:]
  /// Good records about one picture as it came.
  public private(set) var singles = 0
  /// Good records with several pictures of which the text names none.
  public private(set) var unnamed = 0
  /// Conversations by number of turns.
  public private(set) var turns: [Int: Int] = [:]
  /// Characters of every text by what it is.
  public private(set) var lengths: [RecordContents.Role: [Int]] = [:]
  /// The first problems, up to the limit.
  public private(set) var problems: [DataError] = []
  /// Records with a problem.
  public private(set) var problemCount = 0

  private let imageFolder: String?
  private let limit: Int
  /// What is wrong with a picture's file, empty where nothing is; always so where no folder was given.
  private var files: [String: String] = [:]
  /// What is wrong with picture files that cannot be read.
  private let unreadable: [String: String]
  private var ids: Set<String> = []
  private var keyPlaces: [String: Int] = [:]
  /// Every `stride`-th good record.
  private var spread: [RecordContents] = []
  private var stride = 1

  /// Reads a file and counts.
  /// - Parameters:
  ///   - imageFolder: what pictures' paths are relative to; where it is given, every picture is read.
  ///   - pictures: finds the pictures that cannot be read.
  ///   - limit: problems and samples that are kept.
  /// - Throws: ``DataError`` when the file cannot be read as records at all. A line of a JSONL file that is
  ///   no JSON is a problem like others.
  public init(
    path: String, imageFolder: String? = nil, limit: Int = 10, pictures: PictureCheck = PictureCheck()
  ) throws {
    self.path = path
    self.imageFolder = imageFolder
    self.limit = limit
    style = try JSONRecordFile.withBytes(path) { JSONStyle(detectingIn: $0) }
    try Self.refuseObject(path)
    let paths = try imageFolder.map { try Self.pictures(of: path, imageFolder: $0) } ?? []
    unreadable = try pictures.problems(of: paths)
    try JSONRecordFile.forEach(
      path,
      broken: { error in
        count += 1
        note(error)
      }
    ) { json, number, line in
      count += 1
      do throws(RecordProblem) {
        try add(json, number: number)
      } catch {
        note(DataError(error, in: json, file: path, line: line, number: number))
      }
    }
  }

  /// The files of all pictures that the records of a file name; records that cannot be read name none.
  /// - Throws: as ``init(path:imageFolder:limit:pictures:)``.
  package static func pictures(of path: String, imageFolder: String) throws -> Set<String> {
    var paths = Set<String>()
    try JSONRecordFile.forEach(path, broken: { _ in }) { json, number, _ in
      guard let record = try? RecordContents(json, fallbackID: String(number)) else { return }
      paths.formUnion(record.images.map { FilePath.join(imageFolder, $0) })
    }
    return paths
  }

  /// Refuses one object over several lines, which read line by line would be as many broken records.
  private static func refuseObject(_ path: String) throws {
    let isObject = try JSONRecordFile.withBytes(path) { bytes in
      guard bytes.count < 1 << 26, bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"),
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
        (try? JSONSerialization.jsonObject(with: Data(bytes[..<end]))) == nil
      else { return false }
      return (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
    }
    guard isObject else { return }
    throw DataError(
      file: path, problem: "is one JSON object, expected a list of records, or a record on every line")
  }

  /// Different pictures that are named.
  public var pictureCount: Int { files.count }
  /// Different pictures that are named and do not exist.
  public var missingPictureCount: Int { files.values.count { $0.hasSuffix(Self.missing) } }
  /// Different pictures that are named and exist, and cannot be read.
  public var unreadablePictureCount: Int {
    files.values.count { !$0.isEmpty && !$0.hasSuffix(Self.missing) }
  }

  private static let missing = "no such image file"

  /// At most as many records as the limit, spread evenly over the file.
  public var samples: [RecordContents] {
    let number = min(limit, spread.count)
    return (0..<number).map { spread[$0 * spread.count / number] }
  }

  private mutating func note(_ problem: DataError) {
    problemCount += 1
    if problems.count < limit { problems.append(problem) }
  }

  private mutating func add(_ json: OrderedJSON, number: Int) throws(RecordProblem) {
    let record = try RecordContents(json, fallbackID: String(number))
    for image in record.images {
      let problem = problem(of: image)
      if problem.hasSuffix(Self.missing) {
        throw RecordProblem("image \"\(image)\" does not exist in \(imageFolder ?? "")")
      }
      if !problem.isEmpty { throw RecordProblem(problem) }
    }
    formats[record.format, default: 0] += 1
    countKeys(of: json)
    if !ids.insert(record.id).inserted { repeatedIDs += 1 }
    imagesPerRecord[record.images.count, default: 0] += 1
    if let kind = record.kind {
      kinds[kind, default: [:]][record.images.count, default: 0] += 1
    } else if record.images.count == 1 {
      singles += 1
    } else if record.images.count > 1 {
      unnamed += 1
    }
    if record.format == .conversation { turns[record.passages.count, default: 0] += 1 }
    for passage in record.passages { lengths[passage.role, default: []].append(passage.text.count) }
    if goodCount % stride == 0 {
      spread.append(record)
      if spread.count >= 4 * limit + 4 {
        spread = spread.indices.filter { $0 % 2 == 0 }.map { spread[$0] }
        stride *= 2
      }
    }
    goodCount += 1
  }

  private mutating func problem(of image: String) -> String {
    let found = imageFolder.flatMap { unreadable[FilePath.join($0, image)] } ?? ""
    files[image] = found
    return found
  }

  private mutating func countKeys(of json: OrderedJSON) {
    guard case .object(let members) = json else { return }
    for member in members {
      if let place = keyPlaces[member.key] {
        keys[place].count += 1
      } else {
        keyPlaces[member.key] = keys.count
        keys.append((member.key, 1))
      }
      switch (member.key, member.value) {
      case ("id", .integer): numberIDs += 1
      case ("image", .array): imageLists += 1
      case ("prompt", .string(let text)): countMarks(in: text)
      case ("conversations", .array(let turns)): countMarks(in: turns.first?[key: "value"]?.text ?? "")
      default: break
      }
    }
  }

  private mutating func countMarks(in text: String) {
    for mark in [ImageMark.text, ImageMark.placeholder] where text.contains(mark) {
      marks[mark, default: 0] += 1
    }
  }
}
