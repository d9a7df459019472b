import Tensor

/// How a GGUF file stores the elements of a tensor.
///
/// The quantised encodings hold blocks of 32 values: `Q8_0` a half-precision scale and 32 signed bytes,
/// `Q4_0` a scale and 16 bytes, `Q4_1` a scale, a minimum and 16 bytes. Low nibbles are the first 16 values,
/// high nibbles the rest.
public enum GGUFEncoding: UInt32, Sendable, CaseIterable {
  /// Float32.
  case f32 = 0
  /// Half precision.
  case f16 = 1
  /// Blocks of 4 bits and a scale.
  case q4_0 = 2
  /// Blocks of 4 bits, a scale and a minimum.
  case q4_1 = 3
  /// Blocks of 8 bits and a scale.
  case q8_0 = 8
  /// The upper halves of Float32.
  case bf16 = 30

  /// Values in one block.
  public var blockLength: Int { blockEncoding == nil ? 1 : BlockEncoding.blockLength }

  /// Bytes of one block.
  public var blockSize: Int { blockEncoding?.blockSize ?? dtype.byteSize }

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
    guard let blockEncoding, let output = target.bindMemory(to: Float.self).baseAddress,
      let blocks = source.baseAddress
    else { return }
    blockEncoding.expand(blocks, count: source.count / blockSize, into: output)
  }

  /// The encoding as products read it, for one that is quantised.
  public var blockEncoding: BlockEncoding? {
    switch self {
    case .f32, .f16, .bf16: nil
    case .q4_0: .q4_0
    case .q4_1: .q4_1
    case .q8_0: .q8_0
    }
  }
}
