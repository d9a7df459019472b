#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// A counter-based random number generator: seedable, splittable, and restorable.
///
/// Every number is a pure function of a key and a counter (Philox4x32-10, Salmon et al., "Parallel random
/// numbers: as easy as 1, 2, 3", 2011), so the same seed gives the same numbers for any thread count, and the
/// whole state is four integers that go into a checkpoint.
///
///     var generator = RandomGenerator(seed: 42)
///     let weights = Tensor.randomNormal([128, 64], using: &generator)
///     var forWorker3 = generator.split(3)   // independent of `generator`, which does not move
public struct RandomGenerator: RandomNumberGenerator, Sendable, Equatable {
  private var key: UInt64
  private var stream: UInt64
  private var counter: UInt64
  /// The second half of the last block, kept when an odd number of 64-bit values was drawn.
  private var spare: UInt64?
  /// Whether tensors drawn with this generator have no values and no memory yet, because a file will replace
  /// them.
  package private(set) var isPlaceholder = false

  /// A generator for weights that a file will replace.
  package static var placeholder: RandomGenerator {
    var result = RandomGenerator(seed: 0)
    result.isPlaceholder = true
    return result
  }

  /// Creates a generator; different streams of one seed are independent.
  public init(seed: UInt64, stream: UInt64 = 0) {
    key = seed
    self.stream = stream
    counter = 0
  }

  /// The state to save: key, stream, counter, and whether half a block is left (`[4]` numbers).
  public var state: [UInt64] { [key, stream, counter, spare == nil ? 0 : 1] }

  /// Restores a state saved by ``state``; `nil` unless it has four numbers.
  public init?(state: [UInt64]) {
    guard state.count == 4, state[3] <= 1 else { return nil }
    (key, stream, counter) = (state[0], state[1], state[2])
    if state[3] == 1 {
      spare = Self.block(key: key, stream: stream, counter: counter &- 1).1
    }
  }

  /// A generator for `key` (a worker, a record, a layer) that is independent of this one and of other keys.
  public func split(_ key: UInt64) -> RandomGenerator {
    let (a, b) = Self.block(
      key: self.key ^ 0x9E37_79B9_7F4A_7C15, stream: stream &+ 0x632B_E59B_D9B4_E019, counter: key)
    return RandomGenerator(seed: a, stream: b)
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    BatchRun.noteDraw()
    if let value = spare {
      spare = nil
      return value
    }
    let (first, second) = Self.block(key: key, stream: stream, counter: counter)
    counter &+= 1
    spare = second
    return first
  }

  /// Goes on as if `count` calls of ``next()`` had been made.
  /// - Complexity: O(1).
  public mutating func skip(_ count: Int) {
    BatchRun.noteDraw()
    let position = counter &* 2 &- (spare == nil ? 0 : 1) &+ UInt64(bitPattern: Int64(count))
    counter = position / 2 &+ position % 2
    spare = position % 2 == 0 ? nil : Self.block(key: key, stream: stream, counter: counter &- 1).1
  }

  /// A number drawn uniformly from `0 ..< 1`, with 53 random bits.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// An integer drawn uniformly from `0 ..< bound`.
  /// - Precondition: `bound > 0`.
  public mutating func integer(below bound: Int) -> Int {
    tensorRequire(bound > 0, "integer(below:)", "the bound must be positive, found \(bound)")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number drawn from the standard normal distribution (Box-Muller, one value per two draws).
  public mutating func normal() -> Double {
    let radius = (-2 * log1p(-uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// A uniformly drawn permutation of `0 ..< count` (Fisher-Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    tensorRequire(
      count >= 0 && count < 1 << 40, "permutation",
      "the count must not be negative or beyond all memory, found \(count)")
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(i, integer(below: i + 1))
    }
    return order
  }

  private static func block(key: UInt64, stream: UInt64, counter: UInt64) -> (UInt64, UInt64) {
    var c0 = UInt32(truncatingIfNeeded: counter)
    var c1 = UInt32(truncatingIfNeeded: counter >> 32)
    var c2 = UInt32(truncatingIfNeeded: stream)
    var c3 = UInt32(truncatingIfNeeded: stream >> 32)
    var k0 = UInt32(truncatingIfNeeded: key)
    var k1 = UInt32(truncatingIfNeeded: key >> 32)
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
      let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (UInt64(c0) | UInt64(c1) << 32, UInt64(c2) | UInt64(c3) << 32)
  }
}
