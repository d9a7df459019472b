import Foundation
import Tensor
import Testing

@Suite("Attention kernels")
struct AttentionKernelTests {
  struct Case: CustomStringConvertible, Sendable {
    var name: String
    var layout: AttentionLayout
    var tokens: Int
    var heads: Int
    var keyHeads: Int
    var dim: Int
    var description: String { name }
  }

  static let cases = [
    Case(name: "images", layout: .full([5, 5, 3]), tokens: 13, heads: 2, keyHeads: 2, dim: 4),
    Case(name: "causal groups", layout: .causal([7, 1, 4]), tokens: 12, heads: 4, keyHeads: 2, dim: 6),
    Case(name: "long", layout: .causal([150]), tokens: 150, heads: 2, keyHeads: 1, dim: 8),
    Case(
      name: "shared prompt",
      layout: AttentionLayout(segments: [
        .init(queries: 0..<6, causal: 0..<6), .init(queries: 6..<9, keys: [0..<6], causal: 6..<9),
        .init(queries: 9..<13, keys: [0..<6], causal: 9..<13), .init(queries: 13..<15, causal: 13..<15),
      ]), tokens: 16, heads: 4, keyHeads: 2, dim: 5),
    Case(
      name: "pictures of several blocks", layout: .full([65, 33, 16]), tokens: 114, heads: 2, keyHeads: 2,
      dim: 16),
    Case(name: "long groups", layout: .causal([75, 40]), tokens: 115, heads: 6, keyHeads: 2, dim: 24),
    Case(
      name: "shared long prompt",
      layout: AttentionLayout(segments: [
        .init(queries: 0..<50, causal: 0..<50), .init(queries: 50..<90, keys: [0..<50], causal: 50..<90),
        .init(queries: 90..<107, keys: [3..<20, 30..<50], causal: 90..<107),
        .init(queries: 107..<110, causal: 107..<110),
      ]), tokens: 111, heads: 2, keyHeads: 1, dim: 13),
    Case(
      name: "many keys", layout: AttentionLayout(segments: [.init(queries: 0..<17, keys: [0..<1200])]),
      tokens: 1200,
      heads: 1, keyHeads: 1, dim: 8),
    Case(
      name: "split ranges",
      layout: AttentionLayout(segments: [.init(queries: 1..<4, keys: [8..<10, 2..<5, 5..<6])]), tokens: 10,
      heads: 1,
      keyHeads: 1, dim: 3),
  ]

  static func visible(_ layout: AttentionLayout, _ row: Int) -> [Int] {
    guard let segment = layout.segments.first(where: { $0.queries.contains(row) }) else { return [] }
    let own = segment.causal.map { Array($0.prefix(row - segment.queries.lowerBound + 1)) } ?? []
    return segment.keys.flatMap { Array($0) } + own
  }

  /// Scores, probabilities and outputs by loops over the definition.
  static func naive(_ c: Case, _ q: [Double], _ k: [Double], _ v: [Double], scale: Double) -> [Double] {
    var out = [Double](repeating: 0, count: q.count)
    for row in 0..<c.tokens {
      let keys = visible(c.layout, row)
      if keys.isEmpty { continue }
      for h in 0..<c.heads {
        let g = h / (c.heads / c.keyHeads)
        let scores = keys.map { key in
          scale
            * (0..<c.dim).reduce(0) {
              $0 + q[(row * c.heads + h) * c.dim + $1] * k[(key * c.keyHeads + g) * c.dim + $1]
            }
        }
        let top = scores.max()!
        let weights = scores.map { exp($0 - top) }
        let total = weights.reduce(0, +)
        for (key, weight) in zip(keys, weights) {
          for d in 0..<c.dim {
            out[(row * c.heads + h) * c.dim + d] += weight / total * v[(key * c.keyHeads + g) * c.dim + d]
          }
        }
      }
    }
    return out
  }

  static func random(_ count: Int, _ generator: inout RandomGenerator) -> [Double] {
    (0..<count).map { _ in generator.uniform() * 2 - 1 }
  }

