import Tensor

/// Computes a graph node by node.
struct GraphRun: Sendable {
  /// The version of the operator set of each domain.
  let versions: [String: Int]
  /// The values around the graph, which its nodes see too.
  let surroundings: [String: Tensor]

  init(versions: [String: Int], surroundings: [String: Tensor] = [:]) {
    self.versions = versions
    self.surroundings = surroundings
  }

  /// The graph's outputs.
  /// - Parameter inputs: the first of its inputs; those behind have initializers.
  /// - Throws: ``OnnxError`` for what cannot be computed.
  func callAsFunction(_ graph: OnnxGraph, _ inputs: [Tensor]) throws -> [Tensor] {
    guard inputs.count <= graph.inputs.count else {
      throw OnnxError("\(inputs.count) values for \(graph.inputs.count) inputs of the graph")
    }
    var values = surroundings
    for (name, message) in graph.initializers { values[name] = try NamedTensor(message).tensor }
    for (name, value) in zip(graph.inputs, inputs) { values[name] = value }
    for node in graph.nodes {
      guard let operation = OperatorTable.operators[node.operation] else {
        throw OnnxError("no operator \(node.operation)")
      }
      let given = try node.inputs.map { name -> Tensor? in
        if name.isEmpty { return nil }
        guard let value = values[name] else { throw OnnxError("no value `\(name)`") }
        return value
      }
      let inner = GraphRun(versions: versions, surroundings: values)
      let call = NodeCall(
        node: node, inputs: given, version: versions[node.domain] ?? 1, run: { try inner($0, $1) })
      let results = try operation(call)
      for (index, name) in node.outputs.enumerated() where !name.isEmpty {
        guard results.indices.contains(index) else {
          throw OnnxError("\(node.operation) has no result \(index)")
        }
        values[name] = results[index]
      }
    }
    return try graph.outputs.map { name in
      guard let value = values[name] else { throw OnnxError("no value `\(name)`") }
      return value
    }
  }
}
