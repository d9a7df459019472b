import Tensor

/// A call of one of PyTorch's operators. Arguments are asked for by their position and their name, as Python
/// takes them either way.
struct TorchCall: Sendable, CustomStringConvertible {
  let entry: String
  let arguments: [TorchArgument]
  let keywords: [String: TorchArgument]

  var description: String {
    let named = keywords.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "\(entry)(\((arguments.map(\.description) + named).joined(separator: ", ")))"
  }

  /// An argument, nil where there is none or it is `None`.
  subscript(_ position: Int, _ name: String) -> TorchArgument? {
    let found = keywords[name] ?? (arguments.indices.contains(position) ? arguments[position] : nil)
    if case .none? = found { return nil }
    return found
  }

  private func wrong(_ position: Int, _ name: String, _ expected: String) -> TorchCallError {
    .unwritable("`\(name)` is \(self[position, name]?.description ?? "missing"), not \(expected)")
  }

  func optionalTensor(_ position: Int, _ name: String) throws -> Tensor? {
    switch self[position, name] {
    case nil: return nil
    case .tensor(let tensor)?: return tensor
    default: throw wrong(position, name, "a tensor")
    }
  }

  func tensor(_ position: Int = 0, _ name: String = "input") throws -> Tensor {
    guard let tensor = try optionalTensor(position, name) else { throw wrong(position, name, "a tensor") }
    return tensor
  }

  /// A list of tensors, written as one or as all arguments.
  func tensors(_ position: Int = 0, _ name: String = "tensors") throws -> [Tensor] {
    let elements: [TorchArgument]
    if case .list(let list)? = self[position, name] {
      elements = list
    } else {
      elements = Array(arguments.dropFirst(position))
    }
    return try elements.map {
      guard case .tensor(let tensor) = $0 else { throw wrong(position, name, "a list of tensors") }
      return tensor
    }
  }

  func optionalInteger(_ position: Int, _ name: String) throws -> Int? {
    switch self[position, name] {
    case nil: return nil
    case .integer(let value)?: return value
    case .list(let elements)? where elements.count == 1:
      guard case .integer(let value) = elements[0] else { throw wrong(position, name, "an integer") }
      return value
    default: throw wrong(position, name, "an integer")
    }
  }

  func integer(_ position: Int, _ name: String, default value: Int? = nil) throws -> Int {
    guard let found = try optionalInteger(position, name) ?? value else {
      throw wrong(position, name, "an integer")
    }
    return found
  }

  func optionalIntegers(_ position: Int, _ name: String) throws -> [Int]? {
    guard let argument = self[position, name] else { return nil }
    guard let numbers = argument.integers else { throw wrong(position, name, "integers") }
    return numbers
  }

  func integers(_ position: Int, _ name: String) throws -> [Int] {
    guard let numbers = try optionalIntegers(position, name) else {
      throw wrong(position, name, "integers")
    }
    return numbers
  }

  /// Integers written as one list or as all arguments that are left.
  func remainingIntegers(_ position: Int, _ name: String) throws -> [Int] {
    guard keywords[name] == nil, case .integer? = self[position, name] else {
      return try integers(position, name)
    }
    return try arguments.dropFirst(position).map {
      guard case .integer(let value) = $0 else { throw wrong(position, name, "integers") }
      return value
    }
  }

  /// Two numbers; one counts for both.
  func pair(_ position: Int, _ name: String, default value: Int? = nil) throws -> (Int, Int) {
    guard let numbers = try optionalIntegers(position, name), !numbers.isEmpty else {
      guard let value else { throw wrong(position, name, "one or two integers") }
      return (value, value)
    }
    guard numbers.count <= 2 else { throw wrong(position, name, "one or two integers") }
    return (numbers[0], numbers[numbers.count - 1])
  }

  func optionalReal(_ position: Int, _ name: String) throws -> Double? {
    switch self[position, name] {
    case nil: return nil
    case .integer(let value)?: return Double(value)
    case .real(let value)?: return value
    case .flag(let value)?: return value ? 1 : 0
    default: throw wrong(position, name, "a number")
    }
  }

  func real(_ position: Int, _ name: String, default value: Double? = nil) throws -> Double {
    guard let found = try optionalReal(position, name) ?? value else {
      throw wrong(position, name, "a number")
    }
    return found
  }

  func flag(_ position: Int, _ name: String, default value: Bool = false) throws -> Bool {
    switch self[position, name] {
    case nil: return value
    case .flag(let flag)?: return flag
    case .integer(let number)?: return number != 0
    default: throw wrong(position, name, "a truth value")
    }
  }

  func text(_ position: Int, _ name: String, default value: String) throws -> String {
    switch self[position, name] {
    case nil: return value
    case .text(let text)?: return text
    default: throw wrong(position, name, "a text")
    }
  }

  func type(_ position: Int, _ name: String = "dtype") throws -> DType? {
    switch self[position, name] {
    case nil: return nil
    case .type(let type)?: return type
    default: throw wrong(position, name, "a type")
    }
  }

  /// The axes to reduce, nil for all: PyTorch takes an empty list for all of them, too.
  func axes(_ position: Int = 1, _ name: String = "dim") throws -> [Int]? {
    guard let axes = try optionalIntegers(position, name), !axes.isEmpty else { return nil }
    return axes
  }

  /// A number as a Swift number of its kind.
  func number(_ position: Int, _ name: String) throws -> any TensorScalar {
    guard let number = self[position, name]?.number else { throw wrong(position, name, "a number") }
    return number
  }

  /// Fails unless an argument is absent.
  func requireAbsent(_ position: Int, _ name: String) throws {
    if self[position, name] != nil { throw TorchCallError.noCounterpart("`\(name)`") }
  }
}

/// Why a call of PyTorch's is none of ours.
enum TorchCallError: Error, CustomStringConvertible {
  /// Swift's types have no room for it: a text where an integer stands.
  case unwritable(String)
  /// The library has no such feature.
  case noCounterpart(String)

  var description: String {
    switch self {
    case .unwritable(let what): "cannot be written in Swift: \(what)"
    case .noCounterpart(let what): "no counterpart: \(what)"
    }
  }
}
