import LVLM
import Records
import Tensor

/// A multi-image conversation made of a single-image one.
public struct Instruction: Sendable {
  /// The record in LLaVA's format: `image` is a list, every human turn names the target.
  public var json: OrderedJSON
  /// The paths of the images it was made of, in order; for a picture in a picture the inner one first.
  public var sources: [String]
  /// The 1-based place of the target among them.
  public var target: Int
  /// The one picture of a grid or of a picture in a picture; `nil` for a sequence, whose images stay as they
  /// are.
  public var picture: RGBImage?
  /// The first turn as the *compose* stage writes prompts, but for the places of images; `nil` for grids that
  /// ask about several.
  public var record: ComposedRecord?
}

/// Makes MIA-DPO's instruction sets of LLaVA conversations, by the geometry and the rules of the authors'
/// notebooks (`gen_data/gen_instruction`).
///
/// Every instruction is a pure function of the pool, its record and the seed.
public struct InstructionComposer: Sendable {
  /// The conversations.
  public let pool: InstructionPool
  /// What companions, places and phrases are drawn with.
  public let seed: UInt64
  /// Whether companions that cannot be read are passed over.
  public let skipsUnreadable: Bool
  /// Binding side of the inner picture as a share of the outer one: 0.7 in the authors' code, about ½ in the
  /// paper.
  public let innerScale: Double
  /// Side of a grid's cell in pixels.
  public static let cell = 448

  /// Creates a composer.
  public init(
    pool: InstructionPool, seed: UInt64, innerScale: Double = 0.7, skipsUnreadable: Bool = false
  ) {
    self.pool = pool
    self.seed = seed
    self.innerScale = innerScale
    self.skipsUnreadable = skipsUnreadable
  }

  /// The conversations that become prompts of a kind, in file order: all for sequences; for grids and
  /// pictures in pictures none of `vg`, and none of `coco` with a box.
  public func entries(for kind: CompositionKind) -> [Int] {
    pool.entries.indices.filter { index in
      let entry = pool.entries[index]
      guard ImageCounts.of(entry.source, kind) != nil else { return false }
      return kind == .sequence || entry.source != "coco" || !entry.hasBox
    }
  }

  /// The instruction made of an entry.
  /// - Parameter path: what the record calls the composed picture.
  /// - Throws: ``DataError`` naming the record when a picture cannot be read, or when its source has too few
  ///   others.
  public func instruction(_ kind: CompositionKind, entry index: Int, path: String) throws -> Instruction {
    let entry = pool.entries[index]
    guard let counts = ImageCounts.of(entry.source, kind) else {
      throw problem(of: entry, "a \(kind.rawValue) is not made of images of \(entry.source)")
    }
    let count = counts.images(ofRank: entry.rank, of: pool.entries(of: entry.source).count)
    var generator = RandomGenerator(seed: seed, stream: 0x494E_5354 + kind.ordinal).split(UInt64(index))
    var pictures: [String: RGBImage] = [:]
    if kind != .sequence { pictures[entry.image] = try picture(entry.image, of: entry) }
    var sources = try companions(of: entry, count: count - 1, using: &generator) { image in
      guard kind != .sequence, pictures[image] == nil else { return true }
      do {
        pictures[image] = try picture(image, of: entry)
      } catch {
        guard skipsUnreadable else { throw error }
        return false
      }
      return true
    }
    if kind == .pictureInPicture {
      sources.insert(entry.image, at: 0)
    } else {
      sources.append(entry.image)
      sources = generator.permutation(count).map { sources[$0] }
    }
    let target = (sources.firstIndex(of: entry.image) ?? 0) + 1
    let composed = draw(kind, sources.compactMap { pictures[$0] })
    let json = rewritten(
      entry.json, images: composed == nil ? sources : [path], sources: kind == .grid ? sources : []
    ) { number, text in
      let phrases = PromptRewriting.centrePhrases
      let phrase = kind == .pictureInPicture ? phrases[generator.integer(below: phrases.count)] : ""
      return number == 0
        ? PromptRewriting.prompt(text, kind: kind, target: target, count: count, phrase: phrase)
        : PromptRewriting.laterTurn(text, kind: kind, target: target, phrase: phrase)
    }
    return Instruction(
      json: json, sources: sources, target: target, picture: composed,
      record: record(kind, entry, json, sources, target: target, pictures: pictures, number: index))
  }

