import Checkpoint
import Foundation
import Tensor

/// One operator with its stored inputs and expected results, as `ops.json` lists it.
struct ConformanceCase {
  /// A stored array and the views that turn it into what the operator sees.
  struct Input {
    let path: String
    let views: [ViewStep]
    /// Where the expected gradient of the stored array is; nil when it has none.
    let gradient: String?
  }

  /// An expected result and the gradient that is fed into it.
  struct Output {
    let path: String
    let cotangent: String?
  }

  let name: String
  let expression: String
  let attributes: [String: JSONValue]
  let inputs: [Input]
  let outputs: [Output]

  /// The part of the name before the first dot.
  var family: String { String(name.prefix { $0 != "." }) }

  /// The part of the name after the first dot, empty when there is none.
  var variant: String { String(name.dropFirst(family.count + 1)) }

  /// Reads the list of cases.
  static func read(_ url: URL) throws -> [ConformanceCase] {
    let data = try Data(contentsOf: url)
    let json: JSONValue
    do {
      json = try data.withUnsafeBytes { try JSONReader.read($0) }
    } catch let error as JSONSyntaxError {
      throw ConformanceError("\(url.path): byte \(error.offset): found \(error.message)")
    }
    guard case .array(let elements) = json else {
      throw ConformanceError("\(url.path): expected a list of cases")
    }
    return try elements.map { try ConformanceCase($0, file: url.path) }
  }

  private init(_ json: JSONValue, file: String) throws {
    guard case .string(let name)? = json["name"], case .object(let attributes)? = json["attrs"],
      case .array(let inputs)? = json["inputs"], case .array(let outputs)? = json["outputs"]
    else { throw ConformanceError("\(file): expected name, attrs, inputs and outputs in every case") }
    self.name = name
    expression = json["expr"]?.text ?? ""
    self.attributes = Dictionary(
      attributes.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    self.inputs = try inputs.map { input in
      guard let path = input["path"]?.text, case .array(let views)? = input["views"] else {
        throw ConformanceError("\(file): \(name): expected path and views in every input")
      }
      return Input(path: path, views: try views.map { try ViewStep($0, name) }, gradient: input["grad"]?.text)
    }
    self.outputs = try outputs.map { output in
      guard let path = output["path"]?.text else {
        throw ConformanceError("\(file): \(name): expected a path in every output")
      }
      return Output(path: path, cotangent: output["gout"]?.text)
    }
  }

  /// An integer attribute.
  func integer(_ key: String) throws -> Int {
    guard case .integer(let value)? = attributes[key] else {
      throw ConformanceError("no integer attribute `\(key)`")
    }
    return value
  }

  /// A list of integers.
  func integers(_ key: String) throws -> [Int] {
    guard let values = attributes[key]?.integers else { throw ConformanceError("no integer list `\(key)`") }
    return values
  }

  /// A number attribute.
  func real(_ key: String) throws -> Double {
    switch attributes[key] {
    case .integer(let value)?: return Double(value)
    case .real(let value)?: return value
    default: throw ConformanceError("no number attribute `\(key)`")
    }
  }

  /// The attribute `dims`, or nil for all axes.
  var axes: [Int]? { attributes["dims"]?.integers }

  /// Whether the expression asks to keep reduced axes.
  var keepsDimensions: Bool { expression.contains("keepdim") }
}

/// A step from a stored array to the view that an operator sees.
enum ViewStep {
  case transpose(Int, Int)
  case permute([Int])
  case slice(axis: Int, start: Int, stop: Int, step: Int)
  case expand([Int])

  init(_ json: JSONValue, _ name: String) throws {
    guard case .array(let parts) = json, let kind = parts.first?.text,
      let numbers = JSONValue.array(Array(parts.dropFirst())).integers
    else { throw ConformanceError("\(name): expected a view step such as [\"transpose\", 0, 1]") }
    switch (kind, numbers.count) {
    case ("transpose", 2): self = .transpose(numbers[0], numbers[1])
    case ("permute", _): self = .permute(numbers)
    case ("slice", 4): self = .slice(axis: numbers[0], start: numbers[1], stop: numbers[2], step: numbers[3])
    case ("expand", _): self = .expand(numbers)
    default: throw ConformanceError("\(name): unknown view step `\(kind)` of \(numbers.count) numbers")
    }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .transpose(let a, let b): x.transposed(a, b)
    case .permute(let order): x.permuted(order)
    case .slice(let axis, let start, let stop, let step): x.slice(axis: axis, start..<stop, step: step)
    case .expand(let shape): x.expanded(to: shape)
    }
  }
}

/// Why a case or the whole run cannot be judged.
struct ConformanceError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension JSONValue {
  var text: String? { if case .string(let text) = self { text } else { nil } }

  var integers: [Int]? {
    guard case .array(let elements) = self else { return nil }
    let numbers = elements.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    return numbers.count == elements.count ? numbers : nil
  }
}
