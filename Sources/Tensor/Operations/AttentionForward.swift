import CTensorKernels

/// Sizes; queries, keys and values, each with the distance between its rows; outputs and log-sum-exps
/// likewise; scratch memory. See `tk_packed_attention_f32`.
package typealias PackedAttentionKernel<T> = (
  _ heads: Int64, _ rows: Int64, _ columns: Int64, _ dim: Int64, _ visible: Int64, _ scale: T,
  UnsafePointer<T>?, Int64, UnsafePointer<T>?, Int64, UnsafePointer<T>?, Int64,
  UnsafeMutablePointer<T>?, Int64, UnsafeMutablePointer<T>?, Int64, UnsafeMutablePointer<T>?
) -> Void

extension AttentionKernels {
  /// Query rows of some heads of one segment.
  private struct Task {
    var view: Int
    var heads: Range<Int>
    var rows: Range<Int>
  }

  /// Queries and numbers per head below which packing keys and values costs more than it brings.
  private static let (fewestPackedRows, fewestPackedDimensions) = (16, 8)

  /// Writes `o` `[tokens, heads, dim]` and the log-sum-exp of the scaled scores `lse` `[tokens, heads]` of
  /// the rows that belong to a segment.
  package static func forward<T: FusedScalar>(
    _ layout: AttentionLayout, _ shape: AttentionShape, scale: T, query: UnsafePointer<T>,
    key: UnsafePointer<T>,
    value: UnsafePointer<T>, output: UnsafeMutablePointer<T>, lse: UnsafeMutablePointer<T>
  ) {
    let views = layout.segments.filter { !$0.queries.isEmpty }.map(AttentionView.init)
      .enumerated().sorted {
        $0.element.cost != $1.element.cost ? $0.element.cost > $1.element.cost : $0.offset < $1.offset
      }
      .map(\.element)
    func kernel(_ view: AttentionView) -> PackedAttentionKernel<T>? {
      let isSmall = view.queries.count < fewestPackedRows || shape.dim < fewestPackedDimensions
      return isSmall ? nil : T.packedAttentionKernel
    }
    var tasks: [Task] = []
    for (index, view) in views.enumerated() {
      let isPacked = kernel(view) != nil
      let group = isPacked ? max(1, shape.group) : 1
      let size = isPacked ? packedRows(view, tasks: views.count * shape.keyHeads) : view.blockSize
      for head in stride(from: 0, to: shape.heads, by: group) {
        var start = view.queries.count
        while start > 0 {
          let begin = max(0, start - size)
          tasks.append(Task(view: index, heads: head..<head + group, rows: begin..<start))
          start = begin
        }
      }
    }
    run(tasks.count, work: views.reduce(0) { $0 + $1.cost } * shape.heads * shape.dim) { index in
      let task = tasks[index]
      let view = views[task.view]
      if let kernel = kernel(view) {
        forwardPacked(
          view, task.heads, task.rows, shape, scale: scale, query: query, key: key, value: value,
          output: output, lse: lse, kernel)
      } else {
        forwardBlock(
          view, task.heads.lowerBound, task.rows, shape, scale: scale, query: query, key: key, value: value,
          output: output, lse: lse)
      }
    }
  }

  /// Queries for which keys and values are packed once: all of the segment unless threads would find too few
  /// of the `tasks`.
  private static func packedRows(_ view: AttentionView, tasks: Int) -> Int {
    let parts = (4 * Threads.count + tasks - 1) / tasks
    return max(64, ((view.queries.count + parts - 1) / parts + 31) / 32 * 32)
  }

  private static func forwardPacked<T: FusedScalar>(
    _ view: AttentionView, _ heads: Range<Int>, _ rows: Range<Int>, _ shape: AttentionShape, scale: T,
    query: UnsafePointer<T>, key: UnsafePointer<T>, value: UnsafePointer<T>, output: UnsafeMutablePointer<T>,
    lse: UnsafeMutablePointer<T>, _ kernel: PackedAttentionKernel<T>
  ) {
    let columns = view.columns(until: rows.upperBound)
    let (dim, head) = (shape.dim, heads.lowerBound)
    let keyHead = head / shape.group * dim
    let token = view.queries.lowerBound + rows.lowerBound
    let needed = Int(tk_packed_attention_scratch(Int64(columns), Int64(dim)))
    // Keys of several runs are laid side by side.
    let gathered = view.runs.count > 1 ? columns * dim : 0
    MemoryPool.withScratch(T.self, count: needed + 2 * gathered) { scratch in
      let (keys, values) = (scratch, scratch + gathered)
      if gathered > 0 {
        view.forEachRun(limit: columns) { start, column, count in
          for i in 0..<count {
            let (from, to) = (start + i, (column + i) * dim)
            (keys + to).update(from: key + from * shape.keyStride + keyHead, count: dim)
            (values + to).update(from: value + from * shape.valueStride + keyHead, count: dim)
          }
        }
      }
      let first = view.runs[0].key
      kernel(
        Int64(heads.count), Int64(rows.count), Int64(columns), Int64(dim),
        Int64(view.visible + rows.lowerBound), scale,
        query + token * shape.queryStride + head * dim, Int64(shape.queryStride),
        gathered > 0 ? UnsafePointer(keys) : key + first * shape.keyStride + keyHead,
        Int64(gathered > 0 ? dim : shape.keyStride),
        gathered > 0 ? UnsafePointer(values) : value + first * shape.valueStride + keyHead,
        Int64(gathered > 0 ? dim : shape.valueStride),
        output + token * shape.outputStride + head * dim, Int64(shape.outputStride),
        lse + token * shape.heads + head, Int64(shape.heads), scratch + 2 * gathered)
    }
  }

  private static func forwardBlock<T: FusedScalar>(
    _ view: AttentionView, _ head: Int, _ rows: Range<Int>, _ shape: AttentionShape, scale: T,
    query: UnsafePointer<T>, key: UnsafePointer<T>, value: UnsafePointer<T>, output: UnsafeMutablePointer<T>,
    lse: UnsafeMutablePointer<T>
  ) {
    let columns = view.columns(until: rows.upperBound)
    let ld = (columns + 15) / 16 * 16
    let keyHead = head / shape.group
    let token = view.queries.lowerBound + rows.lowerBound
    MemoryPool.withScratch(T.self, count: rows.count * ld) { scores in
      view.forEachRun(limit: columns) { start, column, count in
        BLAS.gemm(
          shape.queries(query, token, head, rows: rows.count),
          shape.keys(key, start, keyHead, rows: count).transposed,
          into: MutableMatrixView(scores + column, rows: rows.count, columns: count, rowStride: ld))
      }
      T.attentionSoftmaxKernel(
        scores, Int64(ld), Int64(rows.count), Int64(columns), Int64(view.visible + rows.lowerBound), scale,
        lse + token * shape.heads + head, Int64(shape.heads))
      view.forEachRun(limit: columns) { start, column, count in
        BLAS.gemm(
          MatrixView(scores + column, rows: rows.count, columns: count, rowStride: ld),
          shape.values(value, start, keyHead, rows: count), beta: column == 0 ? 0 : 1,
          into: shape.outputs(output, token, head, rows: rows.count))
      }
    }
  }
}
