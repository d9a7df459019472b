import Tensor

/// How a GGUF file stores the elements of a tensor.
///
/// The quantised encodings hold blocks of 32 values: `Q8_0` a half-precision scale and 32 signed bytes, `Q4_0` a scale and
/// 16 bytes, `Q4_1` a scale, a minimum and 16 bytes. Low nibbles are the first 16 values, high nibbles the rest.
public enum GGUFEncoding: UInt32, Sendable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q8_0 = 8
  case bf16 = 30

  /// Values in one block.
  public var blockLength: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q4_0, .q4_1, .q8_0: 32
    }
  }

  /// Bytes of one block.
  public var blockSize: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .q4_0: 18
    case .q4_1: 20
    case .q8_0: 34
    }
  }

  /// The element type of the tensor that reading gives.
  public var dtype: DType {
    switch self {
    case .f16: .float16
    case .bf16: .bfloat16
    case .f32, .q4_0, .q4_1, .q8_0: .float32
    }
  }

  /// Bytes of a tensor, or nil when its rows are no whole number of blocks or the count overflows.
  func byteCount(shape: [Int]) -> Int? {
    guard let values = ElementType.uint8.byteCount(shape: shape) else { return nil }
    guard (shape.last ?? 1).isMultiple(of: blockLength) else { return nil }
    let (size, overflow) = (values / blockLength).multipliedReportingOverflow(by: blockSize)
    return overflow ? nil : size
  }

  /// Decodes whole blocks into elements of ``dtype``.
  func decode(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
    guard blockLength > 1 else {
      target.copyMemory(from: source)
      return
    }
    let output = target.bindMemory(to: Float.self)
    for block in 0..<(source.count / blockSize) {
      let start = block * blockSize
      let values = UnsafeMutableBufferPointer(rebasing: output[(block * 32)..<(block * 32 + 32)])
      let scale = Self.half(source, start)
      switch self {
      case .q8_0:
        for i in 0..<32 { values[i] = scale * Float(Int8(bitPattern: source[start + 2 + i])) }
      case .q4_0:
        for i in 0..<16 {
          let byte = source[start + 2 + i]
          values[i] = scale * Float(Int(byte & 15) - 8)
          values[i + 16] = scale * Float(Int(byte >> 4) - 8)
        }
      default:
        let minimum = Self.half(source, start + 2)
        for i in 0..<16 {
          let byte = source[start + 4 + i]
          values[i] = scale * Float(byte & 15) + minimum
          values[i + 16] = scale * Float(byte >> 4) + minimum
        }
      }
    }
  }

  private static func half(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float {
    Float(Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
  }
}
