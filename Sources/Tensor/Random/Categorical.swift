#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

extension Tensor {
  /// Classes drawn from distributions along the last axis, given by logits: class `i` with probability
  /// `softmax(logits)[i]`.
  /// - Parameters:
  ///   - logits: `[..., classes]`; −∞ rules a class out.
  ///   - samples: how many to draw from each distribution; nil for one without an axis of its own.
  /// - Returns: int64 `[...]`, or `[..., samples]`.
  /// - Precondition: every row has a finite logit and no NaN or +∞.
  public static func randomCategorical(
    logits: Tensor, samples: Int? = nil, using generator: inout RandomGenerator
  ) -> Tensor {
    categorical("randomCategorical(logits:)", logits, samples, &generator, weights: exponentials)
  }

  /// Classes drawn from distributions along the last axis, given by weights that need not add up to 1.
  /// - Parameters:
  ///   - probabilities: `[..., classes]`, none negative.
  ///   - samples: how many to draw from each distribution; nil for one without an axis of its own.
  /// - Returns: int64 `[...]`, or `[..., samples]`.
  /// - Precondition: the weights of every row are finite, not negative and not all zero.
  public static func randomCategorical(
    probabilities: Tensor, samples: Int? = nil, using generator: inout RandomGenerator
  ) -> Tensor {
    categorical("randomCategorical(probabilities:)", probabilities, samples, &generator) { Array($0) }
  }

  private static func categorical(
    _ operation: String, _ rows: Tensor, _ samples: Int?, _ generator: inout RandomGenerator,
    weights: (ArraySlice<Double>) -> [Double]
  ) -> Tensor {
    tensorRequire(
      rows.rank > 0 && (samples ?? 0) >= 0, operation,
      "needs an axis of classes and no negative count, found shape \(rows.shape) and \(samples ?? 1) samples")
    let (classes, count) = (rows.shape[rows.rank - 1], samples ?? 1)
    let outer = Array(rows.shape.dropLast())
    tensorRequire(
      elementCount(outer + [count]) != nil, operation,
      "\(count) samples of shape \(rows.shape) are beyond all memory")
    let values = rows.array(of: Double.self)
    let distributions = outer.reduce(1, *)
    // Sums from the front: class i owns the numbers from sums[i - 1] to sums[i].
    let sums = (0..<distributions).flatMap { row -> [Double] in
      var total = 0.0
      let sums = weights(values[row * classes..<(row + 1) * classes]).map { weight -> Double in
        total += weight >= 0 ? weight : .nan
        return total
      }
      tensorRequire(
        total > 0 && total.isFinite, operation,
        "row \(row) is no distribution: \(values[row * classes..<(row + 1) * classes].prefix(8))")
      return sums
    }
    let result = drawn([distributions, count], draws: 1, as: Int64.self, using: &generator) {
      generator, index in
      let first = index / count * classes
      let last = first + classes - 1
      let target = generator.uniform() * sums[last]
      // The first class whose sum lies above the target.
      var (low, high) = (first, last)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] > target { high = middle } else { low = middle + 1 }
      }
      // Rounding can lead past the last class that has any weight.
      while low > first && sums[low] == sums[low - 1] { low -= 1 }
      return Int64(low - first)
    }
    return result.reshaped(outer + (samples.map { [$0] } ?? []))
  }
}

/// `exp(x)` of a row, divided by the largest of them.
private func exponentials(_ row: ArraySlice<Double>) -> [Double] {
  let top = row.max() ?? 0
  return row.map { exp($0 - top) }
}
