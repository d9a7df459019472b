/// Sizes and row strides of the operands of one attention call; heads of a row are contiguous.
package struct AttentionShape {
  var heads: Int
  var keyHeads: Int
  var dim: Int
  var queryStride: Int
  var keyStride: Int
  var valueStride: Int

  package init(heads: Int, keyHeads: Int, dim: Int, queryStride: Int, keyStride: Int, valueStride: Int) {
    self.heads = heads
    self.keyHeads = keyHeads
    self.dim = dim
    self.queryStride = queryStride
    self.keyStride = keyStride
    self.valueStride = valueStride
  }

  /// Query heads per key head.
  var group: Int { heads / keyHeads }
  /// Row stride of outputs and gradients, which are dense.
  var outputStride: Int { heads * dim }
}

/// One head of some rows, `[rows, dim]`, of each operand.
extension AttentionShape {
  @inline(__always)
  func queries<T>(_ base: UnsafePointer<T>, _ first: Int, _ head: Int, rows: Int) -> MatrixView<T> {
    MatrixView(base + first * queryStride + head * dim, rows: rows, columns: dim, rowStride: queryStride)
  }

  @inline(__always)
  func keys<T>(_ base: UnsafePointer<T>, _ first: Int, _ keyHead: Int, rows: Int) -> MatrixView<T> {
    MatrixView(base + first * keyStride + keyHead * dim, rows: rows, columns: dim, rowStride: keyStride)
  }

  @inline(__always)
  func values<T>(_ base: UnsafePointer<T>, _ first: Int, _ keyHead: Int, rows: Int) -> MatrixView<T> {
    MatrixView(base + first * valueStride + keyHead * dim, rows: rows, columns: dim, rowStride: valueStride)
  }

  /// Of the output, its gradient and the gradient of the queries.
  @inline(__always)
  func outputs<T>(
    _ base: UnsafeMutablePointer<T>, _ first: Int, _ head: Int, rows: Int
  ) -> MutableMatrixView<T> {
    MutableMatrixView(
      base + first * outputStride + head * dim, rows: rows, columns: dim, rowStride: outputStride)
  }

  /// Of the gradients of keys and values.
  @inline(__always)
  func keyGradients<T>(
    _ base: UnsafeMutablePointer<T>, _ first: Int, _ keyHead: Int, rows: Int
  ) -> MutableMatrixView<T> {
    let stride = keyHeads * dim
    return MutableMatrixView(
      base + first * stride + keyHead * dim, rows: rows, columns: dim, rowStride: stride)
  }
}

