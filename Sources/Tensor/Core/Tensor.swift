import CTensorKernels

/// An n-dimensional array with gradients.
///
/// A tensor is a value: assigning it copies nothing, and writing to one copy never changes another
/// (copy-on-write). Slices, transposes and expansions are views of the same memory. Any operation on a tensor
/// that requires a gradient is recorded, and ``backward(keepingGraph:)`` walks the record back:
///
///     let w = Tensor([1, 2, 3] as [Float]).requiringGradient()
///     let loss = (w * w).sum()
///     let gradients = loss.backward()
///     gradients[w]!            // [2, 4, 6]
///
/// Tensors can be sent between tasks: memory that more than one tensor refers to is never written, and
/// records that tasks share are guarded. A record can be walked back by several tasks when each keeps it
/// (`keepingGraph: true`).
public struct Tensor: @unchecked Sendable {
  package var storage: TensorStorage
  /// The extent of every axis; empty for a scalar.
  public internal(set) var shape: [Int]
  /// The distance in elements between neighbours along every axis; 0 for an expanded axis, negative for a
  /// flipped one.
  public internal(set) var strides: [Int]
  /// The position in `storage` of the first element, in elements.
  package var offset: Int
  /// The type of the elements.
  public let dtype: DType
  /// The record of how this tensor was computed; nil for constants.
  package var node: GradientNode?

  package init(storage: TensorStorage, shape: [Int], strides: [Int], offset: Int, dtype: DType) {
    self.storage = storage
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.dtype = dtype
  }

  /// A contiguous tensor whose elements are not initialised.
  /// - Parameter function: what asks for it, which a ``Profile`` names.
  package init(uninitialized shape: [Int], dtype: DType, by function: StaticString = #function) {
    guard let count = Self.elementCount(shape), count <= (1 << 47) / dtype.byteSize else {
      tensorFailure("Tensor", "extents must not be negative or beyond all memory, found shape \(shape)")
    }
    if Profile.isRecording { Profile.allocates(shape, dtype, by: function) }
    self.init(
      storage: TensorStorage(byteCount: count * dtype.byteSize), shape: shape,
      strides: Self.contiguousStrides(shape), offset: 0, dtype: dtype)
  }

  /// A tensor whose values nothing may read: a file will replace it (see
  /// ``TensorStorage/placeholder(byteCount:)``).
  package init(placeholder shape: [Int], dtype: DType) {
    guard let count = Self.elementCount(shape), count <= (1 << 47) / dtype.byteSize else {
      tensorFailure("Tensor", "extents must not be negative or beyond all memory, found shape \(shape)")
    }
    self.init(
      storage: .placeholder(byteCount: count * dtype.byteSize), shape: shape,
      strides: Self.contiguousStrides(shape), offset: 0, dtype: dtype)
  }

  /// A constant contiguous tensor over memory that `owner` keeps alive, such as a mapped file; copied before
  /// it is written to.
  package init(
    borrowing bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, owner: AnyObject
  ) {
    let needed = Self.elementCount(shape).map { $0 * dtype.byteSize }
    tensorRequire(
      needed == bytes.count, "Tensor", "shape \(shape) of \(dtype) does not fit \(bytes.count) bytes")
    guard let start = bytes.baseAddress else {
      self.init(uninitialized: shape, dtype: dtype)
      return
    }
    self.init(
      storage: TensorStorage(
        borrowing: UnsafeMutableRawPointer(mutating: start), byteCount: bytes.count, owner: owner),
      shape: shape, strides: Self.contiguousStrides(shape), offset: 0, dtype: dtype)
  }

  /// The number of axes.
  public var rank: Int { shape.count }

  /// The number of elements.
  /// - Complexity: O(rank).
  public var count: Int { shape.reduce(1, *) }

  /// Whether the elements lie one after the other in C order.
  /// - Complexity: O(rank).
  public var isContiguous: Bool {
    var expected = 1
    for axis in stride(from: shape.count - 1, through: 0, by: -1) {
      if shape[axis] == 0 { return true }
      if shape[axis] != 1 {
        if strides[axis] != expected { return false }
        expected *= shape[axis]
      }
    }
    return true
  }

  package static func contiguousStrides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * Swift.max(shape[axis + 1], 1)
    }
    return strides
  }

  /// The first element's address: the door through which typed kernels get at memory. The tensor must have a
  /// name: an unnamed one may be released, and its memory given to another thread, before the address is used
  /// (`scripts/lint` looks).
  /// - Precondition: the element type is the tensor's; see ``DType/isStored(as:)``.
  @inline(__always)
  package func pointer<T>(_: T.Type = T.self) -> UnsafeMutablePointer<T> {
    if !dtype.isStored(as: T.self) { failDoor("\(T.self)") }
    return storage.pointer.assumingMemoryBound(to: T.self) + offset
  }

  @inline(never)
  private func failDoor(_ type: String) -> Never {
    tensorFailure("Tensor", "a kernel of \(type) was given \(dtype) \(shape)")
  }

  /// The first element's address, untyped: for kernels that are told the type, or only move bytes.
  package var rawPointer: UnsafeMutableRawPointer { storage.pointer + offset * dtype.byteSize }

  /// The same elements one after the other in C order: `self` if they are already, else a copy.
  /// - Complexity: O(count) when a copy is needed.
  public func contiguous() -> Tensor {
    if isContiguous { return self }
    return recorded("contiguous", from: self, materialized()) { gradient, _ in gradient }
  }

  /// A contiguous copy without a record.
  package func materialized() -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: dtype)
    copyElements(to: result)
    return result
  }

  /// The axis counted from the front, given one that may count from the back.
  package func normalizedAxis(_ axis: Int, _ operation: @autoclosure () -> String, rank: Int? = nil) -> Int {
    let rank = rank ?? self.rank
    let result = axis < 0 ? axis + rank : axis
    tensorRequire(
      result >= 0 && result < rank, operation(), "axis \(axis) is out of range for shape \(shape)")
    return result
  }
}
