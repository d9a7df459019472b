import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// The size limit of a process stands for a full disk: the system refuses the write with an error code.
@Suite struct FullDiskTests {
  @Test(arguments: [0, 10, 100, 1000, 3000, 20_000, 60_000, 79_000])
  func hdf5(limit: Int) async throws {
    await #expect(processExitsWith: .success) { [limit] in
      try Fixtures.withTemporaryDirectory { folder in
        let url = folder.appendingPathComponent("step-1.h5")
        try TrainingCheckpointTests.sample.write(to: url)
        let earlier = try Data(contentsOf: url)
        let values = Tensor.ones([100, 100])
        let large = TrainingCheckpoint(
          model: [("a.weight", values), ("b.weight", values)], configuration: "x")

        limitFileSize(limit)
        // More than once: a failed attempt must leave the library usable.
        for _ in 0..<3 {
          let error = #expect(throws: CheckpointError.self) { try large.write(to: url) }
          #expect(
            error?.description
              == "\(url.path): cannot write: File too large (ulimit -f allows \(limit) bytes)")
        }
        limitFileSize(1 << 30)

        #expect(try Data(contentsOf: url) == earlier)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["step-1.h5"])
        try large.write(to: url)
        #expect(try Content(TrainingCheckpoint(reading: url)) == Content(large))
      }
    }
  }

  @Test func plainFiles() async throws {
    await #expect(processExitsWith: .success) {
      try Fixtures.withTemporaryDirectory { folder in
        let url = folder.appendingPathComponent("a.safetensors")
        let small = StoredArray([1 as Float])
        try SafeTensors.write([("x", small)], to: url)
        limitFileSize(5000)
        let large = StoredArray([Float](repeating: 0, count: 10_000))
        let error = #expect(throws: CheckpointError.self) { try SafeTensors.write([("x", large)], to: url) }
        #expect(error?.kind == .cannotWrite)
        #expect(try SafeTensorsFile(reading: url).array("x") == small)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.safetensors"])
      }
    }
  }

  @Test func unwritableFolder() throws {
    let url = URL(fileURLWithPath: "/nowhere/step-1.h5")
    let error = #expect(throws: CheckpointError.self) { try TrainingCheckpointTests.sample.write(to: url) }
    #expect(error?.description == "/nowhere/step-1.h5: cannot write: No such file or directory")
  }
}

/// Sets the soft limit only, so that it can be raised again.
private func limitFileSize(_ bytes: Int) {
  signal(SIGXFSZ, SIG_IGN)
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  limit.rlim_cur = rlim_t(bytes)
  setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}
