import CTensorKernels

/// How exactly products of Float32 matrices are computed; the names are those of PyTorch's
/// `torch.set_float32_matmul_precision`.
public enum Float32MatmulPrecision: String, Sendable, CaseIterable {
  /// In Float32.
  case highest
  /// Large products round both matrices to bfloat16, whose mantissa has 8 bits, and sum in Float32; small
  /// ones stay as they are. What is stored, and every other operation, stays Float32.
  case medium

  /// What computes ``medium`` here.
  public enum Instructions: String, Sendable {
    /// AVX-512's dot products of pairs.
    case avx512BF16 = "AVX512-BF16"
    /// The tiles of the matrix extension.
    case amx = "AMX-BF16"
  }

  /// The instructions for ``medium`` on this processor and in this build; nil where there are none, and
  /// ``medium`` is computed as ``highest``.
  ///
  /// The two round alike on the way in but add in different orders: results differ in their last bits.
  public static let instructions: Instructions? =
    switch tk_bf16_product() {
    case Int32(TK_BF16_TILES): .amx
    case Int32(TK_BF16_PAIRS): .avx512BF16
    default: nil
    }

  /// What products of the calling thread follow now.
  public static var current: Float32MatmulPrecision {
    tk_matmul_precision() == 0 ? .highest : .medium
  }

  /// Runs `body` with ``medium`` computed by other instructions than the fastest, where there are both.
  package static func limited<Result>(to instructions: Instructions, _ body: () throws -> Result) rethrows
    -> Result
  {
    tk_limit_bf16_product(Int32(instructions == .amx ? TK_BF16_TILES : TK_BF16_PAIRS))
    defer { tk_limit_bf16_product(Int32(TK_BF16_TILES)) }
    return try body()
  }

  /// Whether packed products are computed in bfloat16 now.
  static var roundsPackedProducts: Bool { current == .medium && instructions != nil }
}

/// Runs `body` with products of Float32 matrices of the given precision; a backward pass has that of the
/// place where it runs.
///
/// The setting belongs to the calling thread and ends with the closure.
public func withFloat32MatmulPrecision<Result>(
  _ precision: Float32MatmulPrecision, _ body: () throws -> Result
) rethrows -> Result {
  let before = tk_matmul_precision()
  tk_set_matmul_precision(precision == .medium ? 1 : 0)
  defer { tk_set_matmul_precision(before) }
  return try body()
}
