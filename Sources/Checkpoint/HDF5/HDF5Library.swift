import CMIAHDF5
import Foundation

/// The one door to libhdf5: a single lock, silent errors, and the error stack turned into text.
enum HDF5Library {
  private static let lock = NSRecursiveLock()

  /// Runs `body` while no other thread is inside libhdf5.
  static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    H5open()
    // The error stack, and whether it prints, belong to the thread.
    chdf5_silence_errors()
    return try body()
  }

  /// The library's own words for the last failure, and clears them.
  static func takeDescription() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      guard let text = buffer.baseAddress else { return "unknown HDF5 error" }
      chdf5_error_description(text)
      let description = String(cString: text)
      return description.isEmpty ? "unknown HDF5 error" : description
    }
  }

  /// The driver that new files are written with.
  static let outputDriver: hid_t = locked { chdf5_register_output_driver() }

  /// Turns an identifier into its closing counterpart for the time of `body`.
  static func using<Result>(
    _ identifier: hid_t, _ close: (hid_t) -> herr_t, orThrow error: (String) -> CheckpointError,
    _ body: (hid_t) throws -> Result
  ) throws -> Result {
    guard identifier >= 0 else { throw error(takeDescription()) }
    defer { _ = close(identifier) }
    return try body(identifier)
  }
}
