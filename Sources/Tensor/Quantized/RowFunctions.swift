import CTensorKernels

/// What a decoder does to a few rows besides products, on raw memory.
package enum RowFunctions {
  /// `output = x / √(mean(x²) + epsilon) · weight` for rows of `width`.
  package static func rmsNorm(
    _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, epsilon: Float,
    into output: UnsafeMutablePointer<Float>, inverseDeviations: UnsafeMutablePointer<Float>, rows: Int,
    width: Int
  ) {
    tk_rms_norm_f32(x, weight, epsilon, output, inverseDeviations, Int64(rows), Int64(width))
  }

  /// `gate = silu(gate) · up`.
  package static func swiGLU(_ gate: UnsafeMutablePointer<Float>, _ up: UnsafePointer<Float>, count: Int) {
    Threads.parallel(count, grain: 1 << 13) { range in
      tk_swiglu_f32(
        gate + range.lowerBound, up + range.lowerBound, gate + range.lowerBound, Int64(range.count))
    }
  }

  /// Turns the heads of one token in place; see ``rotary(_:positions:base:)``.
  package static func rotate(
    _ x: UnsafeMutablePointer<Float>, heads: Int, dim: Int, position: Int32, _ table: RotaryTable
  ) {
    var position = position
    tk_rotary_f32(
      x, Int64(heads * dim), x, &position, table.cosine32, table.sine32, 1, Int64(heads), Int64(dim), 1)
  }

  /// The heads of a query that share a key head: `output = softmax(scale · query keysᵀ) values`.
  ///
  /// - Parameters:
  ///   - query: `[group, dim]`.
  ///   - keys: the first of `count` rows, `stride` apart, and so `values`.
  ///   - scores: room for `group · (count + 1)` numbers.
  ///   - output: `[group, dim]`.
  package static func attention(
    group: Int, dim: Int, count: Int, stride: Int, scale: Float, query: UnsafePointer<Float>,
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, scores: UnsafeMutablePointer<Float>,
    output: UnsafeMutablePointer<Float>
  ) {
    let lse = scores + group * count
    let (group, dim, count, stride) = (Int64(group), Int64(dim), Int64(count), Int64(stride))
    tk_small_product_f32(group, count, dim, 1, query, dim, keys, stride, 0, scores, count)
    tk_attention_softmax_f32(scores, count, group, count, count, scale, lse, 1)
    tk_weighted_rows_f32(group, dim, count, scores, count, values, stride, output, dim)
  }
}
