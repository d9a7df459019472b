/// The walk from outputs back to what they were computed from.
package enum BackwardPass {
  /// The gradients of every leaf, or of the targets only, for gradients that arrive at the roots.
  /// - Parameters:
  ///   - roots: records of outputs and the gradients that arrive there.
  ///   - targets: where to stop; the record is followed no further than it takes to reach them. All leaves
  ///     when nil.
  ///   - keepsRecord: leaves the record as it is, for another pass.
  ///   - isRecorded: records the pass itself, for higher derivatives.
  package static func run(
    from roots: [(node: GradientNode, gradient: Tensor)], to targets: [GradientNode]? = nil,
    keepsRecord: Bool, isRecorded: Bool
  ) -> Gradients {
    GradientMode.with(isRecorded ? .on : .off) {
      var pass = Pass(from: roots.map(\.node), to: targets, keepsRecord: keepsRecord)
      for root in roots { pass.arrive(at: root.node, root.gradient) }
      return pass.run()
    }
  }

  /// Every node that the roots depend on, latest first, no older than a number.
  /// - Complexity: O(*n* log *n*) for *n* inputs of all nodes together.
  package static func reachable(
    from roots: [GradientNode], notBefore oldest: UInt64 = 0, through: (GradientNode) -> Bool = { _ in true }
  ) -> [GradientNode] {
    var queue = NodeQueue()
    for root in roots where root.number >= oldest { queue.push(root) }
    var found: [GradientNode] = []
    while let node = queue.popLatest() {
      found.append(node)
      if node.isLeaf || !through(node) { continue }
      for case let input? in node.inputs where input.number >= oldest { queue.push(input) }
    }
    return found
  }

  private struct Pass {
    /// The nodes on the way, latest first: descending numbers are an order of the backward pass.
    private let order: [GradientNode]
    private let keepsRecord: Bool
    /// For each node, the sum of what arrived there so far.
    private var arrived: [Tensor?]
    /// For joint nodes, by position: what arrived at their outputs.
    private var components: [Int: [Tensor?]] = [:]
    /// For each node, whether its gradient was asked for; nil when those of all leaves are.
    private var isTarget: [Bool]?
    /// For each node, whether it is a target or depends on one.
    private var isNeeded: [Bool] = []
    private var result = Gradients()

    init(from roots: [GradientNode], to targets: [GradientNode]?, keepsRecord: Bool) {
      let oldest = targets.map { $0.map(\.number).min() ?? .max } ?? 0
      order = BackwardPass.reachable(from: roots, notBefore: oldest)
      self.keepsRecord = keepsRecord
      arrived = [Tensor?](repeating: nil, count: order.count)
      if let targets { mark(targets) }
    }

    private mutating func mark(_ targets: [GradientNode]) {
      var marks = [Bool](repeating: false, count: order.count)
      for target in targets {
        if let index = position(of: target) { marks[index] = true }
      }
      isNeeded = marks
      for index in order.indices.reversed() where !isNeeded[index] {
        isNeeded[index] = dependsOnTarget(order[index])
      }
      isTarget = marks
    }

    private func position(of node: GradientNode) -> Int? {
      let (index, isThere) = order.position(of: node.number) { $0.number }
      return isThere ? index : nil
    }

    private func dependsOnTarget(_ node: GradientNode) -> Bool {
      node.inputs.contains { input in
        input.flatMap { position(of: $0) }.map { isNeeded[$0] } ?? false
      }
    }

    mutating func arrive(at node: GradientNode, _ gradient: Tensor) {
      guard let index = position(of: node) else { return }
      if arrived[index] == nil {
        arrived[index] = gradient
      } else {
        arrived[index]!.accumulate(gradient)
      }
    }

    mutating func run() -> Gradients {
      for index in order.indices { visit(index) }
      return result
    }

    private mutating func visit(_ index: Int) {
      let node = order[index]
      let inputs: [GradientNode?]
      let gradients: [Tensor?]
      if let parts = components.removeValue(forKey: index) {
        let record = keepsRecord ? node.record : node.takeRecord()
        guard case .joint(let backward) = record.rule else { failReleased(node) }
        inputs = record.inputs
        gradients = Profile.derivative(of: node.name) { backward(parts, node.attachedOutputs(record)) }
      } else {
        guard var gradient = arrived[index].take() else { return }
        if isTarget?[index] ?? node.isLeaf {
          result[node] = gradient
          if node.isLeaf || !dependsOnTarget(node) { return }
        }
        if let hook = node.hook { gradient = Self.call(hook, gradient) }
        let record = keepsRecord ? node.record : node.takeRecord()
        if let component = node.component {
          return arrive(at: record.inputs.first ?? nil, component, gradient, from: node)
        }
        guard case .single(let backward) = record.rule else { failReleased(node) }
        inputs = record.inputs
        gradients = Profile.derivative(of: node.name) { backward(gradient, node.attachedOutput(record)) }
      }
      for (number, input) in inputs.enumerated() {
        guard let input, let contribution = gradients[number] else { continue }
        if isTarget != nil, position(of: input).map({ isNeeded[$0] }) != true { continue }
        arrive(at: input, contribution)
      }
    }

    private static func call(_ hook: (Tensor) -> Tensor, _ gradient: Tensor) -> Tensor {
      UserDerivative.run("onGradient", [gradient], operands: []) { [hook($0[0]!)] }[0]!
    }

    private mutating func arrive(
      at joint: GradientNode?, _ component: Int, _ gradient: Tensor, from node: GradientNode
    ) {
      guard let joint, let index = position(of: joint) else { failReleased(node) }
      if components[index, default: [Tensor?](repeating: nil, count: joint.outputCount)][component] == nil {
        components[index, default: [Tensor?](repeating: nil, count: joint.outputCount)][component] = gradient
      } else {
        components[index]![component]!.accumulate(gradient)
      }
    }

    private func failReleased(_ node: GradientNode) -> Never {
      tensorFailure(
        "backward", "the record of \(node.name) was already released by an earlier backward pass")
    }
  }
}
