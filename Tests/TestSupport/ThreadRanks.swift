import Foundation
import Ranks
import Synchronization

/// Ranks that are threads of this process, for tests.
public final class ThreadRanks: RankGroup {
  /// Where all of them meet.
  private final class Hub: @unchecked Sendable {
    private let condition = NSCondition()
    private var slots: [[UInt8]]
    private var met: [[UInt8]] = []
    private var arrived = 0
    private var round = 0

    init(_ count: Int) { slots = Array(repeating: [], count: count) }

    /// Gives something, and gets what all give.
    func meet(_ rank: Int, _ own: [UInt8]) -> [[UInt8]] {
      condition.lock()
      defer { condition.unlock() }
      slots[rank] = own
      arrived += 1
      let now = round
      if arrived == slots.count {
        (met, arrived, round) = (slots, 0, round + 1)
        condition.broadcast()
      } else {
        while round == now { condition.wait() }
      }
      return met
    }
  }

  public let rank: Int
  public let count: Int
  private let hub: Hub

  private init(_ rank: Int, of count: Int, _ hub: Hub) {
    (self.rank, self.count, self.hub) = (rank, count, hub)
  }

  /// Runs `body` on so many ranks at a time.
  /// - Returns: what each of them returns or throws, in the order of ranks.
  public static func run<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (ThreadRanks) throws -> Value
  ) -> [Result<Value, any Error>] {
    let hub = Hub(count)
    let results = Results<Value>(count)
    let group = DispatchGroup()
    for rank in 0..<count {
      group.enter()
      let thread = Thread {
        results.set(Result { try body(ThreadRanks(rank, of: count, hub)) }, of: rank)
        group.leave()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    group.wait()
    return results.all
  }

  private final class Results<Value: Sendable>: Sendable {
    private let results: Mutex<[Result<Value, any Error>?]>

    init(_ count: Int) { results = Mutex(Array(repeating: nil, count: count)) }

    func set(_ result: Result<Value, any Error>, of rank: Int) { results.withLock { $0[rank] = result } }

    var all: [Result<Value, any Error>] { results.withLock { $0.compactMap { $0 } } }
  }

  public func gather(_ own: [UInt8], patience: Double?) -> [[UInt8]] { hub.meet(rank, own) }

  public func exchange(
    _ own: UnsafeBufferPointer<Float>, pieces: [Range<Int>], received: UnsafeMutableBufferPointer<Float>
  ) {
    let mine = pieces[rank]
    for (other, bytes) in hub.meet(rank, Array(UnsafeRawBufferPointer(own))).enumerated() {
      let floats = Self.floats(bytes)
      for (place, index) in mine.enumerated() { received[other * mine.count + place] = floats[index] }
    }
  }

  public func spread(_ all: UnsafeMutableBufferPointer<Float>, pieces: [Range<Int>]) {
    let met = hub.meet(rank, Array(UnsafeRawBufferPointer(UnsafeBufferPointer(all))))
    for (other, bytes) in met.enumerated() {
      let floats = Self.floats(bytes)
      for index in pieces[other] { all[index] = floats[index] }
    }
  }

  public func abort(status: Int32) -> Never { fatalError("rank \(rank) ended all with \(status)") }

  public func leave() {}

  private static func floats(_ bytes: [UInt8]) -> [Float] {
    bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
