import Foundation

extension UnsafeMutableRawPointer {
  /// Sets bytes to zero. Unoptimised Swift fills memory byte by byte, a hundred times as slowly.
  package func zero(byteCount: Int) {
    if byteCount > 0 { memset(self, 0, byteCount) }
  }
}

extension UnsafeMutablePointer where Pointee: BinaryFloatingPoint {
  /// Sets elements to +0, for the same reason not one by one.
  func zero(count: Int) {
    UnsafeMutableRawPointer(self).zero(byteCount: count * MemoryLayout<Pointee>.stride)
  }
}