/// Attention on raw memory: scores block by block, never for a whole sequence pair at once.
package enum AttentionKernels {
  /// Gradients of all operands, dense and with the shapes of the operands. The outputs must hold zeros.
  ///
  /// One task owns a key head of all segments that share key rows, so that sums have one order.
  package static func backward<T: FusedScalar>(
    _ layout: AttentionLayout, _ shape: AttentionShape, scale: T, query: UnsafePointer<T>,
    key: UnsafePointer<T>,
    value: UnsafePointer<T>, output: UnsafePointer<T>, lse: UnsafePointer<T>,
    outputGradient: UnsafePointer<T>,
    queryGradient: UnsafeMutablePointer<T>, keyGradient: UnsafeMutablePointer<T>,
    valueGradient: UnsafeMutablePointer<T>
  ) {
    let groups = AttentionView.groupedByKeys(layout)
    let cost = groups.reduce(0) { $0 + $1.reduce(0) { $0 + $1.cost } } * shape.heads * shape.dim * 2
    run(groups.count * shape.keyHeads, work: cost) { task in
      let keyHead = task % shape.keyHeads
      for view in groups[task / shape.keyHeads] {
        for head in keyHead * shape.group..<(keyHead + 1) * shape.group {
          for start in stride(from: 0, to: view.queries.count, by: view.blockSize) {
            backwardBlock(
              view, head, start..<min(view.queries.count, start + view.blockSize), shape, scale: scale,
              query: query, key: key, value: value, output: output, lse: lse, outputGradient: outputGradient,
              queryGradient: queryGradient, keyGradient: keyGradient, valueGradient: valueGradient)
          }
        }
      }
    }
  }

  private static func backwardBlock<T: FusedScalar>(
    _ view: AttentionView, _ head: Int, _ rows: Range<Int>, _ shape: AttentionShape, scale: T,
    query: UnsafePointer<T>, key: UnsafePointer<T>, value: UnsafePointer<T>, output: UnsafePointer<T>,
    lse: UnsafePointer<T>, outputGradient: UnsafePointer<T>, queryGradient: UnsafeMutablePointer<T>,
    keyGradient: UnsafeMutablePointer<T>, valueGradient: UnsafeMutablePointer<T>
  ) {
    let dim = shape.dim
    let columns = view.columns(until: rows.upperBound)
    let ld = (columns + 15) / 16 * 16
    let keyHead = head / shape.group
    let token = view.queries.lowerBound + rows.lowerBound
    let q = shape.queries(query, token, head, rows: rows.count)
    let outputOffset = token * shape.outputStride + head * dim
    let dO = MatrixView(
      outputGradient + outputOffset, rows: rows.count, columns: dim, rowStride: shape.outputStride)
    MemoryPool.withScratch(T.self, count: 2 * rows.count * ld) { scores in
      let dP = scores + rows.count * ld
      view.forEachRun(limit: columns) { start, column, count in
        BLAS.gemm(
          q, shape.keys(key, start, keyHead, rows: count).transposed,
          into: MutableMatrixView(scores + column, rows: rows.count, columns: count, rowStride: ld))
        BLAS.gemm(
          dO, shape.values(value, start, keyHead, rows: count).transposed,
          into: MutableMatrixView(dP + column, rows: rows.count, columns: count, rowStride: ld))
      }
      T.attentionSoftmaxBackwardKernel(
        scores, dP, Int64(ld), Int64(rows.count), Int64(columns), Int64(view.visible + rows.lowerBound),
        scale,
        lse + token * shape.heads + head, Int64(shape.heads), output + outputOffset,
        dO.base, Int64(shape.outputStride), Int64(dim))
      view.forEachRun(limit: columns) { start, column, count in
        let p = MatrixView(scores + column, rows: rows.count, columns: count, rowStride: ld)
        let dS = MatrixView(dP + column, rows: rows.count, columns: count, rowStride: ld)
        BLAS.gemm(
          p.transposed, dO, beta: 1, into: shape.keyGradients(valueGradient, start, keyHead, rows: count))
        BLAS.gemm(
          dS.transposed, q, beta: 1, into: shape.keyGradients(keyGradient, start, keyHead, rows: count))
        BLAS.gemm(
          dS, shape.keys(key, start, keyHead, rows: count), beta: column == 0 ? 0 : 1,
          into: shape.outputs(queryGradient, token, head, rows: rows.count))
      }
    }
  }

  /// Writes the probabilities of chosen query rows, `[rows, heads, keyCount]`, zero where a key is not
  /// visible.
  package static func probabilities<T: FusedScalar>(
    _ layout: AttentionLayout, _ shape: AttentionShape, scale: T, rows: [Int], keyCount: Int,
    query: UnsafePointer<T>, key: UnsafePointer<T>, result: UnsafeMutablePointer<T>
  ) {
    let views = layout.segments.map(AttentionView.init)
    run(rows.count, work: rows.count * keyCount * shape.heads * shape.dim) { index in
      let row = rows[index]
      let out = result + index * shape.heads * keyCount
      out.zero(count: shape.heads * keyCount)
      guard let view = views.first(where: { $0.queries.contains(row) }) else { return }
      let columns = view.columns(until: row - view.queries.lowerBound + 1)
      MemoryPool.withScratch(T.self, count: columns + 1) { scores in
        for head in 0..<shape.heads {
          view.forEachRun(limit: columns) { start, column, count in
            BLAS.gemm(
              shape.queries(query, row, head, rows: 1),
              shape.keys(key, start, head / shape.group, rows: count).transposed,
              into: MutableMatrixView(scores + column, rows: 1, columns: count, rowStride: columns))
          }
          T.attentionSoftmaxKernel(
            scores, Int64(columns), 1, Int64(columns), Int64(columns), scale, scores + columns, 1)
          view.forEachRun(limit: columns) { start, column, count in
            (out + head * keyCount + start).update(from: scores + column, count: count)
          }
        }
      }
    }
  }

  /// Threads only where they pay.
  static func run(_ count: Int, work: Int, _ body: (Int) -> Void) {
    if work < 1 << 17 {
      for index in 0..<count { body(index) }
    } else {
      Threads.forEachTask(count, body)
    }
  }
}
