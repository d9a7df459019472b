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
  /// A sinc in a Hamming window one sample wide.
  case hamming

  /// The filter of a Hugging Face `resample` number (Pillow's constants 0 … 5); `nil` for others.
  public init?(pillow number: Int) {
    switch number {
    case 0: self = .nearest
    case 1: self = .lanczos
    case 2: self = .bilinear
    case 3: self = .bicubic
    case 4: self = .box
    case 5: self = .hamming
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
    case .hamming: 5
    }
  }

  /// Half the width of the kernel in source samples when enlarging.
  var support: Double {
    switch self {
    case .nearest, .box: 0.5
    case .bilinear, .hamming: 1
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
    case .hamming:
      // Pillow's constants are of single precision.
      return x < 1 ? sinc(x) * (Double(0.54 as Float) + Double(0.46 as Float) * cos(.pi * x)) : 0
    }
  }

  private func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(.pi * x) / (.pi * x)
  }
}
