import Tensor

extension QuantizedMatrix {
  /// A matrix of random blocks whose values are about as large as `amplitude`.
  package static func random(
    _ encoding: BlockEncoding, rows: Int, columns: Int, amplitude: Double = 1,
    using generator: inout RandomGenerator
  ) -> QuantizedMatrix {
    let (halves, largest) = encoding.scales
    let (size, count) = (encoding.blockSize, rows * columns / encoding.blockLength)
    var bytes = Tensor.randomUniform([count * size], in: 0..<256, using: &generator).to(.uint8)
      .array(of: UInt8.self)
    for block in 0..<count {
      func put<Value: BitwiseCopyable>(_ value: Value, _ offset: Int) {
        withUnsafeBytes(of: value) {
          bytes.replaceSubrange(block * size + offset..<block * size + offset + $0.count, with: $0)
        }
      }
      let scale = (generator.uniform() * 2 - 1) * amplitude / Double(largest)
      for offset in halves { put(Float16(scale), offset) }
      switch encoding {
      case .q8_k: put(Float(scale), 0)
      case .mxfp4: put(UInt8(128 + (scale == 0 ? -64 : scale.exponent)), 0)
      default: break
      }
    }
    return QuantizedMatrix(
      encoding, blocks: Tensor(bytes, shape: [rows, columns / encoding.blockLength * size]))
  }
}

extension BlockEncoding {
  /// Where a block has its scale and its minimum in half precision, and about what the largest value is a
  /// multiple of the scale by.
  fileprivate var scales: (halves: [Int], largest: Int) {
    switch self {
    case .q4_0: ([0], 8)
    case .q4_1: ([0, 2], 15)
    case .q5_0: ([0], 16)
    case .q5_1: ([0, 2], 31)
    case .q8_0: ([0], 128)
    case .q2_k: ([80, 82], 45)
    case .q3_k: ([108], 128)
    case .q4_k: ([0, 2], 945)
    case .q5_k: ([0, 2], 1953)
    case .q6_k: ([208], 4096)
    case .q8_k: ([], 128)
    case .iq4_nl: ([0], 127)
    case .iq4_xs: ([0], 4064)
    case .mxfp4: ([], 12)
    }
  }
}
