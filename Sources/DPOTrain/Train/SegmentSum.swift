import Tensor

/// Sums of a flat list by segment, `[n]` to `[segments]`, with gradients.
///
/// - Parameters:
///   - values: `[n]`.
///   - segments: The segment of each value.
///   - count: Number of segments.
///   - weights: What each value is multiplied with; 1 when nil.
package func segmentSums(_ values: Tensor, segments: [Int], count: Int, weights: [Float]? = nil) -> Tensor {
  var indicator = [Float](repeating: 0, count: count * segments.count)
  for (index, segment) in segments.enumerated() {
    indicator[segment * segments.count + index] = weights?[index] ?? 1
  }
  let matrix = Tensor(indicator, shape: [count, segments.count]).to(values.dtype)
  return matrix.matmul(values.reshaped([segments.count, 1])).reshaped([count])
}
