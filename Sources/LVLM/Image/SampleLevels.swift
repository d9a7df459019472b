/// The normalised value of each of the 256 samples of a channel.
struct SampleLevels: Sendable {
  /// Where values are rounded to single precision.
  enum Rounding {
    /// Once both steps are done.
    case atTheEnd
    /// After a sample is scaled, and in whatever follows, as transformers' classes for tiles do it.
    case inEveryStep
  }

  private let tables: [[Float]]

  /// - Parameters:
  ///   - mean: of each channel on the scale 0 … 1, nil where values are not normalised.
  ///   - deviation: of each channel.
  ///   - scaled: a sample on the scale 0 … 1.
  init(mean: [Double]?, deviation: [Double], rounding: Rounding, scaled: (Double) -> Double) {
    tables = (0..<3).map { channel in
      (0..<256).map { sample in
        let value = scaled(Double(sample))
        guard let mean else { return Float(value) }
        return switch rounding {
        case .atTheEnd: Float((value - mean[channel]) / deviation[channel])
        case .inEveryStep: (Float(value) - Float(mean[channel])) / Float(deviation[channel])
        }
      }
    }
  }

  /// The values of pictures, one after the other, channel by channel: three for each pixel.
  func values(_ pictures: [RGBImage]) -> [Float] {
    let total = pictures.reduce(0) { $0 + 3 * $1.width * $1.height }
    return [Float](unsafeUninitializedCapacity: total) { buffer, count in
      for picture in pictures {
        let area = picture.width * picture.height
        for channel in 0..<3 {
          let table = tables[channel]
          for pixel in 0..<area { buffer[count + pixel] = table[Int(picture.pixels[pixel * 3 + channel])] }
          count += area
        }
      }
    }
  }
}
