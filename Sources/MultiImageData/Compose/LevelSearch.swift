import LVLM
import Tensor

/// Looks for pictures that can stand beside one about which a question of a level is asked.
package struct LevelSearch {
  let source: any QuestionSource
  let split: DataSplit
  /// Pictures that are looked at for each that is wanted.
  let tries: Int

  package init(source: any QuestionSource, split: DataSplit, tries: Int) {
    self.source = source
    self.split = split
    self.tries = tries
  }

  /// Pictures in the order of the prompt, and what is asked about them.
  struct Found {
    var images: [ImageReference]
    var targets: [Int]
    var about: [String]
  }

  /// A picture beside which too few others were found.
  struct Lack: Error {
    /// How many were.
    var found: Int
  }

  /// A picture among others, of which one has the same value of an attribute, or another one; all have places
  /// that are drawn.
  /// - Throws: ``Lack``.
  func compared(
    _ image: ImageReference, _ facts: [String: String], _ words: FactWords, count: Int, isSame: Bool,
    using generator: inout RandomGenerator
  ) throws(Lack) -> Found {
    let known = words.attributes.map(\.key).filter { facts[$0] != nil }
    for place in generator.permutation(known.count) {
      let about = [known[place]]
      guard
        let partner = companion(
          of: [image], words, using: &generator,
          where: {
            LevelQuestion.isSame($0, facts, in: about) == isSame
          })
      else { continue }
      var images = [image, partner]
      while images.count < count {
        guard let other = companion(of: images, words, using: &generator, where: { _ in true }) else {
          throw Lack(found: images.count - 1)
        }
        images.append(other)
      }
      let order = generator.permutation(count)
      return Found(
        images: order.map { images[$0] },
        targets: order.indices.filter { order[$0] < 2 }.map { $0 + 1 }, about: about)
    }
    throw Lack(found: 0)
  }

  /// A picture among others that are known to differ from it in something that is described; its place is
  /// drawn.
  /// - Throws: ``Lack``.
  func found(
    _ image: ImageReference, _ facts: [String: String], _ words: FactWords, count: Int,
    using generator: inout RandomGenerator
  ) throws(Lack) -> Found {
    let known = words.descriptions.filter { $0.allSatisfy { facts[$0] != nil } }
    var most = 0
    for place in generator.permutation(known.count) {
      let about = known[place]
      var images = [image]
      while images.count < count,
        let other = companion(
          of: images, words, using: &generator,
          where: {
            LevelQuestion.differs($0, from: facts, in: about)
          })
      {
        images.append(other)
      }
      most = max(most, images.count - 1)
      guard images.count == count else { continue }
      let own = generator.integer(below: count)
      images.swapAt(0, own)
      return Found(images: images, targets: [own + 1], about: about)
    }
    throw Lack(found: most)
  }

  /// A picture of the split that is none of those that are there, has the same words, and fits.
  package func companion(
    of images: [ImageReference], _ words: FactWords, using generator: inout RandomGenerator,
    where fits: ([String: String]) -> Bool
  ) -> ImageReference? {
    let size = source.count(of: split)
    for _ in 0..<tries {
      let candidate = source.image(split, generator.integer(below: size))
      guard let facts = source.facts(of: candidate), facts[words.mark] != nil, fits(facts),
        !images.contains(where: { $0.path == candidate.path })
      else { continue }
      return candidate
    }
    return nil
  }
}
