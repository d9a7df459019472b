/// The memory behind one or more tensors: 64-byte aligned bytes from the pool.
///
/// A storage is shared by all views of it and is written to only while exactly one tensor refers to it
/// (copy-on-write), which is what makes ``Tensor`` safe to send between tasks.
package final class TensorStorage: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  private let owner: AnyObject?

  /// Takes uninitialised memory from the pool.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    pointer = MemoryPool.allocate(byteCount: byteCount)
    owner = nil
  }

  /// Refers to memory that `owner` keeps alive, such as a mapped file; never written to.
  package init(borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.owner = owner
  }

  /// Whether the memory belongs to somebody else and must be copied before writing.
  package var isBorrowed: Bool { owner != nil }

  deinit {
    if owner == nil { MemoryPool.release(pointer, byteCount: byteCount) }
  }
}