  /// The first turn of an instruction with what the selection has to know about its images.
  private func record(
    _ kind: CompositionKind, _ entry: InstructionPool.Entry, _ json: OrderedJSON, _ sources: [String],
    target: Int, pictures: [String: RGBImage], number: Int
  ) -> ComposedRecord? {
    func text(_ json: OrderedJSON, turn: Int) -> String? {
      guard case .array(let turns)? = json[key: "conversations"], turns.indices.contains(turn) else {
        return nil
      }
      return turns[turn][key: "value"]?.text
    }
    guard let prompt = text(json, turn: 0), let answer = text(json, turn: 1),
      let images = try? LLaVARecord.paths(json[key: "image"])
    else { return nil }
    let drawn = sources.compactMap { pictures[$0] }
    let layout: CompositionLayout? =
      switch kind {
      case .sequence: nil
      case .grid: GridGeometry(count: drawn.count, cell: Self.cell).map { CompositionLayout($0, target) }
      case .pictureInPicture: CompositionLayout(inner: drawn[0], outer: drawn[1], scale: innerScale)
      }
    return ComposedRecord(
      id: "\(kind.slug)-\(sources.count)-\(paddedNumber(number, 6))", kind: kind, count: sources.count,
      target: target, images: images, prompt: prompt, answer: answer, answersOfOthers: [],
      family: entry.source, question: PromptRewriting.withoutMarks(text(entry.json, turn: 0) ?? ""),
      source: entry.id, layout: layout)
  }

  /// Other images of the same source, no record of it twice.
  private func companions(
    of entry: InstructionPool.Entry, count: Int, using generator: inout RandomGenerator,
    isUsable: (String) throws -> Bool
  ) throws -> [String] {
    let members = pool.entries(of: entry.source)
    let available = pool.companionCount(of: entry)
    guard available >= count else {
      throw problem(
        of: entry, "found \(available) other images of \(entry.source), expected at least \(count)")
    }
    var (seen, found): (Set<Int>, [String]) = ([], [])
    while found.count < count {
      guard seen.count < available else {
        throw problem(
          of: entry, "found \(found.count) readable images of \(entry.source), expected at least \(count)")
      }
      let place = members[generator.integer(below: members.count)]
      let image = pool.entries[place].image
      if image != entry.image, seen.insert(place).inserted, try isUsable(image) { found.append(image) }
    }
    return found
  }

  func problem(of entry: InstructionPool.Entry, _ text: String) -> DataError {
    DataError(file: entry.place, record: entry.id, problem: text)
  }

  func picture(_ image: String, of entry: InstructionPool.Entry) throws -> RGBImage {
    do {
      return try RGBImage(contentsOf: FilePath.join(pool.imageFolder, image), transparency: .dropped)
    } catch {
      throw problem(of: entry, "\(error)")
    }
  }

  func draw(_ kind: CompositionKind, _ pictures: [RGBImage]) -> RGBImage? {
    switch kind {
    case .sequence: nil
    case .grid:
      GridGeometry(count: pictures.count, cell: Self.cell).map { Collage.grid(pictures, geometry: $0) }
    case .pictureInPicture:
      Collage.pictureInPicture(inner: pictures[0], outer: pictures[1], scale: innerScale)
    }
  }

  /// The record with other images and other human turns; `image_list` says what a grid was made of.
  private func rewritten(
    _ json: OrderedJSON, images: [String], sources: [String],
    turn: (_ number: Int, _ text: String) -> String
  ) -> OrderedJSON {
    guard case .object(var members) = json else { return json }
    for index in members.indices {
      switch members[index].key {
      case "image": members[index].value = .array(images.map(OrderedJSON.string))
      case "conversations": members[index].value = .array(rewrittenTurns(of: json, turn: turn))
      default: break
      }
    }
    if !sources.isEmpty {
      members.append(.init("image_list", .array(sources.map(OrderedJSON.string))))
    }
    return .object(members)
  }

  /// The turns of a conversation with other words of the human; `number` counts human turns from 0.
  func rewrittenTurns(
    of json: OrderedJSON, turn: (_ number: Int, _ text: String) -> String
  ) -> [OrderedJSON] {
    guard case .array(let turns)? = json[key: "conversations"] else { return [] }
    var number = 0
    return turns.map { value in
      guard case .object(var parts) = value, value[key: "from"]?.text == "human" else { return value }
      for part in parts.indices where parts[part].key == "value" {
        parts[part].value = .string(turn(number, parts[part].value.text ?? ""))
      }
      number += 1
      return .object(parts)
    }
  }
}
