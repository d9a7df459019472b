import Tensor

/// A call by name: what it is given.
struct Call: Sendable {
  let name: String
  let operands: [ArrayValue]
  let attributes: Attributes

  func fail(_ message: String) -> TensorError { TensorError(operation: name, message: message) }

  /// Operand `index`, of either kind.
  func value(_ index: Int = 0) throws -> ArrayValue {
    guard operands.indices.contains(index) else {
      throw fail("needs \(index + 1) operands, found \(operands.count)")
    }
    return operands[index]
  }

  /// Operand `index`, which must be real.
  func real(_ index: Int = 0) throws -> Tensor {
    guard case .real(let x) = try value(index) else { throw fail("is not there for complex numbers") }
    return x
  }

  /// All operands, which must be real.
  func reals() throws -> [Tensor] { try operands.indices.map { try real($0) } }

  /// Whether an operand is complex, and then all count as complex.
  var isComplex: Bool { operands.contains { if case .complex = $0 { true } else { false } } }

  /// The attribute `axes`, or `axis` alone; nil for all.
  func axes() throws -> [Int]? {
    if let axes = try attributes.integers(ifAny: "axes") { return axes }
    return try attributes.integer(ifAny: "axis").map { [$0] }
  }

  /// The attribute `axis`.
  func axis() throws -> Int { try attributes.integer("axis") }

  func keepDims() throws -> Bool { try attributes.flag("keepdims") }
}

/// What a name in the table stands for.
typealias Operation = @Sendable (Call) throws -> [ArrayValue]

/// All operations by name.
enum OperationTable {
  static let all: [String: Operation] = {
    let parts = [
      elementwise, pairs, complex, reductions, order, layout, creation, linearAlgebra, fourier,
    ]
    return parts.reduce(into: [:]) { table, part in
      table.merge(part) { _, _ in tensorFailure("OperationTable", "two operations have one name") }
    }
  }()

  /// An operation with one result.
  static func one(_ body: @escaping @Sendable (Call) throws -> ArrayValue) -> Operation {
    { [try body($0)] }
  }

  /// An operation on real numbers with one real result.
  static func real(_ body: @escaping @Sendable (Call) throws -> Tensor) -> Operation {
    { [.real(try body($0))] }
  }

  /// An operation with one complex result.
  static func complex(_ body: @escaping @Sendable (Call) throws -> ComplexTensor) -> Operation {
    { [.complex(try body($0))] }
  }

  /// A function of one real tensor.
  static func unary(_ body: @escaping @Sendable (Tensor) -> Tensor) -> Operation {
    { [.real(body(try $0.real()))] }
  }

  /// A function of one tensor of either kind.
  static func unary(
    _ body: @escaping @Sendable (Tensor) -> Tensor,
    _ ofComplex: @escaping @Sendable (ComplexTensor) -> ComplexTensor
  ) -> Operation {
    { call in
      switch try call.value() {
      case .real(let x): [.real(body(x))]
      case .complex(let z): [.complex(ofComplex(z))]
      }
    }
  }

  /// A function of two real tensors.
  static func binary(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor) -> Operation {
    { [.real(body(try $0.real(0), try $0.real(1)))] }
  }

  /// A function of two tensors of either kind.
  static func binary(
    _ body: @escaping @Sendable (Tensor, Tensor) -> Tensor,
    _ ofComplex: @escaping @Sendable (ComplexTensor, ComplexTensor) -> ComplexTensor
  ) -> Operation {
    { call in
      if call.isComplex {
        return [.complex(ofComplex(try call.value(0).asComplex, try call.value(1).asComplex))]
      }
      return [.real(body(try call.real(0), try call.real(1)))]
    }
  }

  /// A function that moves elements of one tensor, of either kind.
  static func moving(_ body: @escaping @Sendable (Call, Tensor) throws -> Tensor) -> Operation {
    { call in [try call.value().moved { try body(call, $0) }] }
  }
}
