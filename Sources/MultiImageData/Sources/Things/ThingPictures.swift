import Dispatch
public import LVLM
import Records
import Synchronization
import Tensor

/// Pictures of single things on a white ground, each with a name and a kind: what
/// ``emoji(font:names:seed:size:limits:)`` and ``stamps(folder:seed:size:limits:badRecords:)`` read.
///
/// A picture belongs to a split by a hash of its id, whatever the seed: 60 % to `sft`, 15 % to `pref`, 5 % to
/// `val` and 20 % to `test`; in a split they come in the order of that hash. Records beyond a split's
/// pictures show them again, at another place, size and with another question.
/// Names are asked for in `sft` alone: there is one picture for a name, so nobody can know the names of the
/// others.
public struct ThingPictures: QuestionSource {
  /// One thing.
  struct Entry: Sendable {
    /// Unique in the source, usable in file names.
    var id: String
    var name: String
    var kind: ThingKind
  }

  /// A thing with what was seen in its picture.
  private struct Thing: Sendable {
    var entry: Entry
    var number: Int
    var colour: MainColour?
  }

  public let name: String
  public let omissions: [String]
  public let badRecords: [DataError]
  private let seed: UInt64
  private let size: Int
  private let limits: [DataSplit: Int]
  private let describeShare: Double
  private let answers: AnswerStyle
  private let things: [DataSplit: [Thing]]
  private let read: @Sendable (Int) throws -> RGBImage

  /// - Parameters:
  ///   - name: of the source, which begins every id and path.
  ///   - size: side of the pictures in pixels.
  ///   - limits: records of each split; one for each picture where none is given.
  ///   - describeShare: the share of questions that ask for kind and colour, where a picture has one.
  ///   - answers: how ground truth is worded.
  ///   - omissions: what was left out before.
  ///   - bad: what else is wrong with the source.
  ///   - policy: what becomes of that, and of pictures that cannot be read.
  ///   - read: the picture of an entry, on white.
  /// - Throws: ``UnusableRecords``, or ``DataError`` where nothing is left.
  init(
    name: String, entries: [Entry], seed: UInt64, size: Int, limits: [DataSplit: Int],
    describeShare: Double, answers: AnswerStyle, omissions: [String] = [],
    badRecords bad: [DataError] = [], policy: LLaVAConversations.BadRecords = .stop,
    read: @escaping @Sendable (Int) throws -> RGBImage
  ) throws {
    let seen = Mutex<(colours: [Int: MainColour], failures: [Int: any Error])>(([:], [:]))
    DispatchQueue.concurrentPerform(iterations: entries.count) { number in
      do {
        let colour = MainColour(of: try read(number))
        seen.withLock { $0.colours[number] = colour }
      } catch {
        seen.withLock { $0.failures[number] = error }
      }
    }
    let (colours, failures) = seen.withLock { $0 }
    let unusable =
      bad
      + failures.sorted { $0.key < $1.key }.map { number, error in
        guard let error = error as? ImageError else {
          return DataError(error, file: "data source \(name)", record: entries[number].id)
        }
        return DataError(
          file: error.file,
          problem: "\(error)".replacing("\(error.file): ", with: "", maxReplacements: 1))
      }
    if policy == .stop, !unusable.isEmpty { throw UnusableRecords(unusable) }
    if policy == .skip, let first = unusable.first, failures.count == entries.count {
      throw DataError(
        file: "data source \(name)",
        problem: "none of its pictures can be used; the first of \(unusable.count) problems: \(first)")
    }
    var things: [DataSplit: [Thing]] = [:]
    let places = entries.map { splitPlace(of: $0.id, seed: 0) }
    // In the order of the hash: the first records of a split are things of all kinds.
    for number in entries.indices.sorted(by: { (places[$0], $0) < (places[$1], $1) })
    where failures[number] == nil {
      let split: DataSplit =
        switch places[number] {
        case ..<0.6: .sft
        case ..<0.75: .preference
        case ..<0.8: .validation
        default: .test
        }
      things[split, default: []].append(
        Thing(entry: entries[number], number: number, colour: colours[number]))
    }
    self.name = name
    self.seed = seed
    self.size = size
    self.limits = limits
    self.describeShare = describeShare
    self.answers = answers
    self.things = things
    self.read = read
    badRecords = unusable
    self.omissions = omissions + unusable.map { "left out: \($0)" }
  }

