import CTensorKernels
import Synchronization

/// One run of a function for all examples of a batch, which ``vmap(_:inAxis:outAxis:chunkSize:)`` tries
/// before it calls the function for each of them.
///
/// The function gets stand-ins (see ``StandIn``): tensors of the shape of one slice behind which the whole
/// batch is. An operation that has a rule for batches computes with the batches and gives a stand-in for the
/// batch of results. Whatever has none is computed for the first example alone: a stand-in has the first
/// slice's elements in memory for everybody who looks there. From then on the run is narrowed, that is, it is
/// the function's call for the first example, in which nothing differs from an ordinary call: later
/// operations get slices of the batches that were computed so far, gradients included. The other examples
/// then have calls of their own.
///
/// What is recorded, inside and outside of the function, is recorded of batches: the node of a stand-in is
/// that of its batch.
package final class BatchRun: @unchecked Sendable {
  /// How many examples there are.
  let count: Int
  /// The run in whose function this one began.
  let outer: BatchRun?
  /// How many runs are around this one, and itself.
  let depth: Int
  private let narrowed = Atomic(false)
  private let drawn = Atomic(false)
  private let walkedBack = Atomic(false)
  /// How many stand-ins there are.
  fileprivate let standIns = Atomic(0)

  /// How many runs are under way on all threads: what is not for a batch asks no further.
  private static let underWay = Atomic(0)

  init(count: Int) {
    self.count = count
    outer = Self.current
    depth = (outer?.depth ?? 0) + 1
  }

  /// The innermost run that is under way on this thread.
  static var current: BatchRun? {
    tk_batch_run().map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
  }

  /// What `function` returns while this run is under way.
  func callAsFunction<Result>(_ function: () -> Result) -> Result {
    Self.underWay.add(1, ordering: .relaxed)
    tk_set_batch_run(Unmanaged.passUnretained(self).toOpaque())
    defer {
      tk_set_batch_run(outer.map { Unmanaged.passUnretained($0).toOpaque() })
      Self.underWay.subtract(1, ordering: .relaxed)
    }
    return withExtendedLifetime(self) { function() }
  }

  /// Whether the run is the call for the first example by now.
  var isNarrowed: Bool { narrowed.load(ordering: .relaxed) }

  /// Makes the run the call for the first example.
  func narrow() { narrowed.store(true, ordering: .relaxed) }

  /// Whether batches can be computed: not when the run is over, nor on a thread of the function's own.
  var isForBatch: Bool {
    if isNarrowed { return false }
    var run = Self.current
    while let candidate = run {
      if candidate === self { return true }
      run = candidate.outer
    }
    return false
  }

  /// Whether the function drew random numbers, which it must not draw again.
  var hasDrawn: Bool { drawn.load(ordering: .relaxed) }

  /// Whether the function walked back to leaves, where contributions of all examples meet.
  var hasWalkedBack: Bool { walkedBack.load(ordering: .relaxed) }

  /// Whether something still refers to a stand-in.
  var hasStandIns: Bool { standIns.load(ordering: .relaxed) != 0 }

  /// Notes that random numbers are drawn, which every example has of its own.
  @inline(__always)
  static func noteDraw() {
    if underWay.load(ordering: .relaxed) != 0 { narrowAll { $0.drawn.store(true, ordering: .relaxed) } }
  }

  /// Notes a backward pass to leaves, each of which has one gradient for an example.
  static func noteBackward() {
    if underWay.load(ordering: .relaxed) != 0 { narrowAll { $0.walkedBack.store(true, ordering: .relaxed) } }
  }

  /// Narrows all runs that are under way on this thread.
  static func narrowAll(_ note: (BatchRun) -> Void = { _ in }) {
    var run = current
    while let candidate = run {
      candidate.narrow()
      note(candidate)
      run = candidate.outer
    }
  }

  /// A stand-in for every slice of `[count, ...]` along the first axis.
  func standIn(for batch: Tensor) -> Tensor {
    tensorRequire(
      batch.shape.first == count, "vmap", "a batch of \(count) examples has no shape \(batch.shape)")
    let shape = Array(batch.shape.dropFirst())
    let standIn = StandIn(batch.detached(), run: self)
    var result = Tensor(
      storage: TensorStorage(standIn: standIn, byteCount: shape.reduce(1, *) * batch.dtype.byteSize),
      shape: shape, strides: Tensor.contiguousStrides(shape), offset: 0, dtype: batch.dtype)
    result.node = batch.node
    return result
  }
}

/// What the storage of a stand-in refers to: the batch whose slice it shows.
package final class StandIn: Sendable {
  /// The run in which it stands for every slice.
  let run: BatchRun
  /// `[count, ...]`, without a node: that is the stand-in's.
  let batch: Tensor
  private let first = Mutex<TensorStorage?>(nil)

  fileprivate init(_ batch: Tensor, run: BatchRun) {
    (self.batch, self.run) = (batch, run)
    run.standIns.add(1, ordering: .relaxed)
  }

  deinit { run.standIns.subtract(1, ordering: .relaxed) }

  /// Memory with the elements of the first slice in C order. Who asks for it can do without the others, so
  /// the run is narrowed.
  var memory: TensorStorage {
    run.narrow()
    if let storage = first.withLock({ $0 }) { return storage }
    let storage = noGradient { batch.firstOfBatch().materialized() }.storage
    return first.withLock { first in
      if first == nil { first = storage }
      return first.unsafelyUnwrapped
    }
  }

  /// Whether a tensor with this storage is the slice itself: no view of it with another layout.
  func isWhole(_ tensor: Tensor) -> Bool {
    tensor.offset == 0 && tensor.dtype == batch.dtype && tensor.shape.elementsEqual(batch.shape.dropFirst())
      && tensor.strides == Tensor.contiguousStrides(tensor.shape)
  }
}

extension Tensor {
  /// Whether this is no tensor of its own but stands for every slice of a batch.
  @inline(__always)
  package var isStandIn: Bool { storage.standIn != nil }

  /// The first slice along the first axis.
  func firstOfBatch() -> Tensor { slice(axis: 0, 0..<1).reshaped(Array(shape.dropFirst())) }

  /// The batch behind a stand-in, with its record.
  func behind(_ standIn: StandIn) -> Tensor {
    var batch = standIn.batch
    batch.node = node
    return batch
  }

  /// An ordinary tensor in place of a stand-in, the first slice with its record, and the run narrowed; `self`
  /// otherwise.
  func firstExample() -> Tensor {
    var result = self
    while let standIn = result.storage.standIn { result = result.first(of: standIn) }
    return result
  }

  /// The first slice in place of a stand-in, which may stand in for a run further out.
  func first(of standIn: StandIn) -> Tensor {
    standIn.run.narrow()
    guard standIn.isWhole(self) else { return ofFirstExample() }
    let batch = behind(standIn)
    // The record goes on also where operations are not recorded: it is not this operation that ends it.
    if node != nil, !GradientMode.isEnabled { return GradientMode.with(.on) { batch.firstOfBatch() } }
    return batch.firstOfBatch()
  }

  /// The same layout and record over the memory of the first slice: for results of operations without a rule
  /// that are views of their operand.
  func ofFirstExample() -> Tensor {
    guard let standIn = storage.standIn else { return self }
    var result = Tensor(
      storage: standIn.memory, shape: shape, strides: strides, offset: offset, dtype: dtype)
    result.node = node
    return result
  }
}
