import CTensorKernels
import Synchronization

/// One recorded operation: where its inputs came from and how a gradient travels back through it.
///
/// Nodes are numbered in the order in which operations ran, so descending numbers are a valid order for the
/// backward pass. An operation with several outputs is one joint node, which gets the gradients of all of
/// them at once, and for each output a node that stands for it.
///
/// What a node was made with never changes, except that a backward pass may let go of it: that part is behind
/// a lock, so that tasks can walk records that they share.
package final class GradientNode: @unchecked Sendable {
  /// Maps the gradient of the output to the gradients of the inputs (nil where none is needed). The second
  /// argument is the output itself when the operation asked to keep it.
  package typealias Backward = (_ gradient: Tensor, _ output: Tensor?) -> [Tensor?]

  /// As ``Backward`` for several outputs; nil stands for an output that no gradient reached. The outputs are
  /// there when the operation asked to keep them.
  package typealias JointBackward = (_ gradients: [Tensor?], _ outputs: [Tensor]) -> [Tensor?]

  private static let nextNumber = Atomic<UInt64>(0)

  /// The number of the latest node of any thread.
  package static var latestNumber: UInt64 { nextNumber.load(ordering: .relaxed) }

  package let number: UInt64
  package let name: StaticString
  /// How gradients of outputs become gradients of inputs.
  package enum Rule {
    case single(Backward)
    case joint(JointBackward)
    /// For leaves, for outputs of joint nodes, and where a backward pass let go of the rule.
    case none
  }

  /// What a backward pass needs and then lets go of. The derivatives of the library only read tensors; those
  /// that users write must be safe to call on the thread that runs the backward pass.
  package struct Record: @unchecked Sendable {
    package fileprivate(set) var inputs: [GradientNode?] = []
    package fileprivate(set) var rule = Rule.none
    /// The outputs without their nodes, kept only for operations whose derivative is cheapest in terms of
    /// them.
    fileprivate var outputs: [Tensor] = []
  }

  private let content: Mutex<Record>
  /// For a joint node: how many outputs there are.
  package let outputCount: Int
  /// For the output of a joint node, which is its only input: the number of the output.
  package let component: Int?
  package let isLeaf: Bool
  /// Called with the gradient on its way through; what it returns travels on. Set before anybody else sees
  /// the node.
  package fileprivate(set) var hook: ((Tensor) -> Tensor)?
  /// Set while a body of ``withTensorErrors(_:)`` makes the node.
  private(set) var resource: ScopedResource?

  /// A leaf: a tensor whose gradient somebody wants.
  package init() {
    number = Self.nextNumber.add(1, ordering: .relaxed).newValue
    name = "leaf"
    isLeaf = true
    (component, outputCount) = (nil, 0)
    content = Mutex(Record())
    resource = .record(of: self)
  }

  package init(name: StaticString, inputs: [GradientNode?], output: Tensor?, backward: @escaping Backward) {
    number = Self.nextNumber.add(1, ordering: .relaxed).newValue
    self.name = name
    isLeaf = false
    (component, outputCount) = (nil, 0)
    let keeps = GradientMode.state != .dependencies
    content = Mutex(
      Record(
        inputs: inputs, rule: keeps ? .single(backward) : .none,
        outputs: keeps ? output.map { [$0] } ?? [] : []))
    resource = .record(of: self)
  }

  /// A joint node.
  package init(
    name: StaticString, inputs: [GradientNode?], outputs: [Tensor], count: Int,
    backward: @escaping JointBackward
  ) {
    number = Self.nextNumber.add(1, ordering: .relaxed).newValue
    self.name = name
    isLeaf = false
    (component, outputCount) = (nil, count)
    let keeps = GradientMode.state != .dependencies
    content = Mutex(
      Record(inputs: inputs, rule: keeps ? .joint(backward) : .none, outputs: keeps ? outputs : []))
    resource = .record(of: self)
  }

  /// The node of one output of a joint node.
  package init(component: Int, of joint: GradientNode) {
    number = Self.nextNumber.add(1, ordering: .relaxed).newValue
    name = joint.name
    isLeaf = false
    (self.component, outputCount) = (component, 0)
    content = Mutex(Record(inputs: [joint]))
    resource = .record(of: self)
  }

  /// All of what the backward pass needs, as it is at one moment.
  package var record: Record {
    _ = resource?.isThere()
    return content.withLock { $0 }
  }

  /// The nodes of the operands.
  package var inputs: [GradientNode?] { record.inputs }

  /// The kept output with this node attached, so that a derivative of the derivative sees it.
  package func attachedOutput(_ record: Record) -> Tensor? {
    guard var result = record.outputs.first else { return nil }
    result.node = self
    return result
  }

  /// The kept outputs of a joint node with nodes attached.
  package func attachedOutputs(_ record: Record) -> [Tensor] {
    record.outputs.enumerated().map { index, output in
      var result = output
      result.node = GradientNode(component: index, of: self)
      return result
    }
  }

  /// Lets go of everything a backward pass needs and returns it.
  package func takeRecord() -> Record {
    content.withLock { content in
      var record = Record()
      swap(&record, &content)
      return record
    }
  }

  deinit {
    resource?.keep()
    if let waiting = tk_waiting_records() {
      waiting.assumingMemoryBound(to: [Remains].self).pointee.append(
        Remains(record: takeRecord(), hook: hook))
    } else {
      letGo()
    }
  }

  /// What a node leaves behind.
  private struct Remains {
    var record: Record
    var hook: ((Tensor) -> Tensor)?
  }

  /// Lets go of everything this node refers to. Nodes that thereby disappear add what they refer to to a
  /// list: released one inside the other, a long chain would overflow the stack, whatever holds it together:
  /// inputs, or closures of checkpoints, custom operations and hooks.
  private func letGo() {
    var waiting: [Remains] = []
    withUnsafeMutablePointer(to: &waiting) { waiting in
      tk_set_waiting_records(waiting)
      hook = nil
      _ = takeRecord()
      while !waiting.pointee.isEmpty { _ = waiting.pointee.removeLast() }
      tk_set_waiting_records(nil)
    }
  }
}

