public import LVLM
import Records
import Tensor

/// Sizes and rules of composition.
public struct CompositionOptions: Sendable, Equatable {
  /// The side of a grid cell in pixels: 448 in the paper, the model's picture size for small models.
  public var cell: Int
  /// The binding side of the inner picture as a share of the outer one: the paper says about ½, its code 0.7.
  public var innerScale: Double
  /// An outer picture whose shorter side is smaller is enlarged to this many pixels first (bicubic), so that
  /// a small inner picture keeps its detail; 0 always keeps the native size, as the paper's code does.
  public var minimumOuterSide: Int
  /// The files of composed pictures.
  public var pictureFormat: PictureFormat
  /// The families of questions that are used; all when empty.
  public var families: [String]
  /// How often another companion is drawn before the question is given up.
  public var maximumTries: Int

  /// Creates options.
  public init(
    cell: Int = 448, innerScale: Double = 0.5, minimumOuterSide: Int = 0,
    pictureFormat: PictureFormat = .png, families: [String] = [], maximumTries: Int = 20_000
  ) {
    self.cell = cell
    self.innerScale = innerScale
    self.minimumOuterSide = minimumOuterSide
    self.pictureFormat = pictureFormat
    self.families = families
    self.maximumTries = maximumTries
  }
}

/// A composed record together with what it shows.
public struct Composition: Sendable {
  /// The record; its paths are where ``CompositionWriter`` puts the pictures.
  public var record: ComposedRecord
  /// The pictures of the prompt in order: all of a sequence, or the one composed picture.
  public var images: [RGBImage]
  /// The source pictures in order; for picture-in-picture the inner one, then the outer one.
  public var sources: [ImageReference]
}

/// Makes multi-image questions out of single-image records: pure functions of the source, the options, the
/// seed and the number of the composition.
public struct Composer: Sendable {
  /// Where pictures and questions come from.
  public let source: any QuestionSource
  /// Sizes and rules.
  public let options: CompositionOptions
  /// What target positions, companions and phrases are drawn with.
  public let seed: UInt64

  /// Creates a composer.
  public init(source: any QuestionSource, options: CompositionOptions, seed: UInt64) {
    self.source = source
    self.options = options
    self.seed = seed
  }

  /// Composition number `number` of a kind: the record at `target` of `split` among companions of the same
  /// split.
  ///
  /// The target's place is uniform on 1 … count; companions are distinct pictures, and where the source knows
  /// answers each of them answers the question differently.
  /// - Parameter level: what is asked in place of the record's own question; see `plan`.
  /// - Precondition: `count` is one of `kind.allowedCounts`.
  /// - Throws: ``CompositionError`` when too few companions are found, or what reading a picture throws.
  public func compose(
    _ kind: CompositionKind, count: Int, split: DataSplit, target index: Int, number: Int,
    level: PromptLevel? = nil
  ) throws -> Composition {
    let request = CompositionPlan.Request(
      kind: kind, count: count, level: level, split: split, target: index, number: number)
    var (record, sources) = try plan(request)
    let images = draw(&record, try sources.map { try source.image(for: $0) })
    return Composition(record: record, images: images, sources: sources)
  }

  /// As ``compose(_:)`` without drawing.
  package func plan(
    _ request: CompositionPlan.Request
  ) throws -> (record: ComposedRecord, sources: [ImageReference]) {
    guard let level = request.level else {
      return try plan(
        request.kind, count: request.count, split: request.split, target: request.target,
        number: request.number)
    }
    return try plan(
      level, request.kind, count: request.count, split: request.split, target: request.target,
      number: request.number)
  }

