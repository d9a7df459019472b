import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// What preference optimization learns from: the pairs of the run and what the settings put beside them.
extension TrainStage {
  /// The pairs of the run that can be trained on, under names of their own.
  /// - Throws: ``UnusableRecords`` for the others, unless they are to be left out.
  func usablePairs(
    _ encoder: PromptEncoder, _ origins: PairOrigins?
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    if let own = context.ownPairs { return try usable(own.trained) }
    let settings = context.configuration.train
    let file = context.directory.pairs.path
    var problems: [DataError] = []
    let read = try PreferencePairFile.readLines(
      file, imageFolder: context.directory.url.path, broken: { problems.append($0) })
    var seen = Set<[String]>()
    let usable = try encoded(read, of: file, encoder, problems: &problems) {
      PairFileError.problem(of: $0, seen: &seen) ?? origins?.problem(of: $0, settings)
    }
    return try named(usable, of: file, without: problems)
  }

  /// The pairs held out; none where nothing is.
  func heldOutPairs() throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    guard let held = context.ownPairs?.held else { return [] }
    return try usable(held, part: " held out").map { pair in
      var pair = pair
      // A name of the pairs that are trained on may be here again.
      pair.encoded.id = "held out: \(pair.encoded.id)"
      return pair
    }
  }

  /// The pairs of a file that was examined before the stage.
  private func usable(
    _ file: OwnPairs.File, part: String = ""
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    let usable = try file.rows.map { row in
      guard let encoded = file.encoded[row.number] else {
        throw DataError(file: file.path, record: row.pair.id, problem: "was not examined before training")
      }
      return (pair: row.pair, encoded: encoded)
    }
    return try named(usable, of: file.path, without: file.problems, part: part)
  }

  /// Pairs under names of their own, after what of their file cannot be used was listed.
  private func named(
    _ usable: [(pair: PreferencePair, encoded: EncodedPair)], of file: String, without problems: [DataError],
    part: String = ""
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    let problems = problems.inFileOrder
    try context.omissions.leaveOut(problems, stage: .train, part: part)
    guard usable.isEmpty else { return Self.distinctlyNamed(usable) }
    guard let first = problems.first else { throw PairFileError.none(file: file) }
    throw DataError(
      file: file, problem: "none of \(problems.count) pairs can be used; the first problem: \(first)")
  }

  /// The pairs, each followed by its copies in other orders where the settings want them.
  func withPermutedCopies(
    _ usable: [(pair: PreferencePair, encoded: EncodedPair)], _ encoder: PromptEncoder
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    let count = context.configuration.train.permutedCopies
    guard count > 0 else { return usable }
    let generator = RandomGenerator(seed: context.configuration.run.seed, stream: 0x5045_524D)
    let all = try usable.enumerated().flatMap { index, one in
      var own = generator.split(UInt64(index))
      let copies = PermutedPairs.copies(of: one.pair, count: count, using: &own)
      return try [one]
        + copies.enumerated().map { number, copy in
          var copy = copy
          copy.id = "\(one.pair.id)~\(number + 1)"
          return (copy, try encode(copy, encoder))
        }
    }
    if all.count == usable.count {
      context.console.warning(
        "train.permuted_copies has no effect: no pair shows several pictures of which its prompt names one")
    }
    return Self.distinctlyNamed(all)
  }

  private static func distinctlyNamed(
    _ pairs: [(pair: PreferencePair, encoded: EncodedPair)]
  ) -> [(pair: PreferencePair, encoded: EncodedPair)] {
    zip(pairs, PairFileError.distinctlyNamed(pairs.map(\.pair))).map { one, named in
      var encoded = one.encoded
      encoded.id = named.id
      return (named, encoded)
    }
  }

  /// The pairs of a file that can be encoded and whose pictures can be read; what is wrong with the others is
  /// added to `problems`.
  /// - Parameter problem: what else is wrong with a pair.
  private func encoded(
    _ rows: [(pair: PreferencePair, line: Int)], of file: String, _ encoder: PromptEncoder,
    problems: inout [DataError], problem: (PreferencePair) -> String? = { _ in nil }
  ) throws -> [(pair: PreferencePair, encoded: EncodedPair)] {
    let broken = try context.pictureCheck.problems(
      of: rows.lazy.flatMap { images(of: $0.pair) + rejectedImages(of: $0.pair) })
    var usable: [(pair: PreferencePair, encoded: EncodedPair)] = []
    for (pair, line) in rows {
      do {
        let files = images(of: pair) + rejectedImages(of: pair)
        if let problem = problem(pair) ?? files.lazy.compactMap({ broken[$0] }).first {
          throw RecordError(id: pair.id, reason: problem)
        }
        usable.append((pair, try encode(pair, encoder)))
      } catch {
        let problem = (error as? RecordError)?.reason ?? "\(error)"
        problems.append(DataError(file: "\(file):\(line)", record: pair.id, problem: problem))
      }
    }
    return usable
  }

  /// Whether a term of the loss must know which picture is asked about.
  var asksForTargets: Bool {
    context.configuration.train.attentionWeight > 0 || context.configuration.train.imageWeight > 0
  }

  /// How much of each image feature of a pair belongs to what is asked about, and how much counts at all;
  /// `nil` of a single image, all of which does.
  func focus(
    of pair: PreferencePair, _ origins: PairOrigins, _ features: FeatureStore
  ) throws -> (focus: [Float]?, counted: [Float]?) {
    guard let record = origins.record(of: pair) else { return (nil, nil) }
    let grids = try features.grids(of: images(of: pair).map(Picture.file))
    return (try record.featureWeights(grids: grids), record.countedWeights(grids: grids))
  }

  /// The pairs that the image term compares with those given; none where it has no weight.
  func corruptedPairs(
    _ pairs: [(pair: PreferencePair, encoded: EncodedPair)], _ origins: PairOrigins, _ features: FeatureStore
  ) throws -> [EncodedPair] {
    let settings = context.configuration.train
    guard settings.imageWeight > 0 else { return [] }
    return try pairs.compactMap { pair, encoded in
      try origins.asked(of: pair).map {
        CorruptedAnswers.corrupted(
          encoded, target: $0[0], asked: $0, grids: try features.grids(of: encoded.pictures),
          settings.imageCorruption, seed: context.configuration.run.seed)
      }
    }
  }

  /// The files of a pair's pictures.
  private func images(of pair: PreferencePair) -> [String] {
    pair.images.map { URL(fileURLWithPath: $0, relativeTo: context.directory.url).path }
  }

  /// The files of the pictures of its rejected answer, where they are others.
  private func rejectedImages(of pair: PreferencePair) -> [String] {
    (pair.rejectedImages ?? []).map { URL(fileURLWithPath: $0, relativeTo: context.directory.url).path }
  }

  private func encode(_ pair: PreferencePair, _ encoder: PromptEncoder) throws -> EncodedPair {
    try EncodedPair(
      pair, pictures: images(of: pair), rejectedPictures: rejectedImages(of: pair), encoder: encoder)
  }

  /// The judged answers of the selection, where they are there: pairs may also come from elsewhere.
  func candidates() throws -> [CandidateRow] {
    let file = context.directory.url.appendingPathComponent("select/candidates.jsonl")
    return FileManager.default.fileExists(atPath: file.path) ? try RowFile.read(from: file) : []
  }

  /// Which pairs have a single image as it came.
  func singleFlags(_ pairs: [PreferencePair], _ candidates: [CandidateRow]) -> [Bool] {
    let single = Set(candidates.lazy.filter { $0.kind == .single }.map(\.id))
    return pairs.map { single.contains($0.id) }
  }

  /// The base model's right answers as the settings want them; `nil` for none.
  func ballast(_ candidates: [CandidateRow], _ encoder: PromptEncoder) throws -> Ballast? {
    let settings = context.configuration.train
    guard settings.ballastPerStep > 0, settings.gamma > 0 else {
      try context.omissions.leaveOut([], stage: .train, part: " ballast")
      return nil
    }
    let kinds = Set(settings.ballastKinds)
    let right = candidates.enumerated().filter { _, row in
      row.answeredRight && kinds.contains(row.kind.layout.rawValue)
    }.map { index, row in
      let pair = PreferencePair(
        id: row.id, images: row.images, prompt: row.prompt, chosen: row.groundTruth,
        rejected: row.groundTruth)
      return (pair: pair, line: index + 1)
    }
    var problems: [DataError] = []
    let file = context.directory.url.appendingPathComponent("select/candidates.jsonl").path
    let examples = try encoded(right, of: file, encoder, problems: &problems).map { _, encoded in
      var example = encoded
      example.completions.removeLast()
      return example
    }
    try context.omissions.leaveOut(problems, stage: .train, part: " ballast")
    if let first = problems.first, examples.isEmpty {
      throw DataError(
        file: file,
        problem: "none of \(problems.count) right answers (train.ballast_per_step) can be used; "
          + "the first problem: \(first)")
    }
    return examples.isEmpty
      ? nil : Ballast(examples, perStep: settings.ballastPerStep, seed: context.configuration.run.seed)
  }
}