/// Whether operations are being recorded on this thread.
package enum GradientMode {
  package enum State: Int32 {
    case off = 0
    case on = 1
    /// Only what depends on what is recorded, and nothing is kept for a backward pass.
    case dependencies = 2
  }

  package static var state: State {
    get { State(rawValue: Int32(tk_gradient_mode())).unsafelyUnwrapped }
    set { tk_set_gradient_mode(newValue.rawValue) }
  }

  package static var isEnabled: Bool { tk_gradient_mode() != 0 }

  /// Runs `body` in a state and returns to the one before.
  package static func with<Result, Failure: Error>(
    _ state: State, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let previous = self.state
    self.state = state
    defer { self.state = previous }
    return try body()
  }
}

/// Runs `body` without recording operations.
///
/// The setting belongs to the calling thread and ends with the closure.
public func noGradient<Result>(_ body: () throws -> Result) rethrows -> Result {
  try GradientMode.with(.off, body)
}

extension Tensor {
  /// Whether gradients flow to this tensor.
  public var requiresGradient: Bool { node != nil }

  /// The same values as the start of a record: ``backward(keepingGraph:)`` finds its gradient.
  public func requiringGradient() -> Tensor {
    tensorRequire(dtype.isFloatingPoint, "requiringGradient", "needs floating-point elements, found \(dtype)")
    var result = self
    result.node = GradientNode()
    return result
  }

  /// The same values as a constant.
  public func detached() -> Tensor {
    guard node != nil else { return self }
    var result = self
    result.node = nil
    return result
  }

