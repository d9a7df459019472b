import CTensorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// What transforms of one length need: the factors of the length and the roots of unity that go with them.
///
/// Lengths whose prime factors are at most 31 are done in one pass for each factor (4, 2, 3, 5, 7, then the
/// others); any other length *n* is a convolution, done by transforms of a length of at least 2 n − 1 with
/// small factors (Bluestein, "A linear filtering approach to the computation of discrete Fourier transform",
/// 1970). Every root of unity is computed in Double from an angle below π/4, whatever the type.
final class FFTPlan<T: FFTScalar>: @unchecked Sendable {
  /// The length of a transform.
  let n: Int
  private let memory: FFTTable<T>
  private let passes: [tk_fft_pass]
  private let convolution: Convolution?

  /// What a transform as a convolution needs.
  private struct Convolution {
    let plan: FFTPlan
    /// e^(−iπ j² / n) for every j.
    let chirp: FFTPlanes<T>
    /// The transform of their conjugates, divided by its length.
    let spectrum: FFTPlanes<T>
  }

  /// - Parameter n: at least 1.
  init(_ n: Int) {
    self.n = n
    if let factors = Self.factors(of: n) {
      var total = 0
      var m = n
      for radix in factors {
        m /= radix
        total += 2 * (radix - 1) * m + 2 * radix
      }
      let table = FFTTable<T>(count: total)
      (memory, convolution) = (table, nil)
      passes = Self.passes(n, factors, table.start)
      return
    }
    let plan = FFTPlanCache.shared.plan(Self.lengthOfConvolution(n), T.self)
    let table = FFTTable<T>(count: 2 * (n + plan.n))
    let chirp = FFTPlanes(table.start, count: n)
    let spectrum = FFTPlanes(table.start + 2 * n, count: plan.n)
    Self.fill(chirp, spectrum, n, plan.n)
    (memory, passes) = (table, [])
    convolution = Convolution(plan: plan, chirp: chirp, spectrum: spectrum)
  }

  /// The bytes that the plan holds itself.
  var byteCount: Int { memory.count * MemoryLayout<T>.stride }

  /// How many elements of scratch memory ``transform(lanes:scale:_:_:_:)`` needs.
  func scratchCount(lanes: Int) -> Int { (convolution.map { 6 * $0.plan.n } ?? 2 * n) * lanes }

  /// y = scale · DFT(x) for transforms side by side; x and y do not overlap.
  func transform(
    lanes: Int, scale: Double, _ x: FFTPlanes<T>, _ y: FFTPlanes<T>, _ scratch: UnsafeMutablePointer<T>
  ) {
    guard let convolution else {
      T.run(passes, passes.count, n, lanes, T(scale), x, y, scratch)
      return
    }
    let plan = convolution.plan
    let size = plan.n * lanes
    let (a, b) = (FFTPlanes(scratch, count: size), FFTPlanes(scratch + 2 * size, count: size))
    let rest = scratch + 4 * size
    T.multiply(n, lanes, convolution.chirp, x, a)
    (a.real + n * lanes).update(repeating: 0, count: size - n * lanes)
    (a.imaginary + n * lanes).update(repeating: 0, count: size - n * lanes)
    plan.transform(lanes: lanes, scale: 1, a, b, rest)
    T.multiply(plan.n, lanes, convolution.spectrum, b, b)
    plan.transform(lanes: lanes, scale: 1, b.swapped, a.swapped, rest)
    T.multiply(n, lanes, convolution.chirp, a, y)
    if scale != 1 {
      T.scale(n * lanes, T(scale), y.real)
      T.scale(n * lanes, T(scale), y.imaginary)
    }
  }

  /// The radices of the passes in their order, or nil where there is a large prime.
  ///
  /// The fours come first: the fewer sequences lie side by side, the more passes of other radices cost.
  private static func factors(of n: Int) -> [Int]? {
    var (rest, result) = (n, [Int]())
    for radix in [4, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31] {
      while rest % radix == 0 {
        result.append(radix)
        rest /= radix
      }
    }
    return rest == 1 ? result : nil
  }

  private static func passes(_ n: Int, _ factors: [Int], _ start: UnsafeMutablePointer<T>) -> [tk_fft_pass] {
    var (next, m) = (start, n)
    return factors.map { radix in
      let length = m
      m /= radix
      let twiddles = next
      next += 2 * (radix - 1) * m
      for j in 1..<radix {
        let row = twiddles + (2 * j - 2) * m
        for p in 0..<m {
          let root = UnitRoot(p * j, of: length)
          row[p] = T(root.cosine)
          row[m + p] = T(-root.sine)
        }
      }
      let roots = next
      next += 2 * radix
      for j in 0..<radix {
        let root = UnitRoot(j, of: radix)
        roots[j] = T(root.cosine)
        roots[radix + j] = T(root.sine)
      }
      return tk_fft_pass(radix: Int64(radix), m: Int64(m), twiddles: twiddles, roots: roots)
    }
  }

