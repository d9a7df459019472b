import LVLM
import Records
import Tensor

/// Grids that ask about several of their images, as in the set that the released pair generator reads
/// (`ping_llava187k_90k.json`).
extension InstructionComposer {
  /// What one grid is made of.
  public struct Group: Sendable, Equatable {
    /// The entries it asks about.
    public var targets: [Int]
    /// How many images stand beside theirs.
    public var companions: Int
  }

  /// Samples of the authors' 146,000 that went into grids of so many targets and companions.
  private static let blocks: [(targets: Int, companions: Int, samples: Int)] = [
    (1, 1, 48_000), (2, 1, 28_000), (2, 2, 28_000), (3, 3, 21_000), (3, 6, 21_000),
  ]

  /// The grids of a pool: conversations without `vg` and without those of `coco` with a box, shuffled,
  /// rounded down to thousands and dealt out in the authors' shares. Fewer than a thousand are all used.
  public func groups() -> [Group] {
    let usable = entries(for: .grid)
    var generator = RandomGenerator(seed: seed, stream: 0x4752_4F55)
    let order = generator.permutation(usable.count).map { usable[$0] }
    let total = order.count < 1000 ? order.count : order.count / 1000 * 1000
    var groups: [Group] = []
    var start = 0
    for block in Self.blocks {
      for _ in 0..<total * block.samples / 146_000 / block.targets {
        groups.append(
          Group(targets: Array(order[start..<start + block.targets]), companions: block.companions))
        start += block.targets
      }
    }
    return groups
  }

  /// The instruction of a group: its conversations one after the other, each naming its own image; the id is
  /// theirs joined by `_`. Companions are any images of the pool, none twice.
  /// - Parameters:
  ///   - number: its place among ``groups()``, which companions are drawn by.
  ///   - path: what the record calls the grid.
  /// - Throws: as ``instruction(_:entry:path:)``. ``Instruction/target`` is the place of the first target.
  public func instruction(_ group: Group, number: Int, path: String) throws -> Instruction {
    let targets = group.targets.map { pool.entries[$0] }
    var generator = RandomGenerator(seed: seed, stream: 0x4752_4944).split(UInt64(number))
    var pictures: [String: RGBImage] = [:]
    for target in targets where pictures[target.image] == nil {
      pictures[target.image] = try picture(target.image, of: target)
    }
    var sources = targets.map(\.image)
    var seen = Set(sources)
    while sources.count < targets.count + group.companions {
      guard seen.count < pool.imageCount else {
        throw problem(
          of: targets[0],
          "found \(sources.count - targets.count) other images, expected \(group.companions)")
      }
      let image = pool.entries[generator.integer(below: pool.entries.count)].image
      guard seen.insert(image).inserted else { continue }
      do {
        pictures[image] = try picture(image, of: targets[0])
        sources.append(image)
      } catch {
        guard skipsUnreadable else { throw error }
      }
    }
    sources = generator.permutation(sources.count).map { sources[$0] }
    let places = targets.map { (sources.firstIndex(of: $0.image) ?? 0) + 1 }
    var turns: [OrderedJSON] = []
    for (target, place) in zip(targets, places) {
      turns += rewrittenTurns(of: target.json) { number, text in
        turns.isEmpty && number == 0
          ? PromptRewriting.prompt(text, kind: .grid, target: place, count: sources.count)
          : PromptRewriting.laterTurn(
            PromptRewriting.withoutMarks(text), kind: .grid, target: place)
      }
    }
    let json = OrderedJSON.members([
      "id": .string(targets.map(\.id).joined(separator: "_")), "image": .array([.string(path)]),
      "conversations": .array(turns), "image_list": .array(sources.map(OrderedJSON.string)),
    ])
    return Instruction(
      json: json, sources: sources, target: places[0],
      picture: draw(.grid, sources.compactMap { pictures[$0] }))
  }
}
