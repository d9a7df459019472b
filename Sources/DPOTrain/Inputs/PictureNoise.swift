import LVLM
import MultiImageData
import Tensor

/// Gaussian noise on a picture while the rejected answer is generated, as MIA-DPO's released scripts add it.
public struct PictureNoise: Hashable, Sendable {
  /// Standard deviation in 8-bit steps.
  public var deviation: Double
  /// Row-major numbers of the cells that get the noise, in an even split of the picture; all of it where
  /// there are none.
  public var cells: [Int] = []
  /// Rows and columns of that split, label strips included.
  public var rows = 1
  /// See ``rows``.
  public var columns = 1
  /// Whether sums wrap around at 256, as the released pic-in-pic script's 8-bit addition does; otherwise they
  /// are clipped.
  public var wraps = false
  /// Seed of the run.
  public var seed: UInt64
  /// Number of the prompt among those of the run; every prompt of every seed has noise of its own.
  public var prompt: Int
  /// Place of the picture in its prompt, from 0; pictures of one prompt have noise of their own.
  public var place = 0

  /// The noise of `settings` for a record; `nil` when its format has none.
  public init?(_ settings: SelectionSettings, record: ComposedRecord, prompt: Int, seed: UInt64) {
    self.seed = seed
    self.prompt = prompt
    switch record.kind {
    case .sequence:
      deviation = settings.noise.sequence
    case .grid:
      deviation = settings.noise.grid
      cells = record.asked.map { $0 - 1 }
      rows = record.layout?.rows ?? 1
      columns = record.layout?.columns ?? 1
    case .pictureInPicture:
      deviation = settings.noise.picInPic
      wraps = true
    }
    guard deviation > 0, deviation.isFinite else { return nil }
  }

  /// A noisy copy of `picture`; the same seed, prompt and place give the same noise.
  public func applied(to picture: RGBImage) -> RGBImage {
    var generator = RandomGenerator(seed: seed, stream: 0x4E4F_4953_45).split(UInt64(prompt)).split(
      UInt64(place))
    var pixels = picture.pixels
    let (height, width) = (picture.height / rows, picture.width / columns)
    var areas = cells.map { cell in
      let (row, column) = cell.quotientAndRemainder(dividingBy: columns)
      return (row * height..<(row + 1) * height, column * width..<(column + 1) * width)
    }
    if cells.isEmpty { areas = [(0..<picture.height, 0..<picture.width)] }
    for (y, across) in areas.flatMap({ area in area.0.map { ($0, area.1) } }) {
      for x in across {
        for channel in 0..<3 {
          let index = (y * picture.width + x) * 3 + channel
          let noise = deviation * generator.normal()
          pixels[index] =
            wraps
            ? pixels[index] &+ UInt8(truncatingIfNeeded: Int(min(max(noise, -1e15), 1e15)))
            : UInt8(min(max(Double(pixels[index]) + noise, 0), 255))
        }
      }
    }
    return RGBImage(width: picture.width, height: picture.height, pixels: pixels)
  }
}
