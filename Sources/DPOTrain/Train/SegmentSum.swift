import Tensor

/// Sums of a flat list by segment, `[n]` to `[segments]`, with gradients.
///
/// - Parameters:
///   - values: `[n]`.
///   - segments: The segment of each value.
///   - count: Number of segments.
package func segmentSums(_ values: Tensor, segments: [Int], count: Int) -> Tensor {
  var indicator = [Float](repeating: 0, count: count * segments.count)
  for (index, segment) in segments.enumerated() { indicator[segment * segments.count + index] = 1 }
  let matrix = Tensor(indicator, shape: [count, segments.count]).to(values.dtype)
  return matrix.matmul(values.reshaped([segments.count, 1])).reshaped([count])
}
