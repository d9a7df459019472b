import LVLM
import Tensor

/// A picture with less to see, for mDPO's image-conditional term; the same corruption gives the same picture.
public struct PictureCorruption: Hashable, Sendable {
  /// What is done to it.
  public enum Kind: String, Hashable, Sendable {
    /// A random rectangle of the picture's proportions with at most a fifth of its area is all that is left
    /// of it (mDPO's *crop 0–20 %*, arXiv 2406.11839).
    case crop
    /// Gaussian noise on every sample, with a standard deviation of half their range, clipped.
    case noise
  }

  /// What is done.
  public var kind: Kind
  /// What the draws depend on.
  public var seed: UInt64

  private static let largestShare = 0.2
  private static let deviation = 128.0

  /// A corruption.
  public init(_ kind: Kind, seed: UInt64) {
    self.kind = kind
    self.seed = seed
  }

  /// The corrupted picture; a crop has at least one pixel.
  public func applied(to picture: RGBImage) -> RGBImage {
    var generator = RandomGenerator(seed: seed, stream: 0x434F_5252_5550_54)
    switch kind {
    case .crop:
      let side = (generator.uniform() * Self.largestShare).squareRoot()
      let width = max(1, Int((side * Double(picture.width)).rounded(.down)))
      let height = max(1, Int((side * Double(picture.height)).rounded(.down)))
      let left = generator.integer(below: picture.width - width + 1)
      let top = generator.integer(below: picture.height - height + 1)
      let rows = (top..<top + height).flatMap { row in
        let start = (row * picture.width + left) * 3
        return picture.pixels[start..<start + width * 3]
      }
      return RGBImage(width: width, height: height, pixels: rows)
    case .noise:
      let pixels = picture.pixels.map { sample in
        let noisy = Double(sample) + (generator.normal() * Self.deviation).rounded()
        return UInt8(min(max(noisy, 0), 255))
      }
      return RGBImage(width: picture.width, height: picture.height, pixels: pixels)
    }
  }
}
