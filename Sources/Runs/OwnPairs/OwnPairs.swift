import Checkpoint
import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records
import Tensor

/// The pairs of a run that brings its own: read once, before anything is opened or trained.
struct OwnPairs {
  /// The pairs of a file, with the line that each begins in.
  struct File {
    /// A pair with the line it begins in, and its place among those that could be read: a list may have all
    /// of its records in one line.
    typealias Row = (pair: PreferencePair, line: Int, number: Int)

    /// Where it is.
    var path: String
    /// What could be read, in the file's order; pictures with the folder they are in.
    var rows: [Row] = []
    /// What could not.
    var problems: [DataError] = []
    /// Those that can be used as the model reads them, by their numbers; none before they were examined.
    var encoded: [Int: EncodedPair] = [:]
    /// Its format; `nil` where no record could be read.
    var format: PairFormat?
    /// Columns that nobody reads.
    var unknownKeys: [String] = []
  }

  /// What is trained on.
  private(set) var trained: File
  /// What is held out; `nil` where nothing is.
  private(set) var held: File?
  /// The share that is held out of the first file.
  private let share: Double
  private let seed: UInt64
  /// Pairs held out whose prompts are trained on with other answers.
  private var sharedPrompts = 0

  /// Reads the files that a configuration names; `nil` where it names none.
  /// - Throws: ``DataError`` for a file that cannot be read at all, or is in no format that is known.
  init?(_ configuration: RunConfiguration) throws {
    guard let path = configuration.data.pairs else { return nil }
    if let model = configuration.model.path { try Self.requireModel(model) }
    if let folder = configuration.data.imageRoot {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw DataError(file: folder, problem: "no such folder (data.image_root)")
      }
    }
    share = configuration.data.evalShare
    seed = configuration.run.seed
    trained = try Self.read(path, configuration)
    if let path = configuration.data.evalPairs {
      held = try Self.read(path, configuration)
      setSharedAside()
    } else {
      try holdOut()
    }
  }

  /// The same pairs as a model reads them, without those that it cannot be trained on or asked about:
  /// unreadable pictures, prompts that are too long. What is held out is drawn from the others.
  func examined(encoder: PromptEncoder, pictures: PictureCheck) throws -> OwnPairs {
    let broken = try pictures.problems(of: self.pictures)
    var rest = self
    if share > 0, let held {
      // Both are of one file.
      rest.trained.rows = (trained.rows + held.rows).sorted { $0.number < $1.number }
      rest.held = nil
    }
    rest.trained.examine(encoder, broken)
    rest.held?.examine(encoder, broken)
    if rest.held == nil { try rest.holdOut() }
    return rest
  }

  /// Everything that keeps records from being used, in the order of the files.
  var problems: [DataError] { (trained.problems + (held?.problems ?? [])).inFileOrder }

  /// - Throws: ``DataError`` for what is no model, in words that name the key.
  private static func requireModel(_ model: String) throws {
    func refuse(_ found: String) -> DataError {
      DataError(
        file: model,
        problem: "\(found) (model.path), expected a model's directory, or a GGUF file of a language model")
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: model, isDirectory: &isFolder) else {
      throw refuse("no such model")
    }
    if isFolder.boolValue {
      let file = URL(fileURLWithPath: model).appendingPathComponent("config.json")
      guard FileManager.default.fileExists(atPath: file.path) else { throw refuse("has no config.json") }
    } else if !model.hasSuffix(".gguf") {
      throw refuse("is a file")
    }
  }

  private static func read(_ path: String, _ configuration: RunConfiguration) throws -> File {
    let folder = configuration.data.imageRoot ?? (path as NSString).deletingLastPathComponent
    let root = URL(fileURLWithPath: folder.isEmpty ? "." : folder, isDirectory: true)
    var file = File(path: path)
    func place(_ images: [String]) -> [String] {
      images.map { URL(fileURLWithPath: $0, relativeTo: root).path }
    }
    let seesPictures =
      try !configuration.trainsGGUF
      || PretrainedModel.projector(beside: URL(fileURLWithPath: configuration.model.path ?? "")) != nil
    let reading = try PairFile.forEach(
      path, format: configuration.data.pairsFormat, broken: { file.problems.append($0) }
    ) { pair, line in
      if let key = pair.extra.first(where: { Self.saysMore($0.key) && $0.value != .null }) {
        file.problems.append(
          DataError(
            file: "\(path):\(line)", record: pair.id,
            problem: "has a key \"\(key.key)\", which its format does not read and another one does; "
              + "data.pairs_format says which it is, dpotrain convert writes another"))
        return
      }
      guard pair.images.isEmpty || seesPictures else {
        file.problems.append(
          DataError(
            file: "\(path):\(line)", record: pair.id,
            problem:
              "shows \(pair.images.count) pictures, expected none: \(configuration.model.path ?? "") is a "
              + "language model without a vision tower"))
        return
      }
      var pair = pair
      pair.images = place(pair.images)
      pair.rejectedImages = pair.rejectedImages.map(place)
      // Nothing reads them here, and a file may have long ones.
      pair.extra = []
      file.rows.append((pair, line, file.rows.count))
    }
    (file.format, file.unknownKeys) = (reading.format, reading.unknownColumns)
    return file
  }

  /// Keys that say something about a conversation in some format.
  private static func saysMore(_ key: String) -> Bool {
    [
      "system", "history", "images", "image", "rejected_image", "rejected_images", "messages",
      "conversations",
      "question", "instruction", "input", "rejected_response", "rejected_messages",
    ].contains(key)
  }

  /// Moves a share of the prompts, drawn with the run's seed, to the pairs held out: pairs of one prompt stay
  /// together, because an answer that was learned is no question any more.
  /// - Throws: ``DataError`` where nothing would be left to train on.
  private mutating func holdOut() throws {
    guard share > 0, !trained.rows.isEmpty else { return }
    var (prompts, order): ([String: [Int]], [String]) = ([:], [])
    for (index, row) in trained.rows.enumerated() {
      let key = Self.promptKey(row.pair)
      if prompts[key] == nil { order.append(key) }
      prompts[key, default: []].append(index)
    }
    var generator = RandomGenerator(seed: seed, stream: 0x4845_4C44)
    let wanted = max(1, Int((Double(trained.rows.count) * share).rounded()))
    var taken = Set<Int>()
    for index in generator.permutation(order.count) where taken.count < wanted {
      taken.formUnion(prompts[order[index]] ?? [])
    }
    guard taken.count < trained.rows.count else {
      throw DataError(
        file: trained.path,
        problem: "data.eval_share \(share) holds out all \(order.count) prompts that can be used, expected "
          + "some to train on: a smaller share, or more prompts")
    }
    var held = File(path: trained.path)
    held.encoded = trained.encoded
    held.rows = trained.rows.indices.filter(taken.contains).map { trained.rows[$0] }
    trained.rows = trained.rows.indices.filter { !taken.contains($0) }.map { trained.rows[$0] }
    self.held = held
  }

  /// Makes problems of the pairs held out that are trained on, too.
  private mutating func setSharedAside() {
    guard var held else { return }
    let known = Set(
      trained.rows.map { Self.promptKey($0.pair) + "\n" + $0.pair.chosen + "\n" + $0.pair.rejected })
    let prompts = Set(trained.rows.map { Self.promptKey($0.pair) })
    func isKnown(_ pair: PreferencePair) -> Bool {
      known.contains(Self.promptKey(pair) + "\n" + pair.chosen + "\n" + pair.rejected)
    }
    for (pair, line, _) in held.rows where isKnown(pair) {
      held.problems.append(
        DataError(
          file: "\(held.path):\(line)", record: pair.id,
          problem: "the same pair is in \(trained.path), expected pairs that are not trained on"))
    }
    held.rows.removeAll { isKnown($0.pair) }
    sharedPrompts = held.rows.count { prompts.contains(Self.promptKey($0.pair)) }
    self.held = held
  }

  private static func promptKey(_ pair: PreferencePair) -> String {
    ([pair.system ?? ""] + pair.history.flatMap { [$0.question, $0.answer] } + [pair.prompt] + pair.images)
      .joined(separator: "\u{1F}")
  }

  /// All files that are read beside the lists themselves.
  var pictures: [String] {
    var seen = Set<String>()
    return ([trained] + [held].compactMap(\.self)).flatMap(\.rows)
      .flatMap { $0.pair.images + ($0.pair.rejectedImages ?? []) }.filter { seen.insert($0).inserted }
  }

  /// Mean number of pictures of a prompt.
  var picturesPerPair: Double {
    let counts = trained.rows.map(\.pair.images.count)
    return Double(counts.reduce(0, +)) / Double(max(counts.count, 1))
  }

  /// `120 pairs, 12 held out`, and how many pictures their prompts have.
  var words: String {
    let counts = Dictionary(grouping: trained.rows.map(\.pair.images.count)) { $0 }.mapValues(\.count)
    let pictures = counts.sorted { $0.key < $1.key }.map { "\($0.value) with \($0.key)" }
      .joined(separator: ", ")
    return "\(trained.path): \(trained.rows.count) pairs"
      + (trained.format.map { " in the format \($0.rawValue)" } ?? "")
      + (held.map { ", \($0.rows.count) held out" } ?? "")
      + "; pictures: \(pictures.isEmpty ? "none" : pictures)"
  }

  /// Columns that nobody reads, for people.
  var notes: [String] {
    let shared =
      sharedPrompts > 0
      ? ["data.eval_pairs: the prompts of \(sharedPrompts) pairs held out are trained on, with other answers"]
      : []
    return shared
      + ([trained] + [held].compactMap(\.self)).filter { !$0.unknownKeys.isEmpty }.map {
        "\($0.path): nothing reads \($0.unknownKeys.joined(separator: ", "))"
      }
  }
}