  /// A length with small factors, among them 16, in which a convolution of `n` numbers fits.
  private static func lengthOfConvolution(_ n: Int) -> Int {
    var best = Int.max
    for odd in [1, 3, 5, 9, 15, 25, 27] {
      var length = 16 * odd
      while length < 2 * n - 1 { length *= 2 }
      best = Swift.min(best, length)
    }
    return best
  }

  private static func fill(_ chirp: FFTPlanes<T>, _ spectrum: FFTPlanes<T>, _ n: Int, _ length: Int) {
    let plan = FFTPlanCache.shared.plan(length, Double.self)
    let table = FFTTable<Double>(count: 6 * length)
    let a = FFTPlanes(table.start, count: length)
    let b = FFTPlanes(table.start + 2 * length, count: length)
    table.start.update(repeating: 0, count: 2 * length)
    var square = 0
    for j in 0..<n {
      let root = UnitRoot(square, of: 2 * n)
      chirp.real[j] = T(root.cosine)
      chirp.imaginary[j] = T(-root.sine)
      for position in [j, (length - j) % length] {
        a.real[position] = root.cosine
        a.imaginary[position] = root.sine
      }
      // (j + 1)² = j² + 2 j + 1, and the root depends on it modulo 2 n alone.
      square = (square + 2 * j + 1) % (2 * n)
    }
    plan.transform(lanes: 1, scale: 1 / Double(length), a, b, table.start + 4 * length)
    for k in 0..<length {
      spectrum.real[k] = T(b.real[k])
      spectrum.imaginary[k] = T(b.imaginary[k])
    }
  }
}

/// What transforms of real numbers of one length need.
///
/// An even length is done as a complex transform of half the length, of the even elements as real and the odd
/// ones as imaginary parts (Sorensen et al., "Real-valued fast Fourier transform algorithms", 1987).
final class RealFFTPlan<T: FFTScalar>: @unchecked Sendable {
  let n: Int
  /// Of half the length if that is whole.
  let complex: FFTPlan<T>
  private let memory: FFTTable<T>
  /// e^(−2πi k / n) up to a quarter of the circle, for an even length.
  let roots: FFTPlanes<T>

  init(_ n: Int) {
    self.n = n
    let isEven = n % 2 == 0
    complex = FFTPlanCache.shared.plan(isEven ? n / 2 : n, T.self)
    let count = isEven ? n / 4 + 1 : 0
    memory = FFTTable(count: 2 * count)
    roots = FFTPlanes(memory.start, count: count)
    for k in 0..<count {
      let root = UnitRoot(k, of: n)
      roots.real[k] = T(root.cosine)
      roots.imaginary[k] = T(-root.sine)
    }
  }

  /// The bytes that the plan holds itself.
  var byteCount: Int { memory.count * MemoryLayout<T>.stride }
}

/// The number of modulus 1 at the angle 2π k / n, as exact as a Double can be.
private struct UnitRoot {
  let cosine: Double
  let sine: Double

  init(_ k: Int, of n: Int) {
    // The angle as a part of the circle, mirrored into its first eighth.
    var (part, whole) = (k % n, n)
    let isBelow = 2 * part > whole
    if isBelow { part = whole - part }
    let isLeft = 4 * part > whole
    if isLeft { (part, whole) = (whole - 2 * part, 2 * whole) }
    let isSteep = 8 * part > whole
    if isSteep { (part, whole) = (whole - 4 * part, 4 * whole) }
    let angle = 2 * Double.pi * (Double(part) / Double(whole))
    let (c, s) = isSteep ? (sin(angle), cos(angle)) : (cos(angle), sin(angle))
    cosine = isLeft ? -c : c
    sine = isBelow ? -s : s
  }
}

/// Memory of a plan. It does not come from the pool, which takes back what the body of a
/// ``withTensorErrors(_:)`` made: a plan outlives it.
private final class FFTTable<T> {
  let start: UnsafeMutablePointer<T>
  let count: Int

  init(count: Int) {
    let (bytes, overflow) = Swift.max(count, 1).multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    guard count >= 0, !overflow, let memory = malloc(bytes) else {
      tensorFailure(MemoryPool.operation, "out of memory: \(count) factors of a Fourier transform")
    }
    start = memory.bindMemory(to: T.self, capacity: Swift.max(count, 1))
    self.count = count
  }

  deinit { free(start) }
}
