import Tensor

/// Positions as `tensor_assign` and the operation `index` write them: `i3 s0,5,2 e n t`.
enum Positions {
  /// - Parameter lists: what the words `t` stand for, in order.
  /// - Throws: ``TensorError`` for another word, or another number of lists.
  static func parse(_ text: String, lists: [ArrayValue]) throws -> [TensorIndex] {
    func fail(_ message: String) -> TensorError { TensorError(operation: "index", message: message) }
    var rest = lists[...]
    let positions = try text.split(separator: " ").map { word -> TensorIndex in
      switch (word.first!, word.dropFirst()) {
      case ("e", ""): return .remainingAxes
      case ("n", ""): return .insertedAxis
      case ("i", let number):
        guard let index = Int(number) else { throw fail("\"\(word)\" is no index") }
        return .index(index)
      case ("s", let bounds):
        let parts = bounds.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.isEmpty || Int($0) != nil }) else {
          throw fail("\"\(word)\" is no slice")
        }
        // Bounds far outside of every axis would overflow when an extent is added.
        let bound = (0..<2).map { Int(parts[$0]).map { Swift.min(Swift.max($0, -1 << 60), 1 << 60) } }
        return .range(from: bound[0], to: bound[1], step: Int(parts[2]) ?? 1)
      case ("t", ""):
        guard case .real(let list)? = rest.popFirst() else {
          throw fail("positions name more lists of integers or masks than there are")
        }
        return .elements(list)
      default: throw fail("\"\(word)\" is no position")
      }
    }
    guard rest.isEmpty else { throw fail("\(rest.count) lists that no position names") }
    return positions
  }
}