  /// Calls `hook` with the gradient when the backward pass reaches this tensor; the returned gradient travels
  /// on.
  ///
  /// The hook runs on the thread that calls ``backward(keepingGraph:)``.
  public func onGradient(_ hook: @escaping (Tensor) -> Tensor) -> Tensor {
    guard node != nil, GradientMode.isEnabled else { return self }
    let result = recorded("onGradient", from: self, detached()) { gradient, _ in gradient }
    result.node!.hook = hook
    return result
  }

  /// Attaches the record of a one-input operation to `result`.
  @inline(__always)
  package func recorded(
    _ name: StaticString, from input: Tensor, _ result: Tensor, keepingOutput: Bool = false,
    backward: @escaping (_ gradient: Tensor, _ output: Tensor?) -> Tensor
  ) -> Tensor {
    if Profile.isRecording { Profile.finished(name, [input], [result]) }
    guard let inputNode = input.node, GradientMode.isEnabled else { return result }
    if input.isStandIn {
      return recorded(
        name, from: input.firstExample(), result.ofFirstExample(), keepingOutput: keepingOutput,
        backward: backward)
    }
    var result = result
    result.node = GradientNode(name: name, inputs: [inputNode], output: keepingOutput ? result : nil) {
      [backward($0, $1)]
    }
    return result
  }

  /// Attaches the record of an operation on several inputs to `result`.
  ///
  /// `backward` returns one gradient for each input; it may return nil for inputs that need none.
  @inline(__always)
  package static func recorded(
    _ name: StaticString, from inputs: [Tensor], _ result: Tensor, keepingOutput: Bool = false,
    backward: @escaping GradientNode.Backward
  ) -> Tensor {
    if Profile.isRecording { Profile.finished(name, inputs, [result]) }
    guard GradientMode.isEnabled, inputs.contains(where: { $0.node != nil }) else { return result }
    if inputs.contains(where: { $0.isStandIn }) {
      return recorded(
        name, from: inputs.map { $0.firstExample() }, result.ofFirstExample(), keepingOutput: keepingOutput,
        backward: backward)
    }
    var result = result
    result.node = GradientNode(
      name: name, inputs: inputs.map(\.node), output: keepingOutput ? result : nil, backward: backward)
    return result
  }

  /// As ``recorded(_:from:_:keepingOutput:backward:)`` for two inputs.
  @inline(__always)
  package static func recorded(
    _ name: StaticString, from a: Tensor, _ b: Tensor, _ result: Tensor, keepingOutput: Bool = false,
    backward: @escaping GradientNode.Backward
  ) -> Tensor {
    if Profile.isRecording { Profile.finished(name, [a, b], [result]) }
    guard GradientMode.isEnabled, a.node != nil || b.node != nil else { return result }
    if a.isStandIn || b.isStandIn {
      return recorded(
        name, from: a.firstExample(), b.firstExample(), result.ofFirstExample(), keepingOutput: keepingOutput,
        backward: backward)
    }
    var result = result
    result.node = GradientNode(
      name: name, inputs: [a.node, b.node], output: keepingOutput ? result : nil, backward: backward)
    return result
  }

  /// Attaches the record of an operation with several outputs to them.
  ///
  /// `backward` gets the gradient of every output, nil for those that none reached, and the outputs with
  /// their record; it returns one gradient for each input.
  package static func recordedJointly(
    _ name: StaticString, from inputs: [Tensor], _ outputs: [Tensor],
    backward: @escaping GradientNode.JointBackward
  ) -> [Tensor] {
    if Profile.isRecording { Profile.finished(name, inputs, outputs) }
    guard GradientMode.isEnabled, inputs.contains(where: { $0.node != nil }) else { return outputs }
    if inputs.contains(where: { $0.isStandIn }) {
      return recordedJointly(
        name, from: inputs.map { $0.firstExample() }, outputs.map { $0.ofFirstExample() }, backward: backward)
    }
    let joint = GradientNode(
      name: name, inputs: inputs.map(\.node), outputs: outputs, count: outputs.count, backward: backward)
    return outputs.enumerated().map { index, output in
      var result = output
      result.node = GradientNode(component: index, of: joint)
      return result
    }
  }
}
