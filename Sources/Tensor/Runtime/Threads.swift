import CTensorKernels
import Synchronization

/// The one thread setting of the library: it governs its own loops and its matrix products alike.
public enum Threads {
  /// Threads that work on one operation, the caller included.
  ///
  /// Starts as the number of cores the process may run on, or as the environment variable
  /// `TENSOR_NUM_THREADS`. Setting it inside a parallel region has no effect.
  public static var count: Int {
    get { Int(tk_thread_count()) }
    set { tk_set_thread_count(Int32(clamping: newValue)) }
  }

  /// True while the calling thread executes the body of a parallel region.
  package static var isInParallelRegion: Bool { tk_in_parallel() }

  /// Splits `0..<n` into one contiguous range per thread, none shorter than `grain` unless `n` is, and runs
  /// `body` on each. Nested and concurrent calls run on the calling thread.
  package static func parallel(_ n: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
    guard n > 0 else { return }
    if n <= grain {
      body(0..<n)
      return
    }
    withContext(body) { call, context in tk_parallel_ranges(Int64(n), Int64(grain), call, context) }
  }

  /// Runs `body(i)` for every `i` in `0..<n`; free threads take the next index, so that uneven work is
  /// balanced.
  ///
  /// Every index must write outputs of its own; then the result does not depend on timing.
  package static func forEachTask(_ n: Int, _ body: (Int) -> Void) {
    guard n > 0 else { return }
    if n == 1 {
      body(0)
      return
    }
    withContext({ (range: Range<Int>) in body(range.lowerBound) }) { call, context in
      tk_parallel_tasks(Int64(n), call, context)
    }
  }

  /// Runs another thread's share of what the thread with the number of the first argument began.
  package typealias Watcher = @Sendable (_ caller: Int, _ share: () -> Void) -> Void

  private static let watcher = Mutex<Watcher?>(nil)
  private static let isWatched = Atomic<Bool>(false)

  /// Has a watcher run the shares of threads, or none.
  package static func setWatcher(_ new: Watcher?) {
    watcher.withLock { $0 = new }
    isWatched.store(new != nil, ordering: .relaxed)
  }

  private struct Context {
    let body: (Range<Int>) -> Void
    /// The number of the calling thread, where somebody watches.
    let caller: Int?

    func run(_ range: Range<Int>) {
      guard let caller, Int(tk_thread_lane()) != caller, let watcher = watcher.withLock({ $0 }) else {
        return body(range)
      }
      watcher(caller) { body(range) }
    }
  }

  private static func withContext(
    _ body: (Range<Int>) -> Void, _ run: (tk_range_body, UnsafeMutableRawPointer) -> Void
  ) {
    withoutActuallyEscaping(body) { escaping in
      let caller = isWatched.load(ordering: .relaxed) ? Int(tk_thread_lane()) : nil
      var context = Context(body: escaping, caller: caller)
      withUnsafeMutablePointer(to: &context) { pointer in
        run(
          { raw, begin, end in
            raw.unsafelyUnwrapped.assumingMemoryBound(to: Context.self).pointee.run(Int(begin)..<Int(end))
          }, UnsafeMutableRawPointer(pointer))
      }
    }
  }
}