  public var families: [String] {
    ["name", "kind", "yes_no", "color"] + (describeShare > 0 ? ["describe"] : [])
  }
  public var grader: (any AnswerGrader)? { ThingQuestion.grader }
  public var factWords: [FactWords] { [ThingQuestion.words(answers)] }
  public var answersAboutAnyImage: Bool { true }

  /// How many different pictures a split has.
  public func pictureCount(of split: DataSplit) -> Int { things[split]?.count ?? 0 }

  public func count(of split: DataSplit) -> Int {
    pictureCount(of: split) == 0 ? 0 : limits[split] ?? pictureCount(of: split)
  }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference {
    let (thing, round) = place(split, index)
    return ImageReference(
      path: "\(name)/\(split.rawValue)/\(thing.entry.id)-\(round).png", split: split, index: index)
  }

  public func image(for reference: ImageReference) throws -> RGBImage {
    var generator = generator(reference.split, reference.index)
    let scale = 0.75 + 0.25 * generator.uniform()
    let isMirrored = generator.integer(below: 2) == 0
    var picture = try read(place(reference.split, reference.index).thing.number)
      .fitted(into: max(1, Int(Double(size) * scale)))
    if isMirrored { picture.mirror() }
    var canvas = RGBImage(width: size, height: size, colour: .white)
    canvas.paste(
      picture, x: generator.integer(below: size - picture.width + 1),
      y: generator.integer(below: size - picture.height + 1))
    return canvas
  }

  public func record(_ split: DataSplit, _ index: Int) -> SingleImageRecord {
    tensorRequire(
      index >= 0 && index < count(of: split), "\(name)", "no record \(index) in \(split.rawValue)")
    let (thing, round) = place(split, index)
    var generator = generator(split, index).split(1)
    let question = ThingQuestion(
      kind: thing.entry.kind, colour: thing.colour, asksNames: split == .sft,
      describing: describeShare, using: &generator)
    let text = question.wordings[generator.integer(below: question.wordings.count)]
    let reference = image(split, index)
    return SingleImageRecord(
      id: "\(name)-\(split.rawValue)-\(thing.entry.id)-\(round)", image: reference, question: text,
      answer: wordedAnswer(to: text, about: reference, using: &generator) ?? "", family: question.family)
  }

  public func answer(to question: String, about image: ImageReference) -> String? {
    let thing = place(image.split, image.index).thing
    return ThingQuestion(wording: question)?.answer(
      name: thing.entry.name, kind: thing.entry.kind, colour: thing.colour)
  }

  public func answerWordings(to question: String, about image: ImageReference) -> [String] {
    guard answers == .sentences else { return answer(to: question, about: image).map { [$0] } ?? [] }
    let thing = place(image.split, image.index).thing
    return ThingQuestion(wording: question)?.sentences(
      name: thing.entry.name, kind: thing.entry.kind, colour: thing.colour) ?? []
  }

  public func facts(of image: ImageReference) -> [String: String]? {
    let thing = place(image.split, image.index).thing
    return ThingQuestion.facts(name: thing.entry.name, kind: thing.entry.kind, colour: thing.colour)
  }

  private func place(_ split: DataSplit, _ index: Int) -> (thing: Thing, round: Int) {
    guard let all = things[split], !all.isEmpty else {
      tensorFailure("\(name)", "no picture in \(split.rawValue)")
    }
    let (round, number) = index.quotientAndRemainder(dividingBy: all.count)
    return (all[number], round)
  }

  private func generator(_ split: DataSplit, _ index: Int) -> RandomGenerator {
    RandomGenerator(seed: seed, stream: 0x5448_494E + split.ordinal).split(UInt64(index))
  }
}

extension RGBImage {
  /// Left becomes right.
  fileprivate mutating func mirror() {
    let original = pixels
    for y in 0..<height {
      for x in 0..<width {
        let (from, to) = ((y * width + width - 1 - x) * 3, (y * width + x) * 3)
        for channel in 0..<3 { pixels[to + channel] = original[from + channel] }
      }
    }
  }
}
