import Tensor

/// Memory of somebody else, described as C describes it: a first element, extents and distances.
struct ForeignMemory: @unchecked Sendable {
  let type: ElementType
  let shape: [Int]
  let strides: [Int]
  let first: UnsafeRawPointer?

  /// - Parameter strides: in elements; nil for C order.
  /// - Throws: ``TensorError`` where no memory can look like this.
  init(
    type: ElementType, rank: Int32, shape: UnsafePointer<Int64>?, strides: UnsafePointer<Int64>?,
    first: UnsafeRawPointer?, _ operation: String
  ) throws {
    func fail(_ message: String) -> TensorError { TensorError(operation: operation, message: message) }
    guard rank >= 0, rank <= 64 else { throw fail("a rank is 0 to 64, found \(rank)") }
    guard rank == 0 || shape != nil else { throw fail("\(rank) axes without a shape") }
    let extents = (0..<Int(rank)).map { Int(shape![$0]) }
    guard extents.allSatisfy({ $0 >= 0 }) else {
      throw fail("extents must not be negative, found \(extents)")
    }
    var distances = (0..<Int(rank)).map { strides == nil ? 0 : Int(strides![$0]) }
    if strides == nil {
      var step = 1
      for axis in extents.indices.reversed() {
        distances[axis] = step
        let (product, overflows) = step.multipliedReportingOverflow(by: Swift.max(extents[axis], 1))
        guard !overflows else { throw fail("shape \(extents) is beyond all memory") }
        step = product
      }
    }
    guard let span = Self.span(extents, distances), span.count < (1 << 47) / type.byteSize else {
      throw fail("shape \(extents) with strides \(distances) is beyond all memory")
    }
    guard first != nil || extents.contains(0) else { throw fail("\(extents) elements at NULL") }
    (self.type, self.shape, self.strides, self.first) = (type, extents, distances, first)
  }

  /// The elements that are reached, counted from the first one; nil beyond what an Int counts.
  private static func span(_ shape: [Int], _ strides: [Int]) -> Range<Int>? {
    if shape.contains(0) { return 0..<0 }
    var (low, high) = (0, 0)
    var count = 1
    for (extent, stride) in zip(shape, strides) {
      let (reach, overflows) = stride.multipliedReportingOverflow(by: extent - 1)
      let (product, grows) = count.multipliedReportingOverflow(by: extent)
      guard !overflows, !grows, reach.magnitude < 1 << 56, product < 1 << 47 else { return nil }
      count = product
      if reach < 0 { low += reach } else { high += reach }
    }
    return low..<high + 1
  }

  /// Whether the elements lie where the kernels can read them.
  var isAligned: Bool {
    let size =
      switch type {
      case .real(let type): type.byteSize
      case .complex(let type): type.partType.byteSize
      }
    return UInt(bitPattern: first) % UInt(size) == 0
  }

  /// A value over this memory, which `owner` keeps alive; it is never written to.
  func borrowed(owner: AnyObject) -> ArrayValue {
    guard let first, let span = Self.span(shape, strides), !span.isEmpty else {
      return .empty(shape, type)
    }
    let start = UnsafeMutableRawPointer(mutating: first) + span.lowerBound * type.byteSize
    func view(_ type: DType, every step: Int, from part: Int) -> Tensor {
      let storage = TensorStorage(
        borrowing: start, byteCount: span.count * step * type.byteSize, owner: owner)
      return Tensor(
        storage: storage, shape: shape, strides: strides.map { $0 * step },
        offset: -span.lowerBound * step + part, dtype: type)
    }
    switch type {
    case .real(let type): return .real(view(type, every: 1, from: 0))
    case .complex(let type):
      let (a, b) = (view(type.partType, every: 2, from: 0), view(type.partType, every: 2, from: 1))
      return .complex(ComplexTensor(real: a, imaginary: b))
    }
  }

  /// A value with a copy of this memory, wherever its elements lie.
  func copied() -> ArrayValue {
    guard isAligned else { return copiedByBytes() }
    return borrowed(owner: Nobody()).moved { $0.materialized() }
  }

  /// For elements at odd addresses: moved as bytes, which lie everywhere.
  private func copiedByBytes() -> ArrayValue {
    let size = type.byteSize
    let count = shape.reduce(1, *)
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: Swift.max(count * size, 1), alignment: 16)
    defer { bytes.deallocate() }
    for number in 0..<count {
      var (rest, place) = (number, 0)
      for axis in shape.indices.reversed() {
        place += rest % shape[axis] * strides[axis]
        rest /= shape[axis]
      }
      (bytes + number * size).copyMemory(from: first! + place * size, byteCount: size)
    }
    let moved = ForeignMemory(type: type, shape: shape, first: bytes)
    return moved.borrowed(owner: Nobody()).moved { $0.materialized() }
  }

  private init(type: ElementType, shape: [Int], first: UnsafeRawPointer) {
    (self.type, self.shape, self.first) = (type, shape, first)
    strides = Tensor.contiguousStrides(shape)
  }
}

/// The owner of memory that is copied at once.
private final class Nobody {}

extension ArrayValue {
  /// A value without elements.
  static func empty(_ shape: [Int], _ type: ElementType) -> ArrayValue {
    switch type {
    case .real(let type): .real(Tensor.zeros(shape, dtype: type))
    case .complex(let type): .complex(ComplexTensor.zeros(shape, dtype: type))
    }
  }
}
