public import LVLM
import Records
import Tensor

/// Zalando's Fashion-MNIST as Debian's `dataset-fashion-mnist` installs it: 70,000 grey pictures of 28 × 28
/// pixels in ten classes, with five families of questions.
///
/// Splits are by index: `sft` 0 ..< 40,000, `pref` 40,000 ..< 52,000 and `val` 52,000 ..< 56,000 of the
/// training file, `test` all of the t10k file. The question of a picture is a pure function of seed, split
/// and index.
public struct FashionMNIST: QuestionSource {
  /// Where the Debian package puts its files.
  public static let debianFolder = "/usr/share/datasets/fashion-mnist"

  /// The classes 0 … 9 with their article.
  public static let classNames = [
    "a T-shirt", "a pair of trousers", "a pullover", "a dress", "a coat", "a sandal", "a shirt", "a sneaker",
    "a bag", "an ankle boot",
  ]

  /// One of the two files pairs.
  private struct Part: Sendable {
    let pixels: [UInt8]
    let labels: [UInt8]
    let tones: [Tone?]
  }

  enum Tone: String, CaseIterable, Sendable { case light, dark }

  private static let side = 28
  private let train: Part
  private let heldOut: Part
  private let limits: [DataSplit: Int]
  private let starts: [DataSplit: Range<Int>]
  private let seed: UInt64
  private let describeShare: Double
  private let answers: AnswerStyle

  /// Reads the four files.
  /// - Parameters:
  ///   - folder: where they are.
  ///   - seed: what questions are drawn with.
  ///   - limits: the largest number of records in a split; all of them where none is given.
  ///   - describeShare: the share of questions that ask for item and tone, where a picture has one.
  ///   - answers: how ground truth is worded.
  /// - Throws: ``DataError`` naming the file, and for a missing folder the command that installs it.
  public init(
    folder: String = debianFolder, seed: UInt64, limits: [DataSplit: Int] = [:], describeShare: Double = 0,
    answers: AnswerStyle = .words
  ) throws(DataError) {
    train = try Self.read(folder, "train")
    heldOut = try Self.read(folder, "t10k")
    self.seed = seed
    self.limits = limits
    self.describeShare = describeShare
    self.answers = answers
    let count = train.labels.count
    let ends = count == 60_000 ? (40_000, 52_000, 56_000) : (count * 2 / 3, count * 13 / 15, count * 14 / 15)
    starts = [
      .sft: 0..<ends.0, .preference: ends.0..<ends.1, .validation: ends.1..<ends.2,
      .test: 0..<heldOut.labels.count,
    ]
  }

  public var name: String { "fashion" }
  public var families: [String] {
    ["name", "choice", "yes_no", "worn", "tone"] + (describeShare > 0 ? ["describe"] : [])
  }
  public var grader: (any AnswerGrader)? { FashionQuestion.grader }
  public var factWords: [FactWords] { [FashionQuestion.words(answers)] }
  public var answersAboutAnyImage: Bool { true }

  public func count(of split: DataSplit) -> Int {
    let all = starts[split]?.count ?? 0
    return min(all, limits[split] ?? all)
  }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference {
    let (file, number) = place(split, index)
    return ImageReference(
      path: "fashion/\(file)/\(paddedNumber(number, 5)).png", split: split, index: index)
  }

  public func image(for reference: ImageReference) -> RGBImage {
    let number = place(reference.split, reference.index).number
    let area = Self.side * Self.side
    let grey = part(reference.split).pixels[number * area..<(number + 1) * area]
    let pixels = [UInt8](unsafeUninitializedCapacity: area * 3) { buffer, count in
      for value in grey {
        buffer[count] = value
        buffer[count + 1] = value
        buffer[count + 2] = value
        count += 3
      }
    }
    return RGBImage(width: Self.side, height: Self.side, pixels: pixels)
  }

  /// The class of a picture, 0 … 9.
  public func label(_ split: DataSplit, _ index: Int) -> Int {
    Int(part(split).labels[place(split, index).number])
  }

