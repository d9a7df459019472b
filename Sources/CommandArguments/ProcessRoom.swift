import Foundation
import Tensor

/// What the system has to leave a process, so that where it does not the program says so: libraries that
/// find nothing trap, or wait.
package enum ProcessRoom {
  /// Of 6 to 11 descriptors runs end in words, of 5 by the trap of a library; 12 are enough for all.
  private static let descriptors: rlim_t = 12
  /// Bytes of a buffer that OpenBLAS 0.3 keeps for each thread that calls it, on x86-64.
  private static let blasBuffer = 128 << 20
  /// What the program and a run of the smallest models take besides.
  private static let ownBytes = 96 << 20

  /// Ends the program, with status 1 and a sentence, where a limit of the process is too low for any command,
  /// and from here on where memory runs out.
  package static func require() {
    if let problem = descriptorProblem ?? memoryProblem { end(problem) }
    TensorRuntime.endOutOfMemory { end($0.message) }
  }

  private static var descriptorProblem: String? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < descriptors
    else { return nil }
    return "found a limit of \(limit.rlim_cur) open files (ulimit -n), expected at least \(descriptors)"
  }

  /// OpenBLAS asks for its buffers again and again until it gets them. Under a limit it gets them now.
  private static var memoryProblem: String? {
    let limits = [("-d", RLIMIT_DATA), ("-v", RLIMIT_AS)].compactMap { option, resource in
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(resource.rawValue), &limit)
      // RLIM_INFINITY, which Swift cannot import.
      return limit.rlim_cur == .max ? nil : (option, limit.rlim_cur)
    }
    guard let (option, bytes) = limits.min(by: { $0.1 < $1.1 }) else { return nil }
    // Threads that OpenBLAS starts when it is loaded want buffers too, and get them at any time from then on.
    let (threads, started) = (
      Threads.count, symbol("openblas_get_num_threads", as: Count.self).map { Int($0()) }
    )
    let needed = (threads + (started ?? threads) - 1) * blasBuffer + ownBytes
    let room = threads * blasBuffer
    guard bytes >= needed, let mapped = map(room) else {
      return "found a limit of \(bytes >> 20) MiB of memory (ulimit \(option)), expected at least "
        + "\(needed >> 20) MiB, for matrix products on \(threads) threads"
    }
    munmap(mapped, room)
    reserveBuffers(threads)
    return nil
  }

  private static func map(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let pointer = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return pointer == MAP_FAILED ? nil : pointer
  }

  private typealias Count = @convention(c) () -> CInt
  private typealias Allocate = @convention(c) (CInt) -> UnsafeMutableRawPointer?
  private typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void

  /// A function of OpenBLAS, where this one has it.
  private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(nil, name).map { unsafeBitCast($0, to: type) }
  }

  private static func reserveBuffers(_ count: Int) {
    guard let allocate = symbol("blas_memory_alloc", as: Allocate.self),
      let free = symbol("blas_memory_free", as: Free.self)
    else { return }
    let buffers = (0..<count).map { _ in allocate(0) }
    for buffer in buffers { free(buffer) }
  }

  /// Without what libraries do at the end of a process, which may wait for memory too.
  private static func end(_ problem: String) -> Never {
    ProgramEnd.write("error: \(problem)", to: .standardError)
    _exit(1)
  }
}
