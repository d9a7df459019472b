// Gradients inside of a function that runs for a batch. The record is one of batches: what arrives at the
// node of a stand-in has the axes of the batches of all runs around it.

extension Tensor {
  /// A stand-in whose batches can be computed with, or the slice in its place.
  func settled() -> Tensor {
    guard let standIn = storage.standIn else { return self }
    guard standIn.run.isForBatch, standIn.isWhole(self) else { return first(of: standIn).settled() }
    if !standIn.batch.isStandIn { return self }
    let batch = behind(standIn).settled()
    return batch.storage === standIn.batch.storage ? self : standIn.run.standIn(for: batch)
  }

  /// This gradient as it arrives at the node of `other`, which is settled.
  func lifted(like other: Tensor) -> Tensor {
    guard let standIn = other.storage.standIn else { return firstExample() }
    var result = settled()
    while let own = result.storage.standIn, own.run !== standIn.run, own.run.depth >= standIn.run.depth {
      result = result.first(of: own).settled()
    }
    if let own = result.storage.standIn, own.run === standIn.run {
      result = result.behind(own)
    } else {
      result = result.expanded(to: [standIn.run.count] + result.shape)
    }
    return result.lifted(like: standIn.batch)
  }

  /// What arrived at the node of `other`, as a gradient of it.
  func lowered(like other: Tensor) -> Tensor {
    guard let standIn = other.storage.standIn else { return self }
    return standIn.run.standIn(for: lowered(like: standIn.batch))
  }
}

extension BatchRun {
  /// A tensor as a stand-in of this run and those around it, as far as they are for batches.
  func spread(_ tensor: Tensor) -> Tensor {
    let tensor = tensor.settled()
    if isNarrowed { return outer?.spread(tensor) ?? tensor }
    if let own = tensor.storage.standIn, own.run === self {
      guard let outer else { return tensor }
      return standIn(for: outer.spread(tensor.behind(own)))
    }
    let slice = outer?.spread(tensor) ?? tensor
    return standIn(for: slice.expanded(to: [count] + slice.shape))
  }
}
