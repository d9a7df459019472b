#if MPI
  import CMIAMPI
  import Foundation
  import Records

  /// The processes that `mpirun` or `srun` started, over MPI.
  ///
  /// Waiting is asking again with pauses between that grow to a millisecond: a rank that waits for hours
  /// leaves its cores to others, and hears signals.
  public final class MPIRanks: RankGroup {
    public let rank: Int
    public let count: Int

    /// Joins the processes of the launcher.
    /// - Throws: ``RankError`` where the library cannot.
    public init() throws {
      var (provided, rank, count): (Int32, Int32, Int32) = (0, 0, 0)
      // Threads compute, one of them calls the library.
      try Self.check("MPI_Init_thread", MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided))
      try Self.check("MPI_Comm_set_errhandler", mia_mpi_return_errors())
      try Self.check("MPI_Comm_rank", MPI_Comm_rank(mia_mpi_world(), &rank))
      try Self.check("MPI_Comm_size", MPI_Comm_size(mia_mpi_world(), &count))
      (self.rank, self.count) = (Int(rank), Int(count))
    }

    private static func check(_ call: String, _ code: Int32) throws {
      guard code == 0 else { throw RankError.library(call, code) }
    }

    public func gather(_ own: [UInt8], patience: Double?) throws -> [[UInt8]] {
      var lengths = [Int64](repeating: 0, count: count)
      try lengths.withUnsafeMutableBufferPointer { all in
        var length = Int64(own.count)
        try run("MPI_Iallgather", patience: patience) { request in
          all.withMemoryRebound(to: CLongLong.self) { all in
            withUnsafeBytes(of: &length) {
              mia_mpi_gather_lengths(
                $0.baseAddress!.assumingMemoryBound(to: CLongLong.self), all.baseAddress, request)
            }
          }
        }
      }
      let starts = lengths.indices.map { lengths[..<$0].reduce(0, +) }
      let total = lengths.reduce(0, +)
      guard total <= Int64(Int32.max) else {
        throw RankError.library("MPI_Iallgatherv", Int32(MPI_ERR_COUNT))
      }
      var all = [UInt8](repeating: 0, count: Int(total))
      try all.withUnsafeMutableBytes { all in
        try own.withUnsafeBytes { own in
          try lengths.map(Int32.init).withUnsafeBufferPointer { counts in
            try starts.map(Int32.init).withUnsafeBufferPointer { starts in
              try run("MPI_Iallgatherv") {
                mia_mpi_gather_bytes(
                  own.baseAddress, Int32(own.count), all.baseAddress, counts.baseAddress, starts.baseAddress,
                  $0)
              }
            }
          }
        }
      }
      return zip(starts, lengths).map { Array(all[Int($0)..<Int($0 + $1)]) }
    }

    public func exchange(
      _ own: UnsafeBufferPointer<Float>, pieces: [Range<Int>], received: UnsafeMutableBufferPointer<Float>
    ) throws {
      let length = pieces[rank].count
      let sent = (pieces.map { Int32($0.count) }, pieces.map { Int32($0.lowerBound) })
      let arriving = (pieces.map { _ in Int32(length) }, pieces.indices.map { Int32($0 * length) })
      try withBuffers(sent) { counts, starts in
        try withBuffers(arriving) { receivedCounts, receivedStarts in
          try run("MPI_Ialltoallv") {
            mia_mpi_exchange_floats(
              own.baseAddress, counts, starts, received.baseAddress, receivedCounts, receivedStarts, $0)
          }
        }
      }
    }

    public func spread(_ all: UnsafeMutableBufferPointer<Float>, pieces: [Range<Int>]) throws {
      try withBuffers((pieces.map { Int32($0.count) }, pieces.map { Int32($0.lowerBound) })) {
        counts, starts in
        try run("MPI_Iallgatherv") { mia_mpi_gather_floats(all.baseAddress, counts, starts, $0) }
      }
    }

    public func abort(status: Int32) -> Never {
      fflush(nil)
      MPI_Abort(mia_mpi_world(), status)
      _exit(status)
    }

    public func leave() { MPI_Finalize() }

    /// Two lists at addresses that stay as long as a call that has begun with them.
    private func withBuffers(
      _ lists: ([Int32], [Int32]), _ body: (UnsafePointer<Int32>?, UnsafePointer<Int32>?) throws -> Void
    ) rethrows {
      try lists.0.withUnsafeBufferPointer { first in
        try lists.1.withUnsafeBufferPointer { try body(first.baseAddress, $0.baseAddress) }
      }
    }

    /// Begins a call, and waits until it is done.
    private func run(
      _ name: String, patience: Double? = nil, _ call: (UnsafeMutablePointer<MPI_Request?>) -> Int32
    ) throws {
      var request: MPI_Request?
      try Self.check(name, call(&request))
      var (done, pause, tries): (Int32, UInt32, Int) = (0, 20, 0)
      var asked: ContinuousClock.Instant?
      while true {
        try Self.check("MPI_Test", mia_mpi_test(&request, &done))
        if done != 0 { return }
        tries += 1
        if tries < 100 {
          sched_yield()
          continue
        }
        usleep(pause)
        pause = min(pause + pause / 8, 1000)
        guard let patience, Interruption.isRequested else { continue }
        let since = asked ?? .now
        asked = since
        if ContinuousClock.now - since > .seconds(patience) { throw RankError.askedToEnd }
      }
    }
  }
#endif
