extension Tensor {
  /// Zeros in the shape of another tensor and of its type, unless another one is named, NumPy's `zeros_like`.
  public static func zeros(like other: Tensor, dtype: DType? = nil) -> Tensor {
    zeros(other.shape, dtype: dtype ?? other.dtype)
  }

  /// Ones in the shape of another tensor and of its type, unless another one is named, NumPy's `ones_like`.
  public static func ones(like other: Tensor, dtype: DType? = nil) -> Tensor {
    ones(other.shape, dtype: dtype ?? other.dtype)
  }

  /// A tensor in the shape of another one and of its type, unless another one is named, with every element
  /// set to `value`, NumPy's `full_like`.
  /// - Precondition: an integer type holds the number; what comes after its point is cut.
  public static func full<Number: TensorScalar>(like other: Tensor, _ value: Number, dtype: DType? = nil)
    -> Tensor
  {
    full(other.shape, value, dtype: dtype ?? other.dtype)
  }
}
