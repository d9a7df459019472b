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
    let keyHead = head / shape.group * dim
    let keyGradientStride = shape.keyHeads * dim
    let token = view.queries.lowerBound + rows.lowerBound
    let q = query + token * shape.queryStride + head * dim
    let outputOffset = token * shape.outputStride + head * dim
    let dO = outputGradient + outputOffset
    MemoryPool.withScratch(T.self, count: 2 * rows.count * ld) { scores in
      let dP = scores + rows.count * ld
      view.forEachRun(limit: columns) { start, column, count in
        BLAS.gemm(
          rows.count, count, dim, q, lda: shape.queryStride, key + start * shape.keyStride + keyHead,
          ldb: shape.keyStride, transB: true, scores + column, ldc: ld)
        BLAS.gemm(
          rows.count, count, dim, dO, lda: shape.outputStride, value + start * shape.valueStride + keyHead,
          ldb: shape.valueStride, transB: true, dP + column, ldc: ld)
      }
      T.attentionSoftmaxBackwardKernel(
        scores, dP, Int64(ld), Int64(rows.count), Int64(columns), Int64(view.visible + rows.lowerBound),
        scale,
        lse + token * shape.heads + head, Int64(shape.heads), output + outputOffset, dO,
        Int64(shape.outputStride), Int64(dim))
      view.forEachRun(limit: columns) { start, column, count in
        let gradientOffset = start * keyGradientStride + keyHead
        BLAS.gemm(
          count, dim, rows.count, scores + column, lda: ld, transA: true, dO, ldb: shape.outputStride,
          beta: 1,
          valueGradient + gradientOffset, ldc: keyGradientStride)
        BLAS.gemm(
          count, dim, rows.count, dP + column, lda: ld, transA: true, q, ldb: shape.queryStride, beta: 1,
          keyGradient + gradientOffset, ldc: keyGradientStride)
        BLAS.gemm(
          rows.count, dim, count, dP + column, lda: ld, key + start * shape.keyStride + keyHead,
          ldb: shape.keyStride, beta: column == 0 ? 0 : 1, queryGradient + outputOffset,
          ldc: shape.outputStride)
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
              1, count, shape.dim, query + row * shape.queryStride + head * shape.dim, lda: shape.queryStride,
              key + start * shape.keyStride + head / shape.group * shape.dim, ldb: shape.keyStride,
              transB: true,
              scores + column, ldc: columns)
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
