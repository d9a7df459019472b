/// A table of vectors looked up by integer.
open class Embedding: Module {
  /// `[entries, width]`.
  public let weight: Parameter

  /// Entries from a normal distribution.
  public init(
    _ entries: Int, _ width: Int, standardDeviation: Double = 1, using generator: inout RandomGenerator
  ) {
    Initialization.requireExtents([entries, width], "Embedding")
    weight = Parameter(
      Tensor.randomNormal([entries, width], standardDeviation: standardDeviation, using: &generator))
  }

  /// A table around an existing parameter.
  public init(weight: Parameter) { self.weight = weight }

  /// Maps integers of any shape to `indices.shape + [width]`.
  /// - Precondition: every index is that of an entry; a negative one is not counted from the back.
  open func callAsFunction(_ indices: Tensor) -> Tensor {
    let table = weight.tensor
    requireEntries(indices, of: table.shape[0])
    return tensorOperation("Embedding") { table.rows(at: indices) }
  }

  /// Fails for an index that no entry has.
  package final func requireEntries(_ indices: Tensor, of count: Int) {
    tensorRequire(
      !indices.dtype.isFloatingPoint, "Embedding", "indices must be integers, found \(indices.dtype)")
    guard indices.count > 0, indices.dtype != .bool else { return }
    let (least, most) = (
      indices.detached().min().array(of: Int64.self)[0], indices.detached().max().array(of: Int64.self)[0]
    )
    tensorRequire(
      least >= 0 && most < Int64(count), "Embedding",
      "index \(least < 0 ? least : most) is outside \(count) entries")
  }

  open func visitParameters(_ visitor: inout ParameterVisitor) { visitor.add("weight", weight) }

  /// The table as a tensor of floating-point values.
  package var weightValues: Tensor { weight.tensor }
}
