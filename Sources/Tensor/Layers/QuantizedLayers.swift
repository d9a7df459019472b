/// A frozen linear layer whose weight stays in quantised blocks.
///
/// Its parameter `weight` holds the bytes, `[outputs, bytes of a row]`.
public final class QuantizedLinear: Linear {
  /// The weight, `[outputs, inputs]`.
  public let matrix: QuantizedMatrix

  /// A layer around a matrix.
  public init(_ matrix: QuantizedMatrix, bias: Parameter? = nil) {
    self.matrix = matrix
    super.init(weight: Parameter(matrix), bias: bias)
  }

  public override func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, weight: matrix, bias: bias?.tensor)
  }

  package override var weightShape: [Int] { matrix.shape }
  package override var weightValues: Tensor { matrix.expanded() }
  package override var rowForm: RowForm? { RowForm(weight: StoredMatrix(matrix), bias: bias?.tensor) }
  package override var frozenMap: FrozenMap? {
    bias?.tensor.requiresGradient ?? false ? nil : FrozenMap(weight: matrix, bias: bias?.tensor)
  }
}

/// A frozen table of vectors that stays in quantised blocks; looking up gives Float32.
///
/// Its parameter `weight` holds the bytes, `[entries, bytes of a row]`.
public final class QuantizedEmbedding: Embedding {
  /// The table, `[entries, width]`.
  public let matrix: QuantizedMatrix

  /// A table around a matrix.
  public init(_ matrix: QuantizedMatrix) {
    self.matrix = matrix
    super.init(weight: Parameter(matrix))
  }

  public override func callAsFunction(_ indices: Tensor) -> Tensor {
    requireEntries(indices, of: matrix.shape[0])
    return matrix.rows(at: indices)
  }

  package override var weightValues: Tensor { matrix.expanded() }
}
