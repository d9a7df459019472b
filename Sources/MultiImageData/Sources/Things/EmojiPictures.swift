import LVLM
import Records

extension ThingPictures {
  /// Where Debian's fonts-noto-color-emoji puts its font.
  public static let debianEmojiFont = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
  /// Where Debian's unicode-data puts the names.
  public static let debianEmojiNames = "/usr/share/unicode/emoji/emoji-test.txt"
  static let emojiInstallation =
    "apt-get install -y --no-install-recommends fonts-noto-color-emoji unicode-data"

  /// Emoji of animals, plants, food, places, objects and games: single code points with a name in Unicode's
  /// `emoji-test.txt` and a picture in a colour font.
  ///
  /// - Parameters:
  ///   - font: an OpenType font with PNG pictures (CBDT and CBLC tables).
  ///   - names: Unicode's `emoji-test.txt`.
  ///   - seed: what questions and places are drawn with.
  ///   - size: side of the pictures in pixels.
  ///   - limits: records of each split; one for each picture where none is given.
  ///   - describeShare: the share of questions that ask for kind and colour, where a picture has one.
  ///   - answers: how ground truth is worded.
  ///   - policy: what becomes of pictures that cannot be decoded.
  /// - Throws: ``DataError`` naming the file: missing (with the command that installs it), damaged, or
  ///   without any emoji; ``UnusableRecords`` for pictures that cannot be decoded.
  public static func emoji(
    font: String = debianEmojiFont, names: String = debianEmojiNames, seed: UInt64, size: Int,
    limits: [DataSplit: Int] = [:], describeShare: Double = 0, answers: AnswerStyle = .words,
    badRecords policy: LLaVAConversations.BadRecords = .stop
  ) throws -> ThingPictures {
    let listed = try EmojiList.read(names)
    let pictures = try ColourBitmapFont(contentsOf: font)
    var entries: [Entry] = []
    var ranges: [(scalar: UInt32, range: Range<Int>)] = []
    for emoji in listed {
      guard let range = try pictures.picture(of: emoji.scalar) else { continue }
      entries.append(Entry(id: String(emoji.scalar, radix: 16), name: emoji.name, kind: emoji.kind))
      ranges.append((emoji.scalar, range))
    }
    guard !entries.isEmpty else {
      throw DataError(file: font, problem: "has a picture for none of the \(listed.count) emoji of \(names)")
    }
    let places = ranges
    let left = listed.count - entries.count
    return try ThingPictures(
      name: "emoji", entries: entries, seed: seed, size: size, limits: limits, describeShare: describeShare,
      answers: answers,
      omissions: left > 0 ? ["\(font): no picture for \(left) of \(listed.count) emoji"] : [],
      policy: policy
    ) { number in
      try RGBImage(
        decoding: Array(pictures.bytes[places[number].range]),
        name: "\(font): U+\(String(places[number].scalar, radix: 16, uppercase: true))")
    }
  }
}

/// Unicode's list of emoji with their groups.
enum EmojiList {
  struct Emoji: Equatable {
    var scalar: UInt32
    var name: String
    var kind: ThingKind
  }

  private static let kinds: [String: ThingKind] = [
    "Animals & Nature": .nature, "Food & Drink": .food, "Travel & Places": .place, "Objects": .object,
    "Activities": .activity,
  ]

  /// The fully qualified emoji of one code point (variation selector aside) in the groups of ``ThingKind``.
  /// - Throws: ``DataError`` naming the file and line.
  static func read(_ path: String) throws(DataError) -> [Emoji] {
    let text = try readText(path, installation: ThingPictures.emojiInstallation)
    var result: [Emoji] = []
    var kind: ThingKind?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("# group: ") {
        kind = kinds[String(line.dropFirst("# group: ".count)).trimmingASCIIWhitespace()]
        continue
      }
      guard let kind, !line.hasPrefix("#"), line.contains("; fully-qualified") else { continue }
      func malformed(_ what: String) -> DataError {
        DataError(
          file: "\(path):\(index + 1)",
          problem: "\(what); expected code points ; fully-qualified # emoji E<version> name")
      }
      let scalars = line.prefix { $0 != ";" }.split(separator: " ").map { UInt32($0, radix: 16) }
      guard !scalars.isEmpty, scalars.allSatisfy({ $0.map { Unicode.Scalar($0) != nil } ?? false }) else {
        throw malformed("found no code points")
      }
      guard let mark = line.firstMatch(of: #/# \S+ E\d+\.\d+ /#) else { throw malformed("found no version") }
      let name = String(line[mark.range.upperBound...]).trimmingASCIIWhitespace()
      guard !name.isEmpty else { throw malformed("found no name") }
      let own = scalars.compactMap { $0 }.filter { $0 != 0xFE0F }
      if own.count == 1 { result.append(Emoji(scalar: own[0], name: name, kind: kind)) }
    }
    guard !result.isEmpty else { throw DataError(file: path, problem: "lists no fully-qualified emoji") }
    return result
  }
}
