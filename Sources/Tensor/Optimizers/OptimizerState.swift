#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// What an optimizer keeps for each parameter: tensors, by slot, and how often it has changed the parameter.
struct OptimizerState {
  private struct Entry {
    /// Nil when the parameter is gone: its state goes with it.
    weak var parameter: Parameter?
    /// The name for files.
    var name: String
    /// The slots that a parameter of this shape has.
    let slots: [String]
    var tensors: [Tensor]
    /// The Float32 value of a parameter in half precision.
    var master: Tensor?
    var steps: Int
  }

  /// The slot of the Float32 copies of parameters in half precision.
  private static let masterSlot = "master_param"

  /// The optimizer's name, for messages.
  let optimizer: String
  /// The names of the slots.
  let slots: [String]
  /// The shape of a slot for a parameter of some shape; nil where such a parameter does not have it.
  private let slotShape: (_ slot: String, _ parameter: [Int]) -> [Int]?
  private(set) var stepCount = 0
  /// By identity of the parameter.
  private var entries: [UInt64: Entry] = [:]

  /// - Parameter slotShape: the shape of a slot for a parameter of some shape, which it has unless something
  ///   else is said; nil where such a parameter does not have it.
  init(
    _ optimizer: String, slots: [String],
    slotShape: @escaping (_ slot: String, _ parameter: [Int]) -> [Int]? = { $1 }
  ) {
    self.optimizer = optimizer
    self.slots = slots
    self.slotShape = slotShape
  }

  /// Says that the latest calls of ``update(_:_:decayed:initialValue:_:)`` were parts of one step.
  mutating func countAsOneStep(_ calls: Int) { stepCount -= max(calls - 1, 0) }

  /// The type of the slots of a parameter.
  private static func type(for dtype: DType) -> DType { dtype.isHalfPrecision ? .float32 : dtype }

  /// Calls `body` once for each parameter that has a gradient, with its slots ready to be written to; a slot
  /// starts as `initialValue` everywhere. `decayed` tells for each parameter whether weight decay applies to
  /// it: it is known beforehand, because a caller's closure may look at the parameter, which is being changed
  /// during `body`.
  mutating func update(
    _ parameters: [NamedParameter], _ gradients: Gradients, decayed: [Bool], initialValue: Double = 0,
    _ body: (OptimizerUpdate) -> Void
  ) {
    stepCount += 1
    var seen = Set<UInt64>()
    for ((name, parameter), isDecayed) in zip(parameters, decayed) {
      guard seen.insert(parameter.identity).inserted, let found = gradients[parameter] else { continue }
      let (shape, dtype) = (parameter.shape, parameter.dtype)
      tensorRequire(
        dtype.isFloatingPoint, optimizer, "\(name) holds \(dtype) \(shape), floating-point numbers are needed"
      )
      tensorRequire(
        found.shape == shape, optimizer,
        "a gradient of shape \(found.shape) does not fit \(name), a parameter of shape \(shape)")
      let type = Self.type(for: dtype)
      let gradient = found.detached().to(type).contiguous()
      var entry =
        entries.removeValue(forKey: parameter.identity)
        ?? fresh(name, shape, initialValue, type)
      entry.parameter = parameter
      entry.name = name
      entry.steps += 1
      for index in entry.tensors.indices {
        if entry.tensors[index].dtype != type { entry.tensors[index] = entry.tensors[index].to(type) }
        entry.tensors[index].makeUnique()
      }
      if dtype.isHalfPrecision {
        entry.master = Self.master(entry.master, of: parameter.tensor.detached())
        entry.master!.makeUnique()
      } else {
        entry.master = nil
      }
      parameter.update { value in
        body(
          OptimizerUpdate(
            target: entry.master ?? value, gradient: gradient, slots: entry.tensors, steps: entry.steps,
            isDecayed: isDecayed))
        if let master = entry.master { value = master.to(dtype) }
      }
      entries[parameter.identity] = entry
    }
    if entries.count > seen.count { entries = entries.filter { $0.value.parameter != nil } }
  }

  /// The entry of a parameter that has not been stepped yet.
  private func fresh(_ name: String, _ shape: [Int], _ initialValue: Double, _ type: DType) -> Entry {
    let there = slots.compactMap { slot in slotShape(slot, shape).map { (name: slot, shape: $0) } }
    return Entry(
      name: name, slots: there.map(\.name),
      tensors: MemoryPool.forLong { there.map { Tensor.full($0.shape, initialValue, dtype: type) } },
      master: nil, steps: 0)
  }

