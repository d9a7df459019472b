import Tensor

extension OperatorTable {
  static let control: [String: OnnxOperator] = [
    "If": { call in
      let isTrue = try call.truth(0) ?? false
      return try call.run(graph(call, isTrue ? "then_branch" : "else_branch"), [])
    },
    "Loop": { call in
      let body = try graph(call, "body")
      var goesOn = try call.truth(1) ?? true
      var state = try call.inputs.indices.dropFirst(2).map { try call.tensor($0) }
      let limit = try call.optional(0) == nil ? 1 << 20 : min(call.number(0), 1 << 20)
      var collected: [[Tensor]] = []
      for iteration in 0..<max(limit, 0) {
        guard goesOn else { break }
        let results = try call.run(body, [Tensor(iteration, dtype: .int64), Tensor(true)] + state)
        try call.require(results.count > state.count, "\(results.count) results")
        goesOn = try NodeCall.truth(of: results[0])
        collected.append(Array(results[(state.count + 1)...]))
        state = Array(results[1..<state.count + 1])
      }
      return state + (try stacked(call, collected))
    },
    "Scan": { call in
      try call.require(call.version > 8, "batches of sequences")
      let body = try graph(call, "body")
      let count = try call.integer("num_scan_inputs")
      let all = try call.tensors()
      try call.require(1...all.count ~= count && !call.has("scan_input_axes"), "\(count) sequences")
      try call.require(
        ["scan_input_directions", "scan_output_axes", "scan_output_directions"].allSatisfy { !call.has($0) },
        "directions and axes")
      var state = Array(all.dropLast(count))
      let pieces = all.suffix(count).map { $0.unstacked() }
      try call.require(pieces.allSatisfy { $0.count == pieces[0].count }, "sequences of different lengths")
      var collected: [[Tensor]] = []
      for step in pieces[0].indices {
        let results = try call.run(body, state + pieces.map { $0[step] })
        try call.require(results.count >= state.count, "\(results.count) results")
        collected.append(Array(results[state.count...]))
        state = Array(results[..<state.count])
      }
      return state + (try stacked(call, collected))
    },
  ]

  static func graph(_ call: NodeCall, _ key: String) throws -> OnnxGraph {
    guard case .graph(let graph)? = call.node.attributes[key] else {
      throw OnnxError("\(call.node.operation): no graph `\(key)`")
    }
    return graph
  }

  /// What single steps gave, each result of theirs with a first axis for the steps.
  private static func stacked(_ call: NodeCall, _ steps: [[Tensor]]) throws -> [Tensor] {
    guard let first = steps.first else { return [] }
    return try first.indices.map { index in try Tensor.stacked(validating: steps.map { $0[index] }) }
  }
}
