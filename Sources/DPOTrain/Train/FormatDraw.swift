import LVLM
import MultiImageData
import Tensor

/// Draws in which format pictures of the split `sft` are shown together, and with which others.
package struct FormatDraw: Sendable {
  /// Formats with numbers of pictures and weights; none is drawn where there is none.
  let formats: [(kind: CompositionKind, count: Int, weight: Double)]
  let source: any QuestionSource

  /// A format and the number of pictures it shows, in proportion to the weights.
  /// - Precondition: there is a format.
  func format(using random: inout RandomGenerator) -> (kind: CompositionKind, count: Int) {
    var place = random.uniform() * formats.reduce(0) { $0 + $1.weight }
    for entry in formats.dropLast() {
      if place < entry.weight { return (entry.kind, entry.count) }
      place -= entry.weight
    }
    return (formats[formats.count - 1].kind, formats[formats.count - 1].count)
  }

  /// A picture and others, all different.
  /// - Precondition: the split shows as many (``distinctPictures(of:upTo:)``).
  func images(
    beginning first: ImageReference, count: Int, using random: inout RandomGenerator
  ) -> [ImageReference] {
    var images = [first]
    while images.count < count {
      let other = source.image(.sft, random.integer(below: source.count(of: .sft)))
      if !images.contains(where: { $0.path == other.path }) { images.append(other) }
    }
    return images
  }

  /// How many different pictures the split `sft` of a source shows, counted up to `most`.
  package static func distinctPictures(of source: any QuestionSource, upTo most: Int) -> Int {
    var seen: Set<String> = []
    for index in 0..<source.count(of: .sft) where seen.count < most {
      seen.insert(source.image(.sft, index).path)
    }
    return seen.count
  }
}
