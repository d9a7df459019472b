/// The walk from outputs back to what they were computed from.
package enum BackwardPass {
  /// The gradients of every leaf, or of the targets only, for gradients that arrive at the roots.
  /// - Parameters:
  ///   - roots: records of outputs and the gradients that arrive there.
  ///   - targets: where to stop; the record is followed no further than it takes to reach them. All leaves when nil.
  ///   - keepsRecord: leaves the record as it is, for another pass.
  ///   - isRecorded: records the pass itself, for higher derivatives.
  package static func run(
    from roots: [(node: GradientNode, gradient: Tensor)], to targets: [GradientNode]? = nil,
    keepsRecord: Bool, isRecorded: Bool
  ) -> Gradients {
    GradientMode.with(isRecorded ? .on : .off) {
      var pass = Pass(targets: targets)
      for root in roots { pass.arrive(at: root.node, root.gradient) }
      pass.walk(from: roots.map(\.node), keepsRecord: keepsRecord)
      return pass.result
    }
  }

  /// Every node that the roots depend on, latest first, no older than a number.
  package static func reachable(
    from roots: [GradientNode], notBefore oldest: UInt64 = 0, through: (GradientNode) -> Bool = { _ in true }
  ) -> [GradientNode] {
    var seen: Set<ObjectIdentifier> = []
    var found: [GradientNode] = []
    for root in roots where root.number >= oldest && seen.insert(ObjectIdentifier(root)).inserted {
      found.append(root)
    }
    var index = 0
    while index < found.count {
      if through(found[index]) {
        for case let input? in found[index].inputs
        where input.number >= oldest && seen.insert(ObjectIdentifier(input)).inserted {
          found.append(input)
        }
      }
      index += 1
    }
    return found.sorted { $0.number > $1.number }
  }

  private struct Pass {
    /// The targets; nil when every leaf is one.
    let targets: Set<ObjectIdentifier>?
    private let oldest: UInt64
    var result = Gradients()
    private var arrived: [ObjectIdentifier: Tensor] = [:]
    /// What arrived at the outputs of joint nodes.
    private var components: [ObjectIdentifier: [Tensor?]] = [:]
    /// Nodes that a target depends on nothing of are left out.
    private var needed: Set<ObjectIdentifier> = []

    init(targets: [GradientNode]?) {
      self.targets = targets.map { Set($0.map { ObjectIdentifier($0) }) }
      oldest = targets.map { $0.map(\.number).min() ?? .max } ?? 0
    }

    mutating func arrive(at node: GradientNode, _ gradient: Tensor) {
      let key = ObjectIdentifier(node)
      if var sum = arrived.removeValue(forKey: key) {
        sum.accumulate(gradient)
        arrived[key] = sum
      } else {
        arrived[key] = gradient
      }
    }

    mutating func walk(from roots: [GradientNode], keepsRecord: Bool) {
      let order = BackwardPass.reachable(from: roots, notBefore: oldest)
      if let targets {
        for node in order.reversed() {
          let key = ObjectIdentifier(node)
          if targets.contains(key)
            || node.inputs.contains(where: { $0.map { needed.contains(ObjectIdentifier($0)) } ?? false })
          {
            needed.insert(key)
          }
        }
      }
      for node in order { visit(node, keepsRecord: keepsRecord) }
    }

    private mutating func visit(_ node: GradientNode, keepsRecord: Bool) {
      let key = ObjectIdentifier(node)
      let record = node.record
      let gradients: [Tensor?]
      if let parts = components.removeValue(forKey: key) {
        guard let backward = record.jointBackward else { failReleased(node) }
        gradients = backward(parts, node.attachedOutputs(record))
      } else {
        guard var gradient = arrived.removeValue(forKey: key) else { return }
        if targets?.contains(key) ?? node.isLeaf {
          result[node] = gradient
          if node.isLeaf || !dependsOnTarget(node) { return }
        }
        if let hook = node.hook { gradient = hook(gradient) }
        if let component = node.component {
          return arrive(at: node, component, gradient, keepsRecord: keepsRecord)
        }
        guard let backward = record.backward else { failReleased(node) }
        gradients = backward(gradient, node.attachedOutput(record))
      }
      for case (let input?, let contribution?) in zip(record.inputs, gradients)
      where targets == nil || needed.contains(ObjectIdentifier(input)) {
        arrive(at: input, contribution)
      }
      if !keepsRecord { node.release() }
    }

    private mutating func arrive(
      at node: GradientNode, _ component: Int, _ gradient: Tensor, keepsRecord: Bool
    ) {
      guard let joint = node.inputs.first ?? nil else { failReleased(node) }
      let key = ObjectIdentifier(joint)
      var parts =
        components.removeValue(forKey: key) ?? [Tensor?](repeating: nil, count: joint.outputCount)
      if var sum = parts[component] {
        parts[component] = nil
        sum.accumulate(gradient)
        parts[component] = sum
      } else {
        parts[component] = gradient
      }
      components[key] = parts
      if !keepsRecord { node.release() }
    }

    private func dependsOnTarget(_ node: GradientNode) -> Bool {
      node.inputs.contains { $0.map { needed.contains(ObjectIdentifier($0)) } ?? false }
    }

    private func failReleased(_ node: GradientNode) -> Never {
      tensorFailure(
        "backward", "the record of \(node.name) was already released by an earlier backward pass")
    }
  }
}