  /// As ``compose(_:count:split:target:number:level:)`` without a level and without drawing: the record
  /// (without its layout, which depends on the pictures, for picture-in-picture) and the source pictures.
  private func plan(
    _ kind: CompositionKind, count: Int, split: DataSplit, target index: Int, number: Int
  ) throws -> (record: ComposedRecord, sources: [ImageReference]) {
    tensorRequire(
      kind.allowedCounts.contains(count), "compose", "\(kind.rawValue) of \(count) pictures does not exist")
    let target = try source.record(split, index)
    var generator = RandomGenerator(seed: seed, stream: 0x434F_4D50 + kind.ordinal * 16 + UInt64(count))
      .split(split.ordinal).split(UInt64(number))
    let companions = try companions(of: target, count: count - 1, split: split, using: &generator)
    let place = kind == .pictureInPicture ? 0 : generator.integer(below: count)
    var sources = companions
    sources.insert(target.image, at: place)
    let phrases = PromptRewriting.centrePhrases
    let phrase = kind == .pictureInPicture ? phrases[generator.integer(below: phrases.count)] : ""
    let id = "\(kind.slug)-\(count)-\(split.rawValue)-\(paddedNumber(number, 6))"
    let record = ComposedRecord(
      id: id, kind: kind, count: count, target: place + 1,
      images: kind == .sequence
        ? sources.map { source.file(of: $0) ?? "images/" + $0.path }
        : ["images/composed/\(id).\(options.pictureFormat.pathExtension)"],
      prompt: PromptRewriting.prompt(
        target.question, kind: kind, target: place + 1, count: count, phrase: phrase),
      answer: target.answer,
      answersOfOthers: companions.compactMap { source.answer(to: target.question, about: $0) },
      family: target.family, question: target.question, source: target.id,
      layout: GridGeometry(count: count, cell: options.cell).flatMap {
        kind == .grid ? CompositionLayout($0, place + 1) : nil
      }, facts: source.facts(of: target.image), factsOfOthers: facts(of: companions))
    return (record, sources)
  }

  /// `nil` where they are not known of each.
  private func facts(of images: [ImageReference]) -> [[String: String]]? {
    let known = images.compactMap { source.facts(of: $0) }
    return known.count == images.count ? known : nil
  }

  private func companions(
    of target: SingleImageRecord, count: Int, split: DataSplit, using generator: inout RandomGenerator
  ) throws -> [ImageReference] {
    let size = source.count(of: split)
    var found: [ImageReference] = []
    for _ in 0..<options.maximumTries {
      let candidate = source.image(split, generator.integer(below: size))
      guard source.isCompanion(candidate, of: target), !found.contains(where: { $0.path == candidate.path })
      else { continue }
      found.append(candidate)
      if found.count == count { return found }
    }
    throw CompositionError(
      record: target.id, question: target.question, wanted: count, found: found.count, split: split,
      tries: options.maximumTries)
  }
}

extension Composer {
  /// The pictures of a prompt, and for picture-in-picture the layout that goes with them.
  private func draw(_ record: inout ComposedRecord, _ pictures: [RGBImage]) -> [RGBImage] {
    switch record.kind {
    case .sequence:
      return pictures
    case .grid:
      return [Self.canvas(record.kind, pictures, options: options)]
    case .pictureInPicture:
      let outer = Self.enlarged(pictures[1], options)
      record.layout = CompositionLayout(inner: pictures[0], outer: outer, scale: options.innerScale)
      return [Self.canvas(record.kind, pictures, options: options)]
    }
  }

  /// The one picture that a grid or a picture in a picture shows.
  package static func canvas(
    _ kind: CompositionKind, _ pictures: [RGBImage], options: CompositionOptions
  ) -> RGBImage {
    guard kind == .grid, let geometry = GridGeometry(count: pictures.count, cell: options.cell) else {
      return Collage.pictureInPicture(
        inner: pictures[0], outer: enlarged(pictures[1], options), scale: options.innerScale)
    }
    return Collage.grid(pictures, geometry: geometry)
  }

  private static func enlarged(_ picture: RGBImage, _ options: CompositionOptions) -> RGBImage {
    let short = min(picture.width, picture.height)
    guard short < options.minimumOuterSide else { return picture }
    return picture.resized(
      width: picture.width * options.minimumOuterSide / short,
      height: picture.height * options.minimumOuterSide / short)
  }
}

/// A question for which too few pictures answer differently.
public struct CompositionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The target's id.
  public var record: String
  /// Its question.
  public var question: String
  /// Companions needed.
  public var wanted: Int
  /// Companions found.
  public var found: Int
  /// Where they were looked for.
  public var split: DataSplit
  /// How many pictures were looked at.
  public var tries: Int

  /// One line: the record, what was found, what was needed.
  public var description: String {
    "record \(record): found \(found) of \(wanted) pictures in \(split.rawValue) that can stand beside it "
      + "for the question \"\(question)\" (looked \(tries) times)"
  }
}