  /// The Float32 copy of a value in half precision. Where the value is not the copy's any more, because it
  /// was set from outside, the copy takes it over.
  private static func master(_ kept: Tensor?, of value: Tensor) -> Tensor {
    guard let kept else { return MemoryPool.forLong { value.to(.float32) } }
    let rounded = kept.to(value.dtype)
    let isSame = memcmp(rounded.rawPointer, value.rawPointer, value.count * value.dtype.byteSize) == 0
    return isSame ? kept : Tensor.select(rounded .== value, kept, value.to(.float32))
  }

  func named() -> [(name: String, tensor: Tensor)] {
    let present = entries.values.filter { $0.parameter != nil }.sorted { $0.name < $1.name }
    for (one, next) in zip(present, present.dropFirst()) where one.name == next.name {
      tensorFailure(
        optimizer,
        "two parameters are named \(one.name), of shapes \(one.parameter?.shape ?? []) and "
          + "\(next.parameter?.shape ?? []): their states cannot be saved under one name")
    }
    return present.flatMap { entry in
      zip(entry.slots + [Self.masterSlot], entry.tensors + (entry.master.map { [$0] } ?? []))
        .map { ("\(entry.name).\($0)", $1) } + [
          ("\(entry.name).step", Tensor([Int64(entry.steps)], shape: []))
        ]
    }
  }

  mutating func load(
    _ saved: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]
  ) throws {
    if stepCount < 0 { throw error("the number of steps is \(stepCount)") }
    var unused: [String: Tensor] = [:]
    for (name, tensor) in saved where unused.updateValue(tensor.detached(), forKey: name) != nil {
      throw error("the saved state has two entries named \(name)")
    }
    var names: [String: Parameter] = [:]
    var loaded: [UInt64: Entry] = [:]
    for (name, parameter) in parameters where loaded[parameter.identity] == nil {
      if let other = names.updateValue(parameter, forKey: name), other !== parameter {
        throw error(
          "two parameters are named \(name), of shapes \(other.shape) and \(parameter.shape): they cannot "
            + "have one saved state")
      }
      let shape = parameter.shape
      let there = slots.filter { slotShape($0, shape) != nil }
      let found = try there.map { slot in
        try unused.removeValue(forKey: "\(name).\(slot)").map { tensor in
          try fitting(tensor, name, slot, slotShape(slot, shape) ?? shape, parameter)
        }
      }
      let master = try unused.removeValue(forKey: "\(name).\(Self.masterSlot)").map {
        try fitting($0, name, Self.masterSlot, shape, parameter)
      }
      let steps = unused.removeValue(forKey: "\(name).step")
      if steps == nil && master == nil && found.allSatisfy({ $0 == nil }) { continue }
      guard let steps, !found.contains(where: { $0 == nil }) else {
        throw error("the saved state of \(name) is incomplete")
      }
      guard steps.count == 1, let number = Int(exactly: steps.item()), number >= 0 else {
        throw error("the saved step of \(name) is no count: \(steps.array(of: Double.self))")
      }
      loaded[parameter.identity] = Entry(
        parameter: parameter, name: name, slots: there, tensors: found.map { $0! },
        master: parameter.dtype.isHalfPrecision ? master : nil, steps: number)
    }
    if let name = unused.keys.min() {
      throw error(
        "the saved state has \(name), which belongs to no parameter; the slots of this optimizer are "
          + (slots + ["step"]).joined(separator: ", "))
    }
    entries = loaded
    self.stepCount = stepCount
  }

  /// A saved slot in the type of a parameter's state.
  private func fitting(
    _ tensor: Tensor, _ name: String, _ slot: String, _ shape: [Int], _ parameter: Parameter
  ) throws -> Tensor {
    guard tensor.shape == shape else {
      let needed = shape == parameter.shape ? "" : ", for which \(name).\(slot) has \(shape)"
      throw error(
        "the saved state of \(name) has shape \(tensor.shape), the parameter \(parameter.shape)\(needed)")
    }
    let type = Self.type(for: parameter.dtype)
    guard tensor.dtype.isFloatingPoint else {
      throw error(
        "the saved state of \(name) has \(tensor.dtype) numbers in \(name).\(slot), expected floating point, "
          + "\(type) at best"
      )
    }
    return tensor.to(type).contiguous()
  }

  private func error(_ message: String) -> TensorError {
    TensorError(operation: optimizer, message: message)
  }
}
