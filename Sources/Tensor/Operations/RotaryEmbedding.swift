import Foundation
import Synchronization

/// Rotary position embedding in the half-split layout of Hugging Face's LLaMA.
///
/// Component `i` and `i + dim / 2` of every head are turned by the angle
/// `position / factor · base^(−2 i / dim)` (Su et al., "RoFormer", 2021; the factor is "position
/// interpolation", Chen et al. 2023, arXiv:2306.15595). The gradient is the turn back.
/// - Parameters:
///   - x: `[tokens, heads, dim]` with an even `dim`.
///   - positions: one for each token, not negative.
///   - base: `rope_theta`.
///   - factor: what positions are divided by, positive; `linear` scaling of `rope_parameters`.
public func rotary(
  _ x: Tensor, positions: [Int32], base: Double = 10_000, factor: Double = 1
) -> Tensor {
  rotated(x, positions: positions, base: base, factor: factor, direction: 1)
}

private func rotated(
  _ x: Tensor, positions: [Int32], base: Double, factor: Double, direction: Double
) -> Tensor {
  tensorRequire(factor > 0, "rotary", "needs a positive factor, found \(factor)")
  tensorRequire(
    x.rank == 3 && x.shape[2] % 2 == 0 && x.shape[0] == positions.count, "rotary",
    "needs [tokens, heads, even dim] and a position per token, found \(x.shape) and \(positions.count) positions"
  )
  tensorRequire(
    positions.allSatisfy { $0 >= 0 }, "rotary", "negative position \(positions.min() ?? 0)")
  tensorRequire(
    Int(positions.max() ?? 0) < (1 << 28) / Swift.max(x.shape[2] / 2, 1), "rotary",
    "position \(positions.max() ?? 0) needs a table of more than \(1 << 28) angles for a width of \(x.shape[2])"
  )
  if x.dtype != x.fusedType {
    return rotated(
      x.to(x.fusedType), positions: positions, base: base, factor: factor, direction: direction
    ).to(x.dtype)
  }
  let source = x.withDenseRows()
  let (tokens, heads, dim) = (x.shape[0], x.shape[1], x.shape[2])
  let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
  let table = RotaryTable.shared(
    base: base, factor: factor, dim: dim, positions: Int(positions.max() ?? 0) + 1)
  func turn<T: FusedScalar>(_: T.Type, _ cosine: [T], _ sine: [T]) {
    Threads.parallel(tokens, grain: rowGrain(heads * dim)) { range in
      positions.withUnsafeBufferPointer { positions in
        T.rotaryKernel(
          source.pointer() + range.lowerBound * source.strides[0], Int64(source.strides[0]),
          result.pointer() + range.lowerBound * heads * dim, positions.baseAddress! + range.lowerBound,
          cosine,
          sine, Int64(range.count), Int64(heads), Int64(dim), T(direction))
      }
    }
  }
  if result.count > 0 {
    if x.dtype == .float32 {
      turn(Float.self, table.cosine32, table.sine32)
    } else {
      turn(Double.self, table.cosine64, table.sine64)
    }
  }
  return x.recorded("rotary", from: x, result) { gradient, _ in
    rotated(gradient, positions: positions, base: base, factor: factor, direction: -direction)
  }
}

extension Tensor {
  /// The tensor without its record, copied unless everything behind the first axis is dense and rows do not
  /// overlap: BLAS takes no distance between rows that is shorter than a row, such as the 0 of an expanded
  /// axis.
  func withDenseRows() -> Tensor {
    let x = detached()
    let row = Array(shape.dropFirst())
    let isDense =
      x.count == 0
      || Array(x.strides.dropFirst()) == Tensor.contiguousStrides(row) && x.strides[0] >= row.reduce(1, *)
    return isDense ? x : x.materialized()
  }
}

/// Cosines and sines of all angles up to some position, `[positions, dim / 2]`.
package final class RotaryTable: Sendable {
  private struct Key: Hashable {
    var base: Double
    var factor: Double
    var dim: Int
  }

  private static let tables = Mutex<[Key: RotaryTable]>([:])

  package let positions: Int
  let cosine64: [Double]
  let sine64: [Double]
  package let cosine32: [Float]
  package let sine32: [Float]

  /// A table of at least that many positions; tables are kept and grow by doubling.
  package static func shared(base: Double, factor: Double = 1, dim: Int, positions: Int) -> RotaryTable {
    tables.withLock { tables in
      let key = Key(base: base, factor: factor, dim: dim)
      if let table = tables[key], table.positions >= positions { return table }
      var size = 512
      while size < positions { size *= 2 }
      let table = RotaryTable(base: base, factor: factor, dim: dim, positions: size)
      tables[key] = table
      return table
    }
  }

  private init(base: Double, factor: Double, dim: Int, positions: Int) {
    self.positions = positions
    let half = dim / 2
    let frequencies = (0..<half).map { pow(base, -2 * Double($0) / Double(dim)) / factor }
    let angles = (0..<positions * half).map { Double($0 / half) * frequencies[$0 % half] }
    cosine64 = angles.map { cos($0) }
    sine64 = angles.map { sin($0) }
    cosine32 = cosine64.map { Float($0) }
    sine32 = sine64.map { Float($0) }
  }
}
