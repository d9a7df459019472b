/// What becomes of transparency when a picture is read as RGB.
public enum TransparencyRule: String, CaseIterable, Sendable {
  /// Composited on white, as transformers does from release 5 on.
  case onWhite = "on_white"
  /// Left out: the colours as they are stored, as `Image.convert("RGB")` and earlier releases have it.
  case dropped

  /// The colours of samples that have an opacity as their fourth.
  func colours(_ rgba: [UInt8]) -> [UInt8] {
    switch self {
    case .onWhite: Self.onWhite(rgba)
    case .dropped: rgba.indices.filter { $0 & 3 != 3 }.map { rgba[$0] }
    }
  }

  /// Pillow's `alpha_composite` over opaque white, then the colour samples.
  private static func onWhite(_ rgba: [UInt8]) -> [UInt8] {
    let pixels = rgba.count / 4
    return [UInt8](unsafeUninitializedCapacity: pixels * 3) { buffer, count in
      for pixel in 0..<pixels {
        let alpha = UInt32(rgba[pixel * 4 + 3]) << 7
        let rest = (255 << 7) - alpha
        for channel in 0..<3 {
          let sum = UInt32(rgba[pixel * 4 + channel]) * alpha + 255 * rest + (0x80 << 7)
          buffer[pixel * 3 + channel] = UInt8(truncatingIfNeeded: ((sum >> 8) + sum) >> 15)
        }
      }
      count = pixels * 3
    }
  }
}
