/// The order of the first two axes of ``Tensor/meshgrid(_:indexing:)``.
public enum MeshIndexing: String, Sendable, CaseIterable {
  /// The first vector runs along the columns, as in drawings: NumPy's default.
  case xy
  /// Every vector runs along the axis of its number, as in matrices: PyTorch's default.
  case ij
}

extension Tensor {
  /// The coordinates of all points of the grid that vectors span, NumPy's `meshgrid`.
  /// - Parameters:
  ///   - vectors: the coordinates along each axis; a tensor without axes counts as one coordinate.
  ///   - indexing: whether the first two axes are exchanged.
  /// - Returns: for each vector a tensor of the grid's shape, `[n0, n1, n2, …]` with ``MeshIndexing/ij`` and
  ///   `[n1, n0, n2, …]` with ``MeshIndexing/xy``, as a view.
  public static func meshgrid(_ vectors: [Tensor], indexing: MeshIndexing = .xy) -> [Tensor] {
    tensorRequire(
      vectors.allSatisfy { $0.rank <= 1 }, "meshgrid",
      "needs vectors, found shapes \(vectors.map(\.shape))")
    return tensorOperation("meshgrid") {
      let isExchanged = indexing == .xy && vectors.count >= 2
      var places = Array(vectors.indices)
      var shape = vectors.map(\.count)
      if isExchanged {
        places.swapAt(0, 1)
        shape.swapAt(0, 1)
      }
      return zip(vectors, places).map { vector, place in
        var own = [Int](repeating: 1, count: vectors.count)
        own[place] = vector.count
        return vector.reshaped(own).expanded(to: shape)
      }
    }
  }

  /// Tensors expanded to the shape they have in common, as views, NumPy's `broadcast_arrays`.
  /// - Precondition: the shapes can be broadcast.
  public static func broadcast(_ tensors: [Tensor]) -> [Tensor] {
    tensorOperation("broadcast") {
      let shape = tensors.reduce([]) { broadcastShape($0, $1.shape, "broadcast") }
      return tensors.map { $0.expanded(to: shape) }
    }
  }
}
