import Checkpoint
import Foundation

/// What a case says about its operator beside the inputs. Where an attribute is missing, the expression says
/// it, else the default of the function that the expression names.
extension ConformanceCase {
  /// An integer attribute.
  func integer(_ key: String, default value: Int? = nil) throws -> Int {
    switch attributes[key] {
    case .integer(let value)?: return value
    case .boolean(let flag)?: return flag ? 1 : 0
    case .array(let elements)? where elements.count == 1:
      if case .integer(let value) = elements[0] { return value }
      throw ConformanceError("attribute `\(key)` is no integer")
    case nil where value != nil: return value!
    default: throw ConformanceError("no integer attribute `\(key)`")
    }
  }

  /// A list of integers; one number alone is a list of `count`.
  func integers(_ key: String, count: Int = 1, default value: Int? = nil) throws -> [Int] {
    if let values = attributes[key]?.integers {
      return values.count == 1 ? [Int](repeating: values[0], count: count) : values
    }
    if case .integer(let value)? = attributes[key] { return [Int](repeating: value, count: count) }
    if attributes[key] == nil, let value { return [Int](repeating: value, count: count) }
    throw ConformanceError("no integer list `\(key)`")
  }

  /// A number attribute.
  func real(_ key: String, default value: Double? = nil) throws -> Double {
    switch attributes[key] {
    case .integer(let value)?: return Double(value)
    case .real(let value)?: return value
    case .string("inf")?, .string("Infinity")?: return .infinity
    case .string("-inf")?, .string("-Infinity")?: return -.infinity
    case nil where value != nil: return value!
    default: throw ConformanceError("no number attribute `\(key)`")
    }
  }

  /// A switch: true or a number that is not 0.
  func flag(_ key: String, default value: Bool = false) -> Bool {
    switch attributes[key] {
    case .boolean(let flag)?: flag
    case .integer(let number)?: number != 0
    default: value
    }
  }

  /// The axes to reduce: the attribute `dims` or `dim`, else the last argument of the expression, else those
  /// whose absence makes the shape of the output, the last ones first; nil for all.
  func axes(of shape: [Int]) -> [Int]? {
    for key in ["dims", "dim", "axis", "axes"] {
      if let list = attributes[key]?.integers { return list }
      if case .integer(let axis)? = attributes[key] { return [axis] }
    }
    if let written = writtenAxes(rank: shape.count) { return written }
    let target = outputs[0].shape
    if target.isEmpty { return nil }
    for mask in 0..<(1 << shape.count) {
      let dropped = shape.indices.filter { mask >> $0 & 1 == 1 }
      let kept = shape.indices.filter { mask >> $0 & 1 == 0 }
      let isKeeping = keepsDimensions && shape.indices.map { dropped.contains($0) ? 1 : shape[$0] } == target
      if isKeeping || kept.map({ shape[$0] }) == target { return dropped }
    }
    return nil
  }

  /// The axes at the end of an expression such as `sum(x, (0, 2), keepdim)`.
  private func writtenAxes(rank: Int) -> [Int]? {
    let text = expression.filter { !$0.isWhitespace }
    guard let match = text.firstMatch(of: /,(?:dim=)?\(?(-?\d+(?:,-?\d+)*)\)?(?:,keepdim(?:=True)?)?\)$/)
    else {
      return nil
    }
    let axes = match.1.split(separator: ",").compactMap { Int($0) }
    return axes.allSatisfy { (-rank..<rank).contains($0) } ? axes : nil
  }

  /// One axis: the attribute `dim`.
  func axis(default value: Int? = nil) throws -> Int { try integer("dim", default: value) }

  /// Whether reduced axes stay with extent 1.
  var keepsDimensions: Bool {
    flag("keepdim", default: expression.contains("keepdim") && !expression.contains("keepdim=False"))
  }
}

extension JSONValue {
  var text: String? { if case .string(let text) = self { text } else { nil } }

  var integers: [Int]? {
    guard case .array(let elements) = self else { return nil }
    let numbers = elements.compactMap { if case .integer(let value) = $0 { value } else { nil } }
    return numbers.count == elements.count ? numbers : nil
  }
}
