import Foundation

/// The filters of Pillow's `Image.resize`, with its support and shape.
public enum ResamplingFilter: String, Codable, CaseIterable, Sendable {
  /// The nearest sample.
  case nearest
  /// The mean of the covered samples.
  case box
  /// Linear interpolation.
  case bilinear
  /// Cubic convolution with a = -0.5.
  case bicubic
  /// A sinc windowed by a sinc three samples wide.
  case lanczos

  /// The filter of a Hugging Face `resample` number (Pillow's constants 0 … 5); `nil` for Hamming (5).
  public init?(pillow number: Int) {
    switch number {
    case 0: self = .nearest
    case 1: self = .lanczos
    case 2: self = .bilinear
    case 3: self = .bicubic
    case 4: self = .box
    default: return nil
    }
  }

  /// Pillow's number for this filter, as `preprocessor_config.json` stores it.
  public var pillowNumber: Int {
    switch self {
    case .nearest: 0
    case .lanczos: 1
    case .bilinear: 2
    case .bicubic: 3
    case .box: 4
    }
  }

  /// Half the width of the kernel in source samples when enlarging.
  var support: Double {
    switch self {
    case .nearest, .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The kernel at a distance from the centre.
  func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .nearest, .box:
      return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear:
      return x < 1 ? 1 - x : 0
    case .bicubic:
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    case .lanczos:
      guard distance >= -3, distance < 3 else { return 0 }
      return sinc(distance) * sinc(distance / 3)
    }
  }

  private func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(.pi * x) / (.pi * x)
  }
}

/// For every sample of a resized row or column: which source samples it sums, and with which weights.
struct ResamplingTable {
  /// Weights are integers with this many fractional bits, as in Pillow's 8-bit path.
  static let precision: Int32 = 22

  /// The first source sample of every output sample.
  let starts: [Int]
  /// The number of source samples of every output sample.
  let counts: [Int]
  /// `stride` weights for every output sample.
  let weights: [Int32]
  /// The largest of `counts`.
  let stride: Int

  init(from source: Int, to target: Int, filter: ResamplingFilter) {
    let scale = Double(source) / Double(target)
    let filterScale = max(scale, 1)
    let support = filter.support * filterScale
    var starts: [Int] = []
    var counts: [Int] = []
    var rows: [[Double]] = []
    for position in 0..<target {
      let centre = (Double(position) + 0.5) * scale
      let low = max(Int(centre - support + 0.5), 0)
      let high = min(Int(centre + support + 0.5), source)
      var row = (low..<high).map { filter.weight((Double($0) - centre + 0.5) / filterScale) }
      let sum = row.reduce(0, +)
      if sum != 0 { row = row.map { $0 / sum } }
      starts.append(low)
      counts.append(row.count)
      rows.append(row)
    }
    let stride = counts.max() ?? 0
    let unit = Double(1 << Self.precision)
    var weights = [Int32](repeating: 0, count: target * stride)
    for (position, row) in rows.enumerated() {
      for (index, weight) in row.enumerated() {
        weights[position * stride + index] = Int32(weight * unit + (weight < 0 ? -0.5 : 0.5))
      }
    }
    self.starts = starts
    self.counts = counts
    self.weights = weights
    self.stride = stride
  }
}
