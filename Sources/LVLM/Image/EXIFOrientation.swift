/// The orientation tag (0x0112) of an EXIF block.
enum EXIFOrientation {
  /// The tag's value, 1 … 8, 1 for a value that is none; nil when the block has none or is damaged.
  static func read(tiff: [UInt8]) -> Int? {
    guard tiff.count >= 8 else { return nil }
    let isLittle = tiff[0] == 0x49
    func number(_ at: Int, _ size: Int) -> Int? {
      guard at >= 0, at + size <= tiff.count else { return nil }
      let digits = tiff[at..<at + size]
      return (isLittle ? Array(digits.reversed()) : Array(digits)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
    for entry in 0..<entries {
      let at = directory + 2 + entry * 12
      guard let tag = number(at, 2), let value = number(at + 8, 2) else { return nil }
      if tag == 0x0112 { return (1...8).contains(value) ? value : 1 }
    }
    return nil
  }
}

extension RGBImage {
  /// The picture turned upright: `orientation` is EXIF's number, 1 (as stored) … 8.
  func oriented(_ orientation: Int) -> RGBImage {
    guard (2...8).contains(orientation) else { return self }
    let swaps = orientation >= 5
    let (wide, high) = swaps ? (height, width) : (width, height)
    let samples = [UInt8](unsafeUninitializedCapacity: pixels.count) { buffer, count in
      for y in 0..<high {
        for x in 0..<wide {
          let source: (x: Int, y: Int) =
            switch orientation {
            case 2: (width - 1 - x, y)
            case 3: (width - 1 - x, height - 1 - y)
            case 4: (x, height - 1 - y)
            case 5: (y, x)
            case 6: (y, height - 1 - x)
            case 7: (width - 1 - y, height - 1 - x)
            default: (width - 1 - y, x)
            }
          for channel in 0..<3 {
            buffer[(y * wide + x) * 3 + channel] = pixels[(source.y * width + source.x) * 3 + channel]
          }
        }
      }
      count = pixels.count
    }
    return RGBImage(width: wide, height: high, pixels: samples)
  }
}