extension OwnPairs.File {
  /// Encodes every pair; what cannot be used becomes a problem.
  /// - Parameter broken: what is wrong with pictures, by their paths.
  fileprivate mutating func examine(_ encoder: PromptEncoder, _ broken: [String: String]) {
    var seen = Set<[String]>()
    var usable: [Row] = []
    for row in rows {
      let (pair, others) = (row.pair, row.pair.rejectedImages ?? [])
      do {
        if let problem = PairFileError.problem(of: pair, seen: &seen)
          ?? (pair.images + others).lazy.compactMap({ broken[$0] }).first
        {
          throw RecordError(id: pair.id, reason: problem)
        }
        encoded[row.number] = try EncodedPair(
          pair, pictures: pair.images, rejectedPictures: others, encoder: encoder)
        usable.append(row)
      } catch {
        let problem = (error as? RecordError)?.reason ?? "\(error)"
        problems.append(DataError(file: "\(path):\(row.line)", record: pair.id, problem: problem))
      }
    }
    rows = usable
  }
}

extension HeldOutSummary {
  /// What a run's training left; nil where nothing is held out.
  /// - Throws: `CheckpointError` for a file that is not as it was written, ``RowFileError`` for one that is
  ///   none.
  package init?(ofRun run: URL) throws {
    let file = run.appendingPathComponent("train/\(Self.file)")
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    try WrittenFile.verify(file)
    self = try RowDecoding.value(from: Data(try StoredBytes.read(file)), file: file.path, line: nil)
  }
}