  static func run<T: FusedScalar>(
    _ c: Case, _ q: [Double], _ k: [Double], _ v: [Double], _ dO: [Double], scale: Double, _: T.Type
  ) -> (output: [Double], dq: [Double], dk: [Double], dv: [Double]) {
    let (q, k, v, dO) = (q.map { T($0) }, k.map { T($0) }, v.map { T($0) }, dO.map { T($0) })
    let shape = AttentionShape(
      heads: c.heads, keyHeads: c.keyHeads, dim: c.dim, queryStride: c.heads * c.dim,
      keyStride: c.keyHeads * c.dim, valueStride: c.keyHeads * c.dim)
    var o = [T](repeating: 0, count: q.count)
    var lse = [T](repeating: 0, count: c.tokens * c.heads)
    var dq = [T](repeating: 0, count: q.count)
    var dk = [T](repeating: 0, count: k.count)
    var dv = [T](repeating: 0, count: v.count)
    AttentionKernels.forward(
      c.layout, shape, scale: T(scale), query: q, key: k, value: v, output: &o, lse: &lse)
    AttentionKernels.backward(
      c.layout, shape, scale: T(scale), query: q, key: k, value: v, output: o, lse: lse, outputGradient: dO,
      queryGradient: &dq, keyGradient: &dk, valueGradient: &dv)
    return (o.map { Double($0) }, dq.map { Double($0) }, dk.map { Double($0) }, dv.map { Double($0) })
  }

  @Test(arguments: cases) func matchesDefinition(c: Case) {
    var generator = RandomGenerator(seed: 3)
    let q = Self.random(c.tokens * c.heads * c.dim, &generator)
    let k = Self.random(c.tokens * c.keyHeads * c.dim, &generator)
    let v = Self.random(c.tokens * c.keyHeads * c.dim, &generator)
    let dO = Self.random(q.count, &generator)
    let scale = 0.7
    #expect(c.layout.problem(queryCount: c.tokens, keyCount: c.tokens) == nil)
    let exact = Self.run(c, q, k, v, dO, scale: scale, Double.self)
    let single = Self.run(c, q, k, v, dO, scale: scale, Float.self)
    let expected = Self.naive(c, q, k, v, scale: scale)
    #expect(worst(exact.output, expected) < 1e-13)
    #expect(worst(single.output, expected) < 2e-6)
    #expect(worst(single.dq, exact.dq) < 2e-5)
    #expect(worst(single.dk, exact.dk) < 2e-5)
    #expect(worst(single.dv, exact.dv) < 2e-5)

    func loss(_ q: [Double], _ k: [Double], _ v: [Double]) -> Double {
      zip(Self.naive(c, q, k, v, scale: scale), dO).reduce(0) { $0 + $1.0 * $1.1 }
    }
    for probe in 0..<6 {
      let i = probe * 7919 % q.count
      let j = probe * 104_729 % k.count
      let h = 1e-5
      func slope(_ at: (Double) -> Double) -> Double { (at(h) - at(-h)) / (2 * h) }
      let dq = slope { d in loss(shifted(q, i, d), k, v) }
      let dk = slope { d in loss(q, shifted(k, j, d), v) }
      let dv = slope { d in loss(q, k, shifted(v, j, d)) }
      #expect(abs(dq - exact.dq[i]) < 1e-8 && abs(dk - exact.dk[j]) < 1e-8 && abs(dv - exact.dv[j]) < 1e-8)
    }
  }

  /// Sixteen queries with eight numbers each are what is packed.
  @Test(arguments: [[20, 0, 8], [20, 2, 0], [0, 2, 8]])
  func nothingToCompute(shape: [Int]) {
    let query = Tensor.zeros(shape)
    let keys = Tensor.ones([max(shape[0], 1), max(shape[1], 1), shape[2]])
    let layout = AttentionLayout(segments: [.init(queries: 0..<shape[0], keys: [0..<keys.shape[0]])])
    let result = attention(query: query, key: keys, value: keys, layout: layout, scale: 1)
    #expect(result.shape == shape && result.array(of: Float.self).isEmpty)
  }

  @Test func problemsAreNamed() {
    func problem(_ segments: AttentionLayout.Segment...) -> String? {
      AttentionLayout(segments: segments).problem(queryCount: 8, keyCount: 8)
    }
    #expect(problem(.init(queries: 0..<4, causal: 0..<3))?.contains("3 causal keys") == true)
    #expect(problem(.init(queries: 0..<9, causal: 0..<9))?.contains("query 9 of 8") == true)
    #expect(problem(.init(queries: 0..<4, keys: [0..<9]))?.contains("key 9 of 8") == true)
    #expect(problem(.init(queries: 0..<4, keys: [0..<3, 2..<5]))?.contains("key row 2 twice") == true)
    #expect(problem(.init(queries: 0..<4))?.contains("sees no key") == true)
    #expect(
      problem(.init(queries: 0..<4, keys: [0..<2]), .init(queries: 3..<5, keys: [0..<2]))?.contains(
        "query row 3")
        == true)
  }
}

func shifted(_ values: [Double], _ index: Int, _ delta: Double) -> [Double] {
  var copy = values
  copy[index] += delta
  return copy
}

func worst(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).reduce(a.count == b.count ? 0 : .infinity) { max($0, abs($1.0 - $1.1)) }
}
