/// The memory behind one or more tensors: 64-byte aligned bytes from the pool.
///
/// A storage is shared by all views of it and is written to only while exactly one tensor refers to it
/// (copy-on-write), which is what makes ``Tensor`` safe to send between tasks.
package final class TensorStorage: @unchecked Sendable {
  private let memory: UnsafeMutableRawPointer
  package let byteCount: Int
  private let owner: AnyObject?
  /// The exact number that the memory holds rounded to a Float, when the program wrote it as a literal.
  package let number: TensorNumber?
  /// Set while a body of ``withTensorErrors(_:)`` makes the storage.
  private let resource: ScopedResource?

  /// Where the bytes are: the one way to them.
  package var pointer: UnsafeMutableRawPointer {
    if let resource, !resource.isThere() {
      tensorFailure(
        "Tensor", "the memory of this tensor was given back: a body of withTensorErrors made it and failed")
    }
    return memory
  }

  /// Takes uninitialised memory from the pool.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    memory = MemoryPool.allocate(byteCount: byteCount)
    owner = nil
    resource = .memory(memory, byteCount: byteCount)
    number = nil
  }

  /// Memory for one Float; never written to after it has its value, so that it stays the number's.
  package init(remembering number: TensorNumber) {
    byteCount = MemoryLayout<Float>.size
    memory = MemoryPool.allocate(byteCount: byteCount)
    owner = nil
    resource = .memory(memory, byteCount: byteCount)
    self.number = number
  }

  /// Refers to memory that `owner` keeps alive, such as a mapped file; never written to.
  package init(borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    memory = pointer
    self.byteCount = byteCount
    self.owner = owner
    resource = nil
    number = nil
  }

  /// Whether the memory belongs to somebody else, or to a literal, and must be copied before writing.
  package var isBorrowed: Bool { owner != nil || number != nil }

  /// Makes the memory outlast the body of ``withTensorErrors(_:)`` that made it, if the record of `holder`,
  /// which refers to it from now on, does.
  package func outlast(with holder: GradientNode) {
    if !ScopedResource.isShared(resource, holder.resource) { resource?.keep() }
  }

  deinit {
    if resource?.keep() ?? true, owner == nil { MemoryPool.release(memory, byteCount: byteCount) }
  }
}