  public func record(_ split: DataSplit, _ index: Int) -> SingleImageRecord {
    tensorRequire(
      index >= 0 && index < count(of: split), "FashionMNIST", "no record \(index) in \(split.rawValue)")
    let (file, number) = place(split, index)
    var generator = RandomGenerator(seed: seed, stream: 0x4641_5348 + split.ordinal).split(UInt64(index))
    let question = FashionQuestion(
      label: label(split, index), tone: part(split).tones[number], describing: describeShare,
      using: &generator)
    let reference = image(split, index)
    let text = question.wordings[generator.integer(below: question.wordings.count)]
    return SingleImageRecord(
      id: "fashion-\(file)-\(paddedNumber(number, 5))", image: reference, question: text,
      answer: wordedAnswer(to: text, about: reference, using: &generator) ?? "", family: question.family)
  }

  public func answer(to question: String, about image: ImageReference) -> String? {
    FashionQuestion(wording: question)?.answer(
      label: label(image.split, image.index), tone: tone(image.split, image.index))
  }

  public func answerWordings(to question: String, about image: ImageReference) -> [String] {
    guard answers == .sentences else { return answer(to: question, about: image).map { [$0] } ?? [] }
    return FashionQuestion(wording: question)?.sentences(
      label: label(image.split, image.index), tone: tone(image.split, image.index)) ?? []
  }

  public func facts(of image: ImageReference) -> [String: String]? {
    FashionQuestion.facts(label: label(image.split, image.index), tone: tone(image.split, image.index))
  }

  private func tone(_ split: DataSplit, _ index: Int) -> Tone? {
    part(split).tones[place(split, index).number]
  }

  private func part(_ split: DataSplit) -> Part { split == .test ? heldOut : train }

  private func place(_ split: DataSplit, _ index: Int) -> (file: String, number: Int) {
    let start = starts[split]?.lowerBound ?? 0
    return (split == .test ? "t10k" : "train", start + index)
  }

  private static func read(_ folder: String, _ name: String) throws(DataError) -> Part {
    let pictures = try open(folder + "/\(name)-images-idx3-ubyte.gz", rank: 3)
    let labels = try open(folder + "/\(name)-labels-idx1-ubyte.gz", rank: 1)
    let count = labels.shape[0]
    let file = folder + "/\(name)-images-idx3-ubyte.gz"
    guard pictures.shape[1] == side, pictures.shape[2] == side else {
      throw DataError(
        file: file, problem: "expected pictures of 28 x 28, found \(pictures.shape[1]) x \(pictures.shape[2])"
      )
    }
    guard pictures.shape[0] == count, count > 0 else {
      throw DataError(
        file: file, problem: "expected \(count) pictures, one for each label, found \(pictures.shape[0])")
    }
    if let bad = labels.bytes.firstIndex(where: { $0 > 9 }) {
      throw DataError(
        file: folder + "/\(name)-labels-idx1-ubyte.gz", record: String(bad),
        problem: "expected a class 0 ... 9, found \(labels.bytes[bad])")
    }
    let area = side * side
    let tones = (0..<count).map { tone(of: pictures.bytes[$0 * area..<($0 + 1) * area]) }
    return Part(pixels: pictures.bytes, labels: labels.bytes, tones: tones)
  }

  private static func open(_ path: String, rank: Int) throws(DataError) -> IDXFile {
    do {
      return try IDXFile(contentsOf: path, rank: rank)
    } catch {
      guard error.problem == "no such file" else { throw error }
      throw DataError(
        file: path,
        problem:
          "no such file; install it with: apt-get install -y --no-install-recommends dataset-fashion-mnist")
    }
  }

  /// Light or dark by the mean of the pixels over 20; `nil` between the outer thirds of the training set.
  private static func tone(of pixels: ArraySlice<UInt8>) -> Tone? {
    var (sum, count) = (0, 0)
    for value in pixels where value > 20 {
      sum += Int(value)
      count += 1
    }
    guard count > 0 else { return nil }
    let mean = Double(sum) / Double(count)
    return mean < 142 ? .dark : mean > 182 ? .light : nil
  }
}
