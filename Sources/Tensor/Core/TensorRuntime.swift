import CTensorKernels
import Synchronization

/// Figures about the memory and the matrix library behind all tensors of the process.
public enum TensorRuntime {
  /// Bytes held by live tensors and scratch buffers.
  public static var bytesInUse: Int { tk_pool_read_statistics().bytes_in_use }

  /// Largest value of ``bytesInUse`` since the start or the last ``resetPeak()``.
  public static var peakBytes: Int { tk_pool_read_statistics().peak_bytes }

  /// Bytes of freed blocks that wait to be used again.
  public static var cachedBytes: Int { tk_pool_read_statistics().cached_bytes }

  /// Number of buffers handed out since the start.
  public static var allocationCount: Int { Int(tk_pool_read_statistics().allocations) }

  /// Number of buffers that had to come from the operating system.
  public static var systemAllocationCount: Int { Int(tk_pool_read_statistics().system_allocations) }

  /// Upper bound of ``cachedBytes``. Starts as half of the machine's memory.
  public static var cacheLimit: Int {
    get { tk_pool_cache_limit() }
    set { tk_pool_set_cache_limit(max(0, newValue)) }
  }

  /// Starts a new measurement of ``peakBytes``.
  public static func resetPeak() { tk_pool_reset_peak() }

  /// Gives the cached blocks back to the operating system.
  public static func trim() { tk_pool_trim() }

  /// Name of the CPU kernels OpenBLAS runs, such as `Cooperlake`.
  public static var blasCoreName: String { BLAS.coreName }

  /// OpenBLAS's own description of its version and build.
  public static var blasConfiguration: String { BLAS.configuration }

  private static let outOfMemory = Mutex<(@Sendable (TensorError) -> Never)?>(nil)

  /// Ends the program in its own way where no memory is left for a tensor, outside of
  /// ``withTensorErrors(_:)``; it traps otherwise. For programs, whose users should read a sentence.
  /// - Parameter end: called on the thread that needed the memory, perhaps by several at once.
  public static func endOutOfMemory(_ end: @escaping @Sendable (TensorError) -> Never) {
    outOfMemory.withLock { $0 = end }
  }

  /// Ends the program as it wants to, if it does.
  static func end(forLackOfMemory error: TensorError) { outOfMemory.withLock { $0 }?(error) }
}
