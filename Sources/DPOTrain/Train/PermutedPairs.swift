import MultiImageData
import Tensor

/// Pairs of sequences with their pictures in another order: what is asked about stays, the number in the
/// prompt changes, so that a place in the prompt tells nothing.
package enum PermutedPairs {
  /// `count` copies of a pair, each with another order of its pictures than the pair and than the other
  /// copies, fewer where there are not so many orders; none for pairs whose order cannot change alone: those
  /// with one picture, and those that name pictures by number elsewhere than at the beginning of the
  /// question.
  /// - Complexity: O(count · pictures).
  package static func copies(
    of pair: PreferencePair, count: Int, using generator: inout RandomGenerator
  ) -> [PreferencePair] {
    let pictures = pair.images.count
    guard pictures > 1, let (target, rest) = named(in: pair) else { return [] }
    var seen: Set<[Int]> = [Array(0..<pictures)]
    let wanted = min(count, otherOrders(of: pictures))
    var copies: [PreferencePair] = []
    while copies.count < wanted {
      let order = generator.permutation(pictures)
      guard seen.insert(order).inserted, let place = order.firstIndex(of: target - 1) else { continue }
      var copy = pair
      copy.images = order.map { pair.images[$0] }
      copy.rejectedImages = pair.rejectedImages.map { others in order.map { others[$0] } }
      copy.prompt =
        PromptRewriting.sequenceBlock(count: pictures) + PromptRewriting.sequenceOpening(place + 1) + rest
      copies.append(copy)
    }
    return copies
  }

  /// How many orders of so many pictures there are beside a given one; no more than anybody asks for.
  package static func otherOrders(of pictures: Int) -> Int {
    guard pictures > 1 else { return 0 }
    return (2...min(pictures, 12)).reduce(1, *) - 1
  }

  /// The picture that the question begins with, and what follows; `nil` where another text names one too.
  private static func named(in pair: PreferencePair) -> (target: Int, rest: String)? {
    let block = PromptRewriting.sequenceBlock(count: pair.images.count)
    guard pair.prompt.hasPrefix(block) else { return nil }
    let question = pair.prompt.dropFirst(block.count)
    guard let target = PromptRewriting.target(in: String(question)),
      question.hasPrefix(PromptRewriting.sequenceOpening(target)), (1...pair.images.count).contains(target)
    else { return nil }
    let rest = String(question.dropFirst(PromptRewriting.sequenceOpening(target).count))
    let earlier = pair.history.flatMap { [$0.question, $0.answer] }
    let texts = [rest, pair.chosen, pair.rejected] + earlier
    return texts.contains { $0.contains(/(?i)\b(image|picture|photo)s? ?\d/) } ? nil : (target, rest)
  }
}
