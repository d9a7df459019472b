import CTensorKernels
import Synchronization

/// What a program's time goes into, written to a file while it runs: operations with their shapes and bytes,
/// derivatives, phases, and the threads that work on them.
///
///     try Profile.start(writingTo: "step.json")
///     let loss = Profile.phase("forward") { model(x).sum() }
///     let gradients = Profile.phase("backward") { loss.backward() }
///     try Profile.stop()
///
/// The file is in Chrome's trace format, which chrome://tracing, ui.perfetto.dev and speedscope open, also
/// when the program was killed before ``stop()``. Times are wall clock. An operation lasts from when it asks
/// for the memory of its result to when the result is there; work that no gradient can pass, such as a
/// comparison, has the name of the function that asked for memory, and lasts to the next operation or view.
/// Views and updates in place ask for no memory: what they take is in the phase around them. Of threads that
/// share an operation each has a line of its own.
///
/// One recording can be made at a time, and it is the whole process's.
public enum Profile {
  /// What a recording holds.
  public struct Summary: Sendable, Equatable {
    /// Operations that are in the file.
    public let operations: Int
    /// Operations that came after the most that a file takes. Phases are in it to the end.
    public let omitted: Int
  }

  private static let isOn = Atomic<Bool>(false)
  private static let recorder = Mutex<ProfileRecorder?>(nil)

  /// Whether a recording is made.
  @inline(__always)
  public static var isRecording: Bool { isOn.load(ordering: .relaxed) }

  /// Begins a recording.
  /// - Parameters:
  ///   - path: the file, which is made anew.
  ///   - limit: the most operations that it takes, at about 200 bytes each.
  /// - Throws: ``TensorError`` when one is made already, or when the file cannot be written.
  public static func start(writingTo path: String, limit: Int = 1_000_000) throws {
    try recorder.withLock { recorder throws(TensorError) in
      if let other = recorder?.path {
        throw TensorError(operation: "Profile", message: "\(path): a recording is made already, of \(other)")
      }
      recorder = try ProfileRecorder(path: path, limit: limit)
    }
    Threads.setWatcher { caller, body in share(of: caller, body) }
    isOn.store(true, ordering: .relaxed)
  }

  /// Ends the recording and completes its file.
  /// - Returns: what the file holds; nil where no recording was made.
  /// - Throws: ``TensorError`` when not all of the file could be written.
  @discardableResult
  public static func stop() throws -> Summary? {
    isOn.store(false, ordering: .relaxed)
    Threads.setWatcher(nil)
    return try recorder.withLock { recorder throws(TensorError) in
      guard var last = recorder.take() else { return nil }
      return try last.finish()
    }
  }

  /// Runs `body` as a named part of the recording, on the calling thread; parts may lie within others.
  public static func phase<Result, Failure: Error>(
    _ name: @autoclosure () -> String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard isRecording else { return try body() }
    let start = enter(name())
    defer { leave(since: start) }
    return try body()
  }

  // MARK: What operations say of themselves

  /// An operation asks for the memory of its result.
  @inline(never)
  package static func allocates(_ shape: [Int], _ type: DType, by function: StaticString) {
    let lane = Int(tk_thread_lane())
    recorder.withLock { $0?.begin(lane, ProfileSpan(function: function, shape: shape, type: type)) }
  }

  /// The results of an operation are there.
  @inline(never)
  package static func finished(_ name: StaticString, _ inputs: [Tensor], _ results: [Tensor]) {
    let lane = Int(tk_thread_lane())
    // A view is made of what was there; the memory that was asked for before it is another function's.
    let isView = results.allSatisfy { result in inputs.contains { $0.storage === result.storage } }
    recorder.withLock { $0?.end(lane, name: isView ? nil : name, inputs: isView ? [] : inputs.map(\.shape)) }
  }

  /// What asked for memory has written it, without a record.
  @inline(__always)
  package static func written() {
    if isRecording { finishedWriting() }
  }

  @inline(never)
  private static func finishedWriting() {
    let lane = Int(tk_thread_lane())
    recorder.withLock { $0?.end(lane, name: nil, inputs: []) }
  }

  /// Runs the derivative of an operation.
  package static func derivative<Result>(
    of name: StaticString, _ body: () -> Result
  ) -> Result {
    guard isRecording else { return body() }
    return phase("\(name) gradient", body)
  }

  /// Runs a thread's share of an operation that the thread of another lane began.
  private static func share(of caller: Int, _ body: () -> Void) {
    let lane = Int(tk_thread_lane())
    let start = ProfileRecorder.now()
    body()
    recorder.withLock { $0?.add(ProfileShare(lane: lane, caller: caller, start: start)) }
  }

  private static func enter(_ name: String) -> UInt64 {
    let lane = Int(tk_thread_lane())
    return recorder.withLock { $0?.enter(lane, name) ?? 0 }
  }

  private static func leave(since start: UInt64) {
    let lane = Int(tk_thread_lane())
    recorder.withLock { $0?.leave(lane, since: start) }
  }
}
