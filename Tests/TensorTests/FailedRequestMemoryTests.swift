import Tensor
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Pages of this process that are in memory, in bytes.
private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var (size, resident) = (0, 0)
  withUnsafeMutablePointer(to: &size) { size in
    withUnsafeMutablePointer(to: &resident) { resident in
      _ = withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
    }
  }
  return resident * sysconf(Int32(_SC_PAGESIZE))
}

/// What a server loses when requests fail, in processes of their own.
@Suite(.serialized) struct FailedRequestMemoryTests {
  @Test func failingBodiesLeaveResidentMemoryFlat() async {
    await #expect(processExitsWith: .success) {
      let weights = Parameter(Tensor.ones([128, 1024]))
      func fail(_ count: Int) {
        for _ in 0..<count {
          let error = #expect(throws: TensorError.self) {
            try withTensorErrors {
              let x = Tensor.ones([128, 1024])
              let y = (x * weights.tensor).exp() + 1
              _ = y.matmul(x)
            }
          }
          if error?.operation != "matmul" { exit(3) }
        }
      }
      fail(50)
      let before = residentBytes()
      fail(400)
      let growth = residentBytes() - before
      print("failing bodies: \(growth / 400) bytes each")
      #expect(before > 0 && growth < 10 << 20)
      #expect(weights.tensor.sum().item() == 128 * 1024)
    }
  }

  @Test func failingThrowingFormsLeaveResidentMemoryFlat() async {
    await #expect(processExitsWith: .success) {
      func fail(_ count: Int) {
        for _ in 0..<count {
          #expect(throws: TensorError.self) {
            let x = Tensor.ones([128, 1024])
            _ = try x.exp().matmul(validating: x)
          }
        }
      }
      fail(50)
      let before = residentBytes()
      fail(400)
      let growth = residentBytes() - before
      #expect(before > 0 && growth < 2 << 20)
    }
  }
}
