import Foundation
import LVLM
import Synchronization
import Tensor

/// A model under the name that requests call it by.
public struct ServedModel {
  /// The name.
  public var name: String
  /// The model.
  public var loaded: PretrainedModel

  /// A model.
  public init(_ name: String, _ loaded: PretrainedModel) {
    self.name = name
    self.loaded = loaded
  }
}

/// The one thread that uses the models: takes what waits, decodes it together, tells every piece.
///
/// A request joins those under way at their next token, so that nobody waits for somebody else's long answer;
/// of one that came alone a few milliseconds are waited for company.
final class AnswerWorker: Sendable {
  /// Requests between the router and the thread.
  private final class Inbox: Sendable {
    private let state = Mutex((jobs: [AnswerJob](), isStopped: false))
    private let arrived = DispatchSemaphore(value: 0)

    func put(_ job: AnswerJob) {
      state.withLock { $0.jobs.append(job) }
      arrived.signal()
    }

    func stop() {
      state.withLock { $0.isStopped = true }
      arrived.signal()
    }

    /// All that came; waits for some while `waits`.
    /// - Returns: nil after ``stop()``.
    func take(waits: Bool) -> [AnswerJob]? {
      while true {
        let (jobs, isStopped) = state.withLock { state in
          defer { state.jobs = [] }
          return (state.jobs, state.isStopped)
        }
        if isStopped { return nil }
        if !jobs.isEmpty || !waits { return jobs }
        arrived.wait()
      }
    }

    /// Some jobs with those that follow within a few milliseconds, until there are so many.
    func company(of jobs: [AnswerJob], most: Int) -> [AnswerJob] {
      var jobs = jobs
      let end = DispatchTime.now() + .milliseconds(4)
      while jobs.count < most, arrived.wait(timeout: end) == .success { jobs += take(waits: false) ?? [] }
      return jobs
    }
  }

  /// Names of the models, in order.
  let names: [String]
  private let limits: ServerLimits
  private let inbox = Inbox()
  private let inside = Atomic<Int>(0)

  /// Starts the thread.
  /// - Parameter models: used by nobody else from here on.
  init(_ models: [ServedModel], limits: ServerLimits) {
    names = models.map(\.name)
    self.limits = limits
    nonisolated(unsafe) let models = models
    let inbox = inbox
    let thread = Thread {
      let loop = AnswerLoop(models, limits: limits)
      while let jobs = inbox.take(waits: loop.isIdle) {
        loop.receive(loop.isIdle && !jobs.isEmpty ? inbox.company(of: jobs, most: limits.batch) : jobs)
        loop.turn()
      }
      loop.abandon()
    }
    // Decoding goes deep in debug builds.
    thread.stackSize = 16 << 20
    thread.start()
  }

  /// A place among those that are answered or wait.
  /// - Throws: ``APIError`` of status 429 when there is none; otherwise ``leave()`` has to follow.
  func enter() throws(APIError) {
    if inside.add(1, ordering: .relaxed).newValue > limits.waiting + limits.batch {
      leave()
      throw APIError(
        429, "\(limits.waiting) requests wait already; try again in a few seconds", code: "server_busy",
        retryAfter: 5)
    }
  }

  func leave() { inside.subtract(1, ordering: .relaxed) }

  /// Gives a request to the thread, which tells ``AnswerJob/Event/done(_:)`` or
  /// ``AnswerJob/Event/failed(_:)`` in the end.
  func put(_ job: AnswerJob) { inbox.put(job) }

  /// Ends the thread; what is under way fails.
  func stop() { inbox.stop() }
}
