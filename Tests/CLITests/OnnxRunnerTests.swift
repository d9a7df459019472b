import Foundation
import TestSupport
import Testing

/// `onnx-conformance` as built beside these tests.
@Suite struct OnnxRunnerTests {
  private let tests = Fixtures.url("onnx/tests.pb")

  /// The packed tests, a message each behind its key and length.
  private func messages() throws -> [Data] {
    let file = try Data(contentsOf: tests)
    var (messages, place) = ([Data](), 0)
    while place < file.count {
      var (length, shift, next) = (0, 0, place + 1)
      while true {
        length |= Int(file[next] & 0x7F) << shift
        (shift, next) = (shift + 7, next + 1)
        if file[next - 1] < 0x80 { break }
      }
      messages.append(file[place..<next + length])
      place = next + length
    }
    return messages
  }

  @Test func aFailureWithoutAReasonIsALineAndTheStatus() throws {
    let test = try #require(try messages().first)
    try BuiltCommand.withFolder { folder in
      try test.write(to: folder.appendingPathComponent("tests.pb"))
      let passed = try BuiltCommand.run([folder.path], of: "onnx-conformance")
      #expect(passed.status == 0 && passed.output.hasSuffix("1 passed, 0 failed, 0 excluded\n"), "\(passed)")
      // The last byte is one of the last output's values.
      var other = test
      other[other.endIndex - 1] ^= 0x40
      try other.write(to: folder.appendingPathComponent("tests.pb"))
      let failed = try BuiltCommand.run([folder.path], of: "onnx-conformance")
      #expect(failed.status == 1 && failed.output.hasPrefix("FAIL  node/"), "\(failed)")
    }
  }

  /// What is damaged is a test that fails or a file that cannot be read, in words.
  @Test func damagedTestsEndInWords() throws {
    let sound = try messages().prefix(60).reduce(into: Data()) { $0 += $1 }
    try BuiltCommand.withFolder { folder in
      for seed in 0..<12 {
        var (damaged, state) = (sound, UInt64(seed + 1))
        func random(below bound: Int) -> Int {
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return Int((state >> 33) % UInt64(bound))
        }
        if seed < 3 { damaged = sound.prefix(1 + random(below: sound.count - 1)) }
        for _ in 0..<80 { damaged[random(below: damaged.count)] = UInt8(random(below: 256)) }
        try damaged.write(to: folder.appendingPathComponent("tests.pb"))
        let result = try BuiltCommand.run(["--quiet", folder.path], of: "onnx-conformance")
        #expect([1, 66].contains(result.status), "seed \(seed): \(result.status) \(result.errors)")
        #expect(result.status == 1 ? result.output.contains("FAIL") : result.errors.hasPrefix("error: "))
      }
    }
  }
}
