import CTensorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// An operation that is under way.
struct ProfileSpan {
  /// The Swift function that asked for memory, which names the operation unless its record does.
  let function: StaticString
  let shape: [Int]
  let type: DType
  var start: UInt64 = 0
}

/// What one thread did for an operation that another one began.
struct ProfileShare {
  let lane: Int
  let caller: Int
  let start: UInt64
  var end = ProfileRecorder.now()
}

/// Puts what threads say together, each on a line ("lane") of its own, and writes it.
struct ProfileRecorder {
  private struct Lane {
    var open: ProfileSpan?
    var phases: [String] = []
    var shares: [ProfileShare] = []
  }

  let path: String
  private let limit: Int
  private let origin = Self.now()
  private let file: ProfileFile
  private var operations = 0
  private var omitted = 0
  private var lanes: [Lane] = []

  init(path: String, limit: Int) throws(TensorError) {
    self.path = path
    self.limit = limit
    file = try ProfileFile(path)
  }

  /// Nanoseconds of a clock that only goes forward.
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  // MARK: Events

  mutating func begin(_ lane: Int, _ span: ProfileSpan) {
    let now = Self.now()
    makeRoom(lane)
    close(lane, at: now)
    lanes[lane].open = span
    lanes[lane].open?.start = now
  }

  mutating func end(_ lane: Int, name: StaticString?, inputs: [[Int]]) {
    makeRoom(lane)
    close(lane, at: Self.now(), name: name, inputs: inputs)
  }

  mutating func add(_ share: ProfileShare) {
    makeRoom(share.caller)
    lanes[share.caller].shares.append(share)
  }

  mutating func enter(_ lane: Int, _ name: String) -> UInt64 {
    let now = Self.now()
    makeRoom(lane)
    close(lane, at: now)
    lanes[lane].phases.append(name)
    return now
  }

  mutating func leave(_ lane: Int, since start: UInt64) {
    let now = Self.now()
    makeRoom(lane)
    close(lane, at: now)
    guard let name = lanes[lane].phases.popLast() else { return }
    file.event(lane, category: "phase", name, since: origin, start, now)
    file.memory(TensorRuntime.bytesInUse, since: origin, now)
  }

  /// Completes the file.
  mutating func finish() throws(TensorError) -> Profile.Summary {
    let now = Self.now()
    for lane in lanes.indices {
      close(lane, at: now)
      file.threadName(lane, lane == 0 ? "main" : "thread \(lane)")
    }
    if omitted > 0 {
      file.event(
        0, category: "note", "\(omitted) operations after the first \(limit) are left out", since: origin,
        now, now)
    }
    try file.close()
    return Profile.Summary(operations: operations, omitted: omitted)
  }

  private mutating func makeRoom(_ lane: Int) {
    while lanes.count <= lane { lanes.append(Lane()) }
  }

  /// Writes the operation that is under way in a lane, and what other threads did for it.
  private mutating func close(_ lane: Int, at end: UInt64, name: StaticString? = nil, inputs: [[Int]] = []) {
    let span = lanes[lane].open.take()
    let isWritten = operations < limit
    if let span {
      if isWritten {
        operations += 1
        file.operation(lane, span, name: name, inputs: inputs, since: origin, until: end)
      } else {
        omitted += 1
      }
    }
    guard !lanes[lane].shares.isEmpty else { return }
    let called = name ?? span?.function
    for share in lanes[lane].shares where isWritten {
      file.event(
        share.lane, category: "share", called.map(ProfileFile.word) ?? lanes[lane].phases.last ?? "in place",
        since: origin, share.start, share.end)
    }
    lanes[lane].shares.removeAll(keepingCapacity: true)
  }
}
