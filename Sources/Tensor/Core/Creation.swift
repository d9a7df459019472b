import CTensorKernels

extension Tensor {
  /// A tensor with the given elements in C order.
  /// - Parameters:
  ///   - scalars: the elements.
  ///   - shape: their shape; one axis when omitted.
  /// - Precondition: the shape has as many elements as `scalars`; for shapes that come from data use
  ///   ``init(validating:shape:)``.
  public init<Scalar: TensorScalar>(_ scalars: [Scalar], shape: [Int]? = nil) {
    let shape = shape ?? [scalars.count]
    tensorRequire(
      shape.allSatisfy { $0 >= 0 }, "Tensor",
      "shape \(shape) has a negative extent: reshaped(_:) finds one that is left out")
    tensorRequire(
      Self.elementCount(shape) == scalars.count, "Tensor",
      "shape \(shape) needs \(Self.elementCount(shape).map { "\($0)" } ?? "too many") elements, "
        + "found \(scalars.count)")
    self.init(uninitialized: shape, dtype: Scalar.dtype)
    scalars.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }
    Profile.written()
  }

  /// A tensor with the given elements in C order, for shapes that come from data.
  /// - Throws: ``TensorError`` when the shape does not have as many elements as `scalars`.
  public init<Scalar: TensorScalar>(validating scalars: [Scalar], shape: [Int]) throws {
    guard Self.elementCount(shape) == scalars.count else {
      throw TensorError(
        operation: "Tensor", message: "shape \(shape) does not fit \(scalars.count) elements")
    }
    self.init(scalars, shape: shape)
  }

  /// A tensor without axes that holds one number, as float32 (a `Bool` as bool) unless said otherwise.
  /// Without a type it counts as the number itself beside other tensors, and conversions of it are exact.
  /// - Precondition: `dtype`, when it is an integer type, holds the number.
  public init<Scalar: TensorScalar>(_ value: Scalar, dtype: DType? = nil) {
    let number = TensorNumber(value)
    let type = dtype ?? TensorNumber.fillType(Scalar.self)
    self = dtype == nil && type == .float32 ? Tensor(remembering: number) : number.tensor(as: type, "Tensor")
  }

  /// The whole numbers of a range, int64.
  public init(_ range: Range<Int>) { self.init(Array(range)) }

  /// A contiguous tensor whose bytes `body` writes.
  package init(
    shape: [Int], dtype: DType, initializingBytesWith body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    self.init(uninitialized: shape, dtype: dtype)
    try body(UnsafeMutableRawBufferPointer(start: storage.pointer, count: count * dtype.byteSize))
    Profile.written()
  }

  /// A tensor with every element set to `value`, as float32 (a `Bool` as bool) unless said otherwise.
  /// - Precondition: `dtype`, when it is an integer type, holds the number; what comes after its point is
  ///   cut.
  public static func full<Scalar: TensorScalar>(_ shape: [Int], _ value: Scalar, dtype: DType? = nil)
    -> Tensor
  {
    full(shape, number: TensorNumber(value), dtype: dtype ?? TensorNumber.fillType(Scalar.self))
  }

  /// A tensor with every element set to `value`, as float32 unless said otherwise.
  /// - Precondition: `dtype`, when it is an integer type, holds the number; what comes after its point is
  ///   cut.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32) -> Tensor {
    full(shape, number: TensorNumber(value), dtype: dtype)
  }

  private static func full(_ shape: [Int], number: TensorNumber, dtype: DType) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: dtype)
    let value = number.tensor(as: dtype, "full")
    let size = dtype.byteSize
    let (element, elements) = (value.rawPointer, result.rawPointer)
    Threads.parallel(result.count, grain: 1 << 16) { range in
      tk_copy_strided(
        Int32(size), Int64(range.count), element, 0, elements + range.lowerBound * size, 1)
    }
    Profile.written()
    return result
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: dtype)
    let start = result.storage.pointer
    Threads.parallel(result.count * dtype.byteSize, grain: 1 << 19) { range in
      (start + range.lowerBound).zero(byteCount: range.count)
    }
    Profile.written()
    return result
  }

  /// A tensor of ones.
  public static func ones(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    full(shape, 1, dtype: dtype)
  }

  /// The numbers `0, 1, …, count − 1`, shape `[count]`.
  public static func arange(_ count: Int, dtype: DType = .int64) -> Tensor {
    tensorRequire(count >= 0, "arange", "the count must not be negative, found \(count)")
    return tensorOperation("arange") { counting(count, from: 0, by: 1, dtype: dtype) }
  }

  /// The identity matrix, shape `[size, size]`.
  public static func eye(_ size: Int, dtype: DType = .float32) -> Tensor {
    tensorRequire(size >= 0, "eye", "the size must not be negative, found \(size)")
    let result = tensorOperation("eye") { zeros([size, size], dtype: dtype) }
    if size > 0 { ones([size], dtype: dtype).write(into: result.diagonal()) }
    return result
  }

  /// The elements in C order, converted to the given Swift type.
  /// - Complexity: O(count).
  public func array<Scalar: TensorScalar>(of _: Scalar.Type = Scalar.self) -> [Scalar] {
    UserDerivative.noteRead(self)
    let source = to(Scalar.dtype).detached().contiguous()
    return [Scalar](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0 {
        buffer.baseAddress!.initialize(from: source.pointer(Scalar.self), count: count)
      }
      initialized = count
    }
  }

  /// The value of the only element; for an integer that no Double holds, use ``item(of:)``.
  /// - Precondition: the tensor has exactly one element, and a Double holds its value.
  public func item() -> Double {
    tensorRequire(count == 1, "item", "needs exactly one element, found shape \(shape)")
    UserDerivative.noteRead(self)
    func read<Scalar: TensorScalar>(_: Scalar.Type) -> Double {
      let value = pointer(Scalar.self).pointee
      tensorRequire(
        value.asInteger.map { $0 == Int128(exactly: value.asDouble) } ?? true, "item",
        "no Double is \(value): item(of: Int.self) reads it")
      return value.asDouble
    }
    return dtype.withScalarType { read($0) }
  }

  /// The value of the only element as the given Swift type, converted as ``to(_:)`` does.
  /// - Precondition: the tensor has exactly one element.
  public func item<Scalar: TensorScalar>(of _: Scalar.Type) -> Scalar {
    tensorRequire(count == 1, "item", "needs exactly one element, found shape \(shape)")
    UserDerivative.noteRead(self)
    let converted = detached().to(Scalar.dtype)
    return withExtendedLifetime(converted) { converted.pointer(Scalar.self).pointee }
  }
}
