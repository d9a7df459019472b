import NIOCore
import Synchronization

/// The open connections, and which of them wait for a request: when there are too many, the one that has
/// waited longest makes room.
final class Connections: Sendable {
  private struct State {
    var open: Set<ObjectIdentifier> = []
    var idle: [ObjectIdentifier: (channel: any Channel, since: UInt64)] = [:]
    var clock: UInt64 = 0
    var bodyBytes = 0
  }

  private let state = Mutex(State())
  private let limits: ServerLimits

  init(limits: ServerLimits) { self.limits = limits }

  /// Takes a new connection in, for which another may be closed; closes it where all others are busy.
  func admit(_ channel: any Channel) {
    let closed: (any Channel)? = state.withLock { state in
      state.open.insert(ObjectIdentifier(channel))
      guard state.open.count > limits.connections else { return nil }
      let others = state.idle.filter { $0.key != ObjectIdentifier(channel) }
      return others.min { $0.value.since < $1.value.since }?.value.channel ?? channel
    }
    if let closed {
      isGone(closed)
      closed.close(promise: nil)
    }
  }

  func isIdle(_ channel: any Channel) {
    state.withLock { state in
      state.clock += 1
      state.idle[ObjectIdentifier(channel)] = (channel, state.clock)
    }
  }

  func isBusy(_ channel: any Channel) { state.withLock { $0.idle[ObjectIdentifier(channel)] = nil } }

  func isGone(_ channel: any Channel) {
    state.withLock { state in
      state.idle[ObjectIdentifier(channel)] = nil
      state.open.remove(ObjectIdentifier(channel))
    }
  }

  /// Open connections.
  var count: Int { state.withLock(\.open.count) }

  /// Counts bytes of bodies, unless all together would be too many.
  func takeBodyBytes(_ count: Int) -> Bool {
    state.withLock { state in
      guard state.bodyBytes + count <= limits.allBodyBytes else { return false }
      state.bodyBytes += count
      return true
    }
  }

  func giveBodyBytes(_ count: Int) { state.withLock { $0.bodyBytes -= count } }
}
