import CMemoryStream
import Foundation
import Tensor

/// The least time an elementwise operation can take: every thread reads its part of some arrays and writes a
/// sum to others, over and over, without waiting for the other threads.
final class MemoryStream: @unchecked Sendable {
  private struct Pass {
    var reads: [UnsafeMutablePointer<Float>?]
    var writes: [UnsafeMutablePointer<Float>?]
  }

  private let passes: [Pass]
  private let arrays: [UnsafeMutablePointer<Float>]
  private let elements: Int

  /// `stream ELEMENTS PASS…`, where a pass such as `ab>c` names the arrays it reads and those it writes; nil
  /// for anything else.
  init?(_ name: String) {
    let words = name.split(separator: " ")
    guard words.count > 2, words[0] == "stream", let elements = Int(words[1]) else { return nil }
    var named: [Character: UnsafeMutablePointer<Float>] = [:]
    func array(_ letter: Character) -> UnsafeMutablePointer<Float> {
      if let known = named[letter] { return known }
      let start = UnsafeMutableRawPointer.allocate(byteCount: elements * 4, alignment: 1 << 21)
        .bindMemory(to: Float.self, capacity: elements)
      start.initialize(repeating: 0, count: elements)
      named[letter] = start
      return start
    }
    passes = words[2...].map { word in
      let sides = word.split(separator: ">", omittingEmptySubsequences: false)
      return Pass(reads: sides[0].map(array), writes: sides.count > 1 ? sides[1].map(array) : [])
    }
    arrays = Array(named.values)
    self.elements = elements
  }

  deinit {
    for start in arrays { start.deallocate() }
  }

  /// Seconds of all passes, one after the other, when they run many times.
  func time(repetitions: Int) -> Double {
    let start = ContinuousClock.now
    DispatchQueue.concurrentPerform(iterations: Threads.count) { thread in
      let (begin, end) = (elements * thread / Threads.count, elements * (thread + 1) / Threads.count)
      for _ in 0..<repetitions {
        for pass in passes {
          _ = memory_stream(
            Int32(pass.reads.count), pass.reads, Int32(pass.writes.count), pass.writes, Int64(begin),
            Int64(end))
        }
      }
    }
    return seconds(since: start) / Double(repetitions)
  }
}
