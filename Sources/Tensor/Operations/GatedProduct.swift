import CTensorKernels

/// The first half of LLaMA's feed-forward layer, `c = silu(a gateᵀ) · (a upᵀ)`, without its two products in
/// memory: tiles of both meet in the first cache.
///
/// Where ``ProductPlan/suitsGated(m:n:k:own:)`` says so; the result has the bits of ``PackedProduct``
/// and ``swiGLU(_:_:)``.
struct GatedProduct {
  let m: Int
  let n: Int
  let k: Int
  let a: UnsafePointer<Float>
  /// `[n, k]`, and so `up`.
  let gate: UnsafePointer<Float>
  let gateStride: Int
  let up: UnsafePointer<Float>
  let upStride: Int
  let c: UnsafeMutablePointer<Float>

  /// Numbers of each matrix that are packed at a time, 8 MiB.
  private static let packedCount = 1 << 21
  private static let panel = Int(TK_PACKED_COLUMNS)

  func run() {
    let most = (n + Self.panel - 1) / Self.panel
    let width = min(most, max(1, Self.packedCount / (Self.panel * k)))
    MemoryPool.withScratch(Float.self, count: 2 * width * Self.panel * k) { packed in
      for first in stride(from: 0, to: most, by: width) {
        run(first..<min(most, first + width), packed)
      }
    }
  }

  private func run(_ panels: Range<Int>, _ packed: UnsafeMutablePointer<Float>) {
    let (count, size) = (panels.count, Self.panel * k)
    Threads.parallel(2 * count) { range in
      pack(range.clamped(to: 0..<count), of: panels, gate, gateStride, packed)
      let rest = range.clamped(to: count..<2 * count)
      pack(rest.lowerBound - count..<rest.upperBound - count, of: panels, up, upStride, packed + count * size)
    }
    let byRows = ProductPlan.dividesPackedRows(m, threads: Threads.count)
    Threads.parallel(byRows ? m : count) { part in
      multiply(byRows ? part : 0..<m, byRows ? 0..<count : part, of: panels, packed)
    }
  }

  private func multiply(
    _ rows: Range<Int>, _ range: Range<Int>, of panels: Range<Int>, _ packed: UnsafeMutablePointer<Float>
  ) {
    let size = Self.panel * k
    let begin = (panels.lowerBound + range.lowerBound) * Self.panel
    let end = min(n, (panels.lowerBound + range.upperBound) * Self.panel)
    let gates = packed + range.lowerBound * size
    let scratch = Int(tk_packed_gated_scratch(Int64(rows.count), Int64(k)))
    MemoryPool.withScratch(Float.self, count: scratch) { scratch in
      tk_packed_gated_product_f32(
        Int64(rows.count), Int64(end - begin), Int64(k), a + rows.lowerBound * k, Int64(k), gates,
        gates + panels.count * size, c + rows.lowerBound * n + begin, Int64(n), scratch)
    }
  }

  /// Packs some of the panels of a matrix.
  private func pack(
    _ range: Range<Int>, of panels: Range<Int>, _ matrix: UnsafePointer<Float>, _ stride: Int,
    _ packed: UnsafeMutablePointer<Float>
  ) {
    if range.isEmpty { return }
    let first = (panels.lowerBound + range.lowerBound) * Self.panel
    let end = min(n, (panels.lowerBound + range.upperBound) * Self.panel)
    tk_pack_columns_f32(
      Int64(end - first), Int64(k), matrix + first * stride, Int64(stride), 1,
      packed + range.lowerBound * Self.panel * k)
  }
}
