import Tensor

/// Computes the results of a node.
typealias OnnxOperator = @Sendable (NodeCall) throws -> [Tensor]

/// A node with the tensors that it is given.
struct NodeCall: Sendable {
  let node: OnnxNode
  /// What it is given; nil for an input that is left out.
  let inputs: [Tensor?]
  /// The version of the operator set.
  let version: Int
  /// Computes a graph that the node has as an attribute, which sees the values around the node.
  let run: @Sendable (OnnxGraph, [Tensor]) throws -> [Tensor]

  /// An input that has to be there.
  func tensor(_ index: Int = 0) throws -> Tensor {
    guard let tensor = optional(index) else { throw OnnxError("\(node.operation) has no input \(index)") }
    return tensor
  }

  /// An input, if it is there.
  func optional(_ index: Int) -> Tensor? { inputs.indices.contains(index) ? inputs[index] : nil }

  /// All inputs of an operator with any number of them, at least one.
  func tensors() throws -> [Tensor] {
    guard !inputs.isEmpty else { throw OnnxError("\(node.operation) has no inputs") }
    return try inputs.indices.map { try tensor($0) }
  }

  /// Whether somebody needs a result.
  func needs(_ output: Int) -> Bool { node.outputs.indices.contains(output) && !node.outputs[output].isEmpty }

  func has(_ key: String) -> Bool { node.attributes[key] != nil }

  func real(_ key: String, default value: Double? = nil) throws -> Double {
    switch node.attributes[key] {
    case .real(let number)?: return Double(number)
    case nil where value != nil: return value!
    default: throw OnnxError("\(node.operation): no number `\(key)`")
    }
  }

  func integer(_ key: String, default value: Int? = nil) throws -> Int {
    switch node.attributes[key] {
    case .integer(let number)?: return number
    case nil where value != nil: return value!
    default: throw OnnxError("\(node.operation): no integer `\(key)`")
    }
  }

  func flag(_ key: String, default value: Bool = false) throws -> Bool {
    try integer(key, default: value ? 1 : 0) != 0
  }

  func text(_ key: String, default value: String? = nil) throws -> String {
    switch node.attributes[key] {
    case .text(let text)?: return text
    case nil where value != nil: return value!
    default: throw OnnxError("\(node.operation): no text `\(key)`")
    }
  }

  /// A list of integers; nil where it is missing.
  func integers(_ key: String) throws -> [Int]? {
    switch node.attributes[key] {
    case .integers(let numbers)?: return numbers
    case nil: return nil
    default: throw OnnxError("\(node.operation): `\(key)` is no list of integers")
    }
  }

  /// Small positive numbers, as many as there are spatial axes: kernels, strides, dilations.
  func extents(_ key: String, count: Int, default value: Int? = nil) throws -> [Int] {
    guard let numbers = try integers(key) ?? value.map({ [Int](repeating: $0, count: count) }),
      numbers.count == count, numbers.allSatisfy({ 1..<1 << 24 ~= $0 })
    else { throw OnnxError("\(node.operation): no \(count) extents `\(key)`") }
    return numbers
  }

  /// The integers of an input; nil where it is left out.
  func numbers(_ input: Int) throws -> [Int]? {
    guard let tensor = optional(input) else { return nil }
    guard !tensor.dtype.isFloatingPoint, tensor.count <= 1 << 24 else {
      throw OnnxError("\(node.operation): input \(input) of type \(tensor.dtype) holds no integers")
    }
    return tensor.array(of: Int64.self).map { Int($0) }
  }

  /// One integer of an input.
  func number(_ input: Int, default value: Int? = nil) throws -> Int {
    guard let numbers = try numbers(input) else {
      if let value { return value }
      throw OnnxError("\(node.operation) has no input \(input)")
    }
    guard numbers.count == 1 else { throw OnnxError("\(node.operation): input \(input) is no single number") }
    return numbers[0]
  }

  /// The truth value of an input; nil where it is left out.
  func truth(_ input: Int) throws -> Bool? {
    try optional(input) == nil ? nil : Self.truth(of: tensor(input))
  }

  /// The truth value that a tensor of one element holds.
  static func truth(of tensor: Tensor) throws -> Bool {
    guard tensor.dtype == .bool, tensor.count == 1 else {
      throw OnnxError("\(tensor.dtype) of shape \(tensor.shape) is no truth value")
    }
    return tensor.item(of: Bool.self)
  }

  /// A list that older versions have as an attribute, newer ones as an input.
  func list(_ key: String, input: Int) throws -> [Int]? { try integers(key) ?? numbers(input) }

  /// Axes from such a list, or all of them, counted from the front.
  func axes(_ key: String = "axes", input: Int, rank: Int) throws -> [Int]? {
    try list(key, input: input)?.map { try axis($0, rank: rank) }
  }

  /// An axis that may count from the back.
  func axis(_ number: Int, rank: Int) throws -> Int {
    let range = -rank..<rank
    guard range.contains(number) else { throw OnnxError("\(node.operation): axis \(number) of \(rank)") }
    return number < 0 ? number + rank : number
  }

  /// The axis that an attribute names.
  func axis(_ key: String = "axis", default value: Int? = nil, rank: Int) throws -> Int {
    try axis(integer(key, default: value), rank: rank)
  }

  /// A shape that can be held: no extent is negative, and there are at most 2^28 elements.
  func shape(_ extents: [Int]) throws -> [Int] {
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, product <= 1 << 28 else {
        throw OnnxError("\(node.operation): shape \(extents)")
      }
      count = product
    }
    return extents
  }

  /// - Throws: ``OnnxError`` where the condition does not hold, with what the node is beside the message.
  func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    guard condition else { throw OnnxError("\(node.operation): \(message())") }
  }
}
