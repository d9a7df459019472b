import Foundation
import Synchronization

/// Rotary position embedding in the half-split layout of Hugging Face's LLaMA.
///
/// Component `i` and `i + dim / 2` of every head are turned by the angle
/// `position / factor · base^(−2 i / dim)`. The gradient is the turn back.
/// - Parameters:
///   - x: `[tokens, heads, dim]` with an even `dim`.
///   - positions: one for each token, not negative.
///   - base: `rope_theta`.
///   - factor: what positions are divided by, positive; `linear` scaling of `rope_parameters`.
public func rotary(
  _ x: Tensor, positions: [Int32], base: Double = 10_000, factor: Double = 1
) -> Tensor {
  tensorRequire(factor > 0, "rotary", "needs a positive factor, found \(factor)")
  requireHeads(x, positions)
  return rotary(x, positions: positions, angles: RotaryAngles(base: base, dim: x.shape[2], factor: factor))
}

/// Rotary position embedding by any angles, in the half-split layout of Hugging Face's LLaMA.
///
/// Component `i` and `i + dim / 2` of every head are turned by `position · frequencies[i]` and multiplied by
/// the magnitude. The gradient is the turn back, multiplied likewise.
/// - Parameters:
///   - x: `[tokens, heads, dim]` with a `dim` of twice the number of angles.
///   - positions: one for each token, not negative.
///   - angles: the angle of each pair of components at position 1.
public func rotary(_ x: Tensor, positions: [Int32], angles: RotaryAngles) -> Tensor {
  requireHeads(x, positions)
  tensorRequire(
    x.shape[2] == 2 * angles.frequencies.count, "rotary",
    "needs an angle for each pair of \(x.shape[2]) components, found \(angles.frequencies.count)")
  return rotated(x, positions: positions, angles: angles, direction: 1)
}

private func requireHeads(_ x: Tensor, _ positions: [Int32]) {
  tensorRequire(
    x.rank == 3 && x.shape[2] % 2 == 0 && x.shape[0] == positions.count, "rotary",
    "needs [tokens, heads, even dim] and a position per token, found \(x.shape) and \(positions.count) "
      + "positions"
  )
  tensorRequire(
    positions.allSatisfy { $0 >= 0 }, "rotary", "negative position \(positions.min() ?? 0)")
  tensorRequire(
    Int(positions.max() ?? 0) < (1 << 28) / Swift.max(x.shape[2] / 2, 1), "rotary",
    "position \(positions.max() ?? 0) needs a table of more than \(1 << 28) angles for a width of "
      + "\(x.shape[2])"
  )
}

private func rotated(_ x: Tensor, positions: [Int32], angles: RotaryAngles, direction: Double) -> Tensor {
  if x.dtype != x.fusedType {
    return rotated(x.to(x.fusedType), positions: positions, angles: angles, direction: direction).to(x.dtype)
  }
  let source = x.withDenseRows()
  let (tokens, heads, dim) = (x.shape[0], x.shape[1], x.shape[2])
  let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
  let table = RotaryTable.shared(angles, positions: Int(positions.max() ?? 0) + 1)
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
    rotated(gradient, positions: positions, angles: angles, direction: -direction)
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

/// Cosines and sines of all angles up to some position, times the magnitude: `[positions, dim / 2]`.
package final class RotaryTable: Sendable {
  private static let tables = Mutex<[RotaryAngles: RotaryTable]>([:])

  package let positions: Int
  let cosine64: [Double]
  let sine64: [Double]
  package let cosine32: [Float]
  package let sine32: [Float]

  /// A table of at least that many positions; tables are kept and grow by doubling.
  package static func shared(_ angles: RotaryAngles, positions: Int) -> RotaryTable {
    tables.withLock { tables in
      if let table = tables[angles], table.positions >= positions { return table }
      var size = 512
      while size < positions { size *= 2 }
      let table = RotaryTable(angles, positions: size)
      tables[angles] = table
      return table
    }
  }

  private init(_ angles: RotaryAngles, positions: Int) {
    self.positions = positions
    let half = angles.frequencies.count
    let turns = (0..<positions * half).map { Double($0 / half) * angles.frequencies[$0 % half] }
    cosine64 = turns.map { cos($0) * angles.magnitude }
    sine64 = turns.map { sin($0) * angles.magnitude }
    cosine32 = cosine64.map { Float($0) }
    sine32 = sine64.map { Float($0) }
  }
}
