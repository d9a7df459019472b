import CTensorKernels

/// What went wrong in a tensor operation: its name and the shapes or values it met.
public struct TensorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operation, as called.
  public let operation: String
  /// What was found and what was expected.
  public let message: String

  /// Creates an error of an operation.
  public init(operation: String, message: String) {
    self.operation = operation
    self.message = message
  }

  public var description: String { "[\(operation)] \(message)" }
}

/// Ends the program, or the innermost ``withTensorErrors(_:)``: only a mistake in the calling program leads
/// here, never data from outside.
package func tensorFailure(_ operation: String, _ message: String) -> Never {
  let error = TensorError(failing: operation, message)
  TensorErrorScope.fail(error)
  if operation == MemoryPool.operation { TensorRuntime.end(forLackOfMemory: error) }
  fatalError(error.description)
}

extension TensorError {
  /// The error of the operation that the program called, where that is another one than the operation that
  /// failed in it.
  fileprivate init(failing operation: String, _ message: String) {
    let called = tk_operation().map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? operation
    self.init(operation: called, message: called == operation ? message : "\(message) (in \(operation))")
  }
}

/// Runs `body`, which is made of other operations, as the operation `name`: that is what its errors call it.
@inline(__always)
package func tensorOperation<Result, Failure: Error>(
  _ name: StaticString, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  if tk_operation() != nil { return try body() }
  tk_set_operation(name.utf8Start)
  defer { tk_set_operation(nil) }
  return try body()
}

/// Fails with the operation's name and a message unless `condition` holds.
@inline(__always)
package func tensorRequire(
  _ condition: Bool, _ operation: @autoclosure () -> String, _ message: @autoclosure () -> String
) {
  if !condition { tensorFailure(operation(), message()) }
}

/// As `tensorRequire`, for the forms of operations that throw.
@inline(__always)
package func tensorCheck(
  _ condition: Bool, _ operation: @autoclosure () -> String, _ message: @autoclosure () -> String
) throws(TensorError) {
  if !condition { throw TensorError(operation: operation(), message: message()) }
}

/// What `body` returns; an error it throws is a failed check.
@inline(__always)
func tensorChecked<Result>(_ body: () throws(TensorError) -> Result) -> Result {
  do throws(TensorError) { return try body() } catch { tensorFailure(error.operation, error.message) }
}

extension Tensor {
  /// The number of elements of a shape, or nil when an extent is negative or a product of extents does not
  /// fit into an `Int`.
  package static func elementCount(_ shape: [Int]) -> Int? {
    var product = 1
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: Swift.max(extent, 1))
      guard extent >= 0, !overflow else { return nil }
      product = next
    }
    return shape.contains(0) ? 0 : product
  }

  /// The sum of numbers that are not negative, or nil when it does not fit into an `Int`.
  package static func sum(of numbers: [Int]) -> Int? {
    var total = 0
    for number in numbers {
      let (next, overflow) = total.addingReportingOverflow(number)
      if overflow { return nil }
      total = next
    }
    return total
  }

  /// A tensor with every element set to `value`, for shapes that come from data.
  /// - Throws: ``TensorError`` when an extent is negative or the elements would take more than `limit` bytes.
  public static func full(
    validating shape: [Int], _ value: Double, dtype: DType = .float32, limit: Int = 1 << 40
  ) throws -> Tensor {
    guard let count = elementCount(shape), count <= limit / dtype.byteSize else {
      throw TensorError(
        operation: "full", message: "shape \(shape) of \(dtype) is no shape of at most \(limit) bytes")
    }
    return full(shape, value, dtype: dtype)
  }

  /// As ``reshaped(_:)``, for shapes that come from data.
  /// - Throws: ``TensorError`` when the shape has another number of elements.
  public func reshaped(validating newShape: [Int]) throws -> Tensor {
    let known = newShape.filter { $0 != -1 }
    let product = Tensor.elementCount(known)
    let fits =
      switch newShape.count - known.count {
      case 0: product == count
      case 1: product.map { $0 > 0 && count % $0 == 0 } ?? false
      default: false
      }
    guard fits else {
      throw TensorError(
        operation: "reshaped", message: "\(shape) has \(count) elements, \(newShape) does not fit")
    }
    return reshaped(newShape)
  }

  /// The shape that two shapes are broadcast to, for shapes that come from data.
  /// - Throws: ``TensorError`` with both shapes when they do not fit.
  public static func broadcastShape(validating a: [Int], _ b: [Int]) throws -> [Int] {
    let (long, short) = a.count >= b.count ? (a, b) : (b, a)
    var result = long
    for (offset, extent) in short.reversed().enumerated() {
      let axis = long.count - 1 - offset
      guard extent == long[axis] || extent == 1 || long[axis] == 1 else {
        throw TensorError(
          operation: "broadcastShape", message: "shapes \(a) and \(b) cannot be broadcast")
      }
      if result[axis] == 1 { result[axis] = extent }
    }
    return result
  }
}
