import CTensorKernels

/// How a quantised matrix stores its values: blocks of 32 or 256 along a row, with the names and the bytes of
/// GGUF.
///
/// Scales `d` and minima `m` are numbers of half precision. The types whose names end in `_k`, and `iq4_xs`,
/// have 256 values in a block, of which 16 or 32 share a small whole number `s` that multiplies `d`, and
/// where there are minima another, `t`, that multiplies `m`. Values have the bits of the `gguf` package's.
/// Source: ggml's `ggml-common.h` and `ggml-quants.c`.
public enum BlockEncoding: String, Sendable, CaseIterable {
  /// 4-bit numbers `q`; a value is `d (q − 8)`.
  case q4_0
  /// 4-bit numbers; a value is `d q + m`.
  case q4_1
  /// 5-bit numbers; a value is `d (q − 16)`.
  case q5_0
  /// 5-bit numbers; a value is `d q + m`.
  case q5_1
  /// Signed bytes; a value is `d q`.
  case q8_0
  /// 2-bit numbers, 4 bits of `s` and `t`; a value is `d s q − m t`.
  case q2_k
  /// 3-bit numbers, 6 bits of `s`; a value is `d (s − 32) (q − 4)`.
  case q3_k
  /// 4-bit numbers, 6 bits of `s` and `t`; a value is `d s q − m t`.
  case q4_k
  /// 5-bit numbers, 6 bits of `s` and `t`; a value is `d s q − m t`.
  case q5_k
  /// 6-bit numbers, a signed byte of `s`; a value is `d s (q − 32)`.
  case q6_k
  /// Signed bytes and `d` in Float32; a value is `d q`.
  case q8_k
  /// 4-bit indices of a table of sixteen bytes that lie closer together near zero; a value is `d` times one.
  case iq4_nl
  /// As ``iq4_nl``, with 6 bits of `s`; a value is `d (s − 32)` times an entry.
  case iq4_xs
  /// A power of two and 4-bit floating-point numbers (E2M1), the microscaling format of the Open Compute
  /// Project.
  case mxfp4

  /// The name that GGUF's tools print, such as `Q4_K`.
  public var name: String { rawValue.uppercased() }

  /// Values in one block.
  public var blockLength: Int { Int(tk_block_length(kernelCode)) }

  /// Bytes of one block.
  public var blockSize: Int { Int(tk_block_size(kernelCode)) }

  /// The number that ggml and the kernels know the type by.
  package var kernelCode: Int32 {
    let code =
      switch self {
      case .q4_0: TK_BLOCK_Q4_0
      case .q4_1: TK_BLOCK_Q4_1
      case .q5_0: TK_BLOCK_Q5_0
      case .q5_1: TK_BLOCK_Q5_1
      case .q8_0: TK_BLOCK_Q8_0
      case .q2_k: TK_BLOCK_Q2_K
      case .q3_k: TK_BLOCK_Q3_K
      case .q4_k: TK_BLOCK_Q4_K
      case .q5_k: TK_BLOCK_Q5_K
      case .q6_k: TK_BLOCK_Q6_K
      case .q8_k: TK_BLOCK_Q8_K
      case .iq4_nl: TK_BLOCK_IQ4_NL
      case .iq4_xs: TK_BLOCK_IQ4_XS
      case .mxfp4: TK_BLOCK_MXFP4
      }
    return Int32(code)
  }

  /// Expands whole blocks, ``blockLength`` values each.
  package func expand(_ blocks: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>) {
    tk_expand_blocks(kernelCode, Int64(count), blocks.assumingMemoryBound(to: UInt8.self), values)
  }

  /// Whether numbers can be rounded to this type here.
  package var canRound: Bool { tk_round_blocks(kernelCode, 0, nil, nil) != 0 }

  /// Rounds finite numbers to whole blocks, ``blockLength`` each, with the bits of ggml's reference
  /// quantisers.
  ///
  /// Source: `quantize_row_q8_0_ref` and `quantize_row_q4_0_ref` in ggml's `ggml-quants.c`.
  /// - Precondition: ``canRound``.
  package func round(
    _ values: UnsafePointer<Float>, count: Int, into blocks: UnsafeMutableRawPointer
  ) {
    let isRounded = tk_round_blocks(
      kernelCode, Int64(count), values, blocks.assumingMemoryBound(to: UInt8.self))
    tensorRequire(isRounded != 0, "BlockEncoding.round", "found \(name), expected Q8_0 or Q4_0")
  }

  /// Whether the values of whole blocks are finite.
  package func isFinite(_ blocks: UnsafeRawPointer, count: Int) -> Bool {
    tk_blocks_are_finite(kernelCode, Int64(count), blocks.assumingMemoryBound(to: UInt8.self)) != 0
  }
}
