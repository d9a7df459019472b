import Tensor

/// How a GGUF file stores the elements of a tensor: ggml's types that are read, with their numbers.
///
/// What is in the blocks of a quantised one: `BlockEncoding`.
public enum GGUFEncoding: UInt32, Sendable, CaseIterable {
  /// Float32.
  case f32 = 0
  /// Half precision.
  case f16 = 1
  /// The upper halves of Float32.
  case bf16 = 30
  /// Blocks of 4 bits and a scale.
  case q4_0 = 2
  /// Blocks of 4 bits, a scale and a minimum.
  case q4_1 = 3
  /// Blocks of 5 bits and a scale.
  case q5_0 = 6
  /// Blocks of 5 bits, a scale and a minimum.
  case q5_1 = 7
  /// Blocks of 8 bits and a scale.
  case q8_0 = 8
  /// Blocks of 2 bits, with scales and minima within.
  case q2_k = 10
  /// Blocks of 3 bits, with scales within.
  case q3_k = 11
  /// Blocks of 4 bits, with scales and minima within.
  case q4_k = 12
  /// Blocks of 5 bits, with scales and minima within.
  case q5_k = 13
  /// Blocks of 6 bits, with scales within.
  case q6_k = 14
  /// Blocks of 8 bits and a scale in Float32.
  case q8_k = 15
  /// Blocks of 4 bits that stand for uneven steps, and a scale.
  case iq4_nl = 20
  /// Blocks of 4 bits that stand for uneven steps, with scales within.
  case iq4_xs = 23
  /// Blocks of 4-bit floating-point numbers and a power of two.
  case mxfp4 = 39

  private static let blockEncodings = Dictionary(
    uniqueKeysWithValues: BlockEncoding.allCases.map { (UInt32($0.kernelCode), $0) })

  /// The encoding as products read it, for one that is quantised.
  public var blockEncoding: BlockEncoding? { Self.blockEncodings[rawValue] }

  /// The name that GGUF's tools print, such as `Q4_K`.
  public var name: String { blockEncoding?.name ?? "\(self)".uppercased() }

  /// Values in one block.
  public var blockLength: Int { blockEncoding?.blockLength ?? 1 }

  /// Bytes of one block.
  public var blockSize: Int { blockEncoding?.blockSize ?? dtype.byteSize }

  /// The element type of the tensor that reading gives.
  public var dtype: DType {
    switch self {
    case .f16: .float16
    case .bf16: .bfloat16
    default: .float32
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
    guard let blockEncoding else {
      target.copyMemory(from: source)
      return
    }
    guard let output = target.bindMemory(to: Float.self).baseAddress, let blocks = source.baseAddress
    else { return }
    blockEncoding.expand(blocks, count: source.count / blockSize, into: output)
  }
}

extension GGUFEncoding {
  /// All types that are read, as a sentence lists them.
  static let list: String = {
    let names = allCases.map(\.name)
    return names.dropLast().joined(separator: ", ") + " or \(names[names.count - 1])"
  }()

  /// What a type that is not read is called: ggml's name, also of types that it has given up, or the number.
  static func name(ofUnread code: UInt32) -> String { unread[code].map { "type \($0)" } ?? "type \(code)" }

  /// Source: `enum ggml_type` in ggml's `ggml.h`.
  private static let unread: [UInt32: String] = [
    4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S",
    22: "IQ2_S", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 31: "Q4_0_4_4",
    32: "Q4_0_4_8", 33: "Q4_0_8_8", 34: "TQ1_0", 35: "TQ2_0", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8", 40: "NVFP4", 41: "Q1_0",
  ]
}
