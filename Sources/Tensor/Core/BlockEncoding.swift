import CTensorKernels

/// How a quantised matrix stores its values: blocks of 32 along a row, with the names and the bytes of GGUF.
///
/// A block begins with its scale `d` in half precision. Source: ggml's `ggml-common.h`.
public enum BlockEncoding: String, Sendable, CaseIterable {
  /// 16 bytes of two 4-bit numbers `q` each; a value is `d (q − 8)`.
  case q4_0
  /// A minimum `m` in half precision, then 16 bytes of two 4-bit numbers; a value is `d q + m`.
  case q4_1
  /// 32 signed bytes `q`; a value is `d q`.
  case q8_0

  /// Values in one block.
  public static let blockLength = 32

  /// Bytes of one block.
  public var blockSize: Int {
    switch self {
    case .q4_0: 18
    case .q4_1: 20
    case .q8_0: 34
    }
  }

  package var kernelCode: Int32 {
    switch self {
    case .q4_0: Int32(TK_BLOCK_Q4_0)
    case .q4_1: Int32(TK_BLOCK_Q4_1)
    case .q8_0: Int32(TK_BLOCK_Q8_0)
    }
  }

  /// Expands whole blocks, 32 values each.
  package func expand(_ blocks: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>) {
    tk_expand_blocks(kernelCode, Int64(count), blocks.assumingMemoryBound(to: UInt8.self), values)
  }
}
