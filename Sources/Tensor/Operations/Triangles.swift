extension Tensor {
  /// The lower triangle of the last two axes, zero above it.
  /// - Parameter diagonal: the last diagonal that is kept; 0 is the main one.
  public func lowerTriangle(diagonal: Int = 0) -> Tensor {
    triangle("lowerTriangle", diagonal, isLower: true)
  }

  /// The upper triangle of the last two axes, zero below it.
  /// - Parameter diagonal: the first diagonal that is kept; 0 is the main one.
  public func upperTriangle(diagonal: Int = 0) -> Tensor {
    triangle("upperTriangle", diagonal, isLower: false)
  }

  private func triangle(_ name: StaticString, _ diagonal: Int, isLower: Bool) -> Tensor {
    tensorRequire(rank >= 2, "\(name)", "needs at least two axes, found shape \(shape)")
    if isStandIn { return overBatch { x, _ in x.triangle(name, diagonal, isLower: isLower) } }
    let (rows, columns) = (shape[rank - 2], shape[rank - 1])
    // Beyond the corners nothing changes any more; the sum with a row's number cannot overflow then.
    let diagonal = Swift.min(Swift.max(diagonal, -rows), columns)
    let source = detached().contiguous()
    let result = Tensor(uninitialized: shape, dtype: dtype)
    let size = dtype.byteSize
    let (input, output) = (source.rawPointer, result.rawPointer)
    if count > 0 {
      Threads.parallel(count / columns, grain: Swift.max(1, (1 << 16) / (columns * size))) { range in
        for line in range {
          let row = line % rows
          let edge = Swift.min(Swift.max(row + diagonal + (isLower ? 1 : 0), 0), columns)
          let kept = isLower ? 0..<edge : edge..<columns
          let start = output + line * columns * size
          start.zero(byteCount: kept.lowerBound * size)
          (start + kept.lowerBound * size).copyMemory(
            from: input + (line * columns + kept.lowerBound) * size, byteCount: kept.count * size)
          (start + kept.upperBound * size).zero(byteCount: (columns - kept.upperBound) * size)
        }
      }
    }
    return recorded(name, from: self, result) { gradient, _ in
      gradient.triangle(name, diagonal, isLower: isLower)
    }
  }
}
