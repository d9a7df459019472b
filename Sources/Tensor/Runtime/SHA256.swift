import CTensorKernels

/// SHA-256 by the processor's own instructions.
package enum SHA256 {
  /// Adds whole blocks of 64 bytes to the eight words of a digest; false, with nothing done, where the
  /// processor has no instructions for it.
  /// - Parameter constants: the 64 of FIPS 180-4.
  package static func add(
    _ blocks: UnsafeRawBufferPointer, to state: inout [UInt32], constants: [UInt32]
  ) -> Bool {
    guard let start = blocks.baseAddress else { return true }
    return state.withUnsafeMutableBufferPointer {
      tk_sha256_blocks($0.baseAddress, constants, start, Int64(blocks.count / 64))
    }
  }
}
