import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Files of this package with one bit flipped, a stretch zeroed, or the end cut off: refused, or read as they
/// were.
@Suite struct ChecksumTests {
  /// What became of one kind of file under all kinds of damage.
  private struct Outcome {
    var refused = 0
    var harmless = 0
    var silent: [String] = []
  }

  /// Damages a file in every way and compares what `read` makes of it with what the whole one gives.
  private func damage<Content: Equatable>(_ url: URL, _ read: (URL) throws -> Content) throws -> Outcome {
    let whole = [UInt8](try Data(contentsOf: url))
    let expected = try read(url)
    var outcome = Outcome()
    func attempt(_ what: String, _ bytes: [UInt8]) throws {
      try Data(bytes).write(to: url)
      guard let found = try? read(url) else {
        outcome.refused += 1
        return
      }
      if found == expected { outcome.harmless += 1 } else { outcome.silent.append(what) }
    }
    for position in stride(from: 0, to: whole.count, by: whole.count > 2000 ? 3 : 1) {
      var bytes = whole
      bytes[position] ^= 1 << UInt8(position * 5 % 8)
      try attempt("bit of byte \(position)", bytes)
    }
    for start in stride(from: 0, to: whole.count, by: 37) {
      var bytes = whole
      for index in start..<min(start + 64, bytes.count) { bytes[index] = 0 }
      if bytes != whole { try attempt("zeros from \(start)", bytes) }
    }
    for length in stride(from: 0, to: whole.count, by: 41) {
      try attempt("cut to \(length)", Array(whole.prefix(length)))
    }
    return outcome
  }

  @Test func trainingCheckpoints() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("step-3.h5")
      try TrainingCheckpoint(
        model: [("a.weight", Tensor.arange(6)), ("a.bias", Tensor.ones([3]).to(.bfloat16))],
        optimizer: [("a.weight.exp_avg", Tensor.full([6], 0.25))], random: ["data": [1, 2, 3]],
        progress: ["step": .integer(3), "epoch": .real(0.5), "stage": .text("train")],
        configuration: "train:\n  beta: 0.1\n", configurationHash: "0123", codeVersion: "1"
      ).write(to: url)
      let outcome = try damage(url) { Content(try TrainingCheckpoint(reading: $0)) }
      #expect(outcome.silent == [])
      #expect(outcome.refused > 500)
    }
  }

  @Test func weights() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("model.safetensors")
      try SafeTensors.write(
        [
          ("a.weight", Tensor.arange(40)), ("a.bias", Tensor.ones([3]).to(.bfloat16)),
          ("b", Tensor.zeros([0])),
        ],
        metadata: ["format": "pt"], hasChecksums: true, to: url)
      let file = try SafeTensors.read(url)
      #expect(file.hasChecksums && file.metadata == ["format": "pt"])
      let outcome = try damage(url) { url in
        try SafeTensors.read(url).tensors().map {
          "\($0.name) \($0.tensor.dtype) \($0.tensor.array(of: Float.self))"
        }
      }
      #expect(outcome.silent == [])
      #expect(outcome.refused > 300)
    }
  }

  @Test func caches() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("reference.h5")
      let cache = TensorCache(url, fingerprint: "weights")
      for key in ["one", "two"] { try cache.insert(Tensor.arange(4), for: key) }
      try cache.save()
      // A damaged cache counts as empty, and what it held is computed again.
      let outcome = try damage(url) { url in
        let found = TensorCache(url, fingerprint: "weights")
        if found.discarded != nil { throw CocoaError(.fileReadCorruptFile) }
        return found.keys.map { "\($0) \(found[$0]!.array(of: Float.self))" }
      }
      #expect(outcome.silent == [])
      #expect(outcome.refused > 300)
    }
  }

  @Test func errorsNameThePlaceAndBothChecksums() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try SafeTensors.write([("w", Tensor.ones([4]))], hasChecksums: true, to: url)
      var bytes = [UInt8](try Data(contentsOf: url))
      bytes[bytes.count - 1] ^= 1
      try Data(bytes).write(to: url)
      let error = #expect(throws: CheckpointError.self) { try SafeTensors.read(url).tensor("w") }
      #expect(error?.kind == .damaged && error?.location == "w")
      let ones = CRC32.of(Array(Tensor.ones([4]).array(of: Float.self)).withUnsafeBytes { Array($0) })
      #expect(error?.expected == "\(CRC32.digits(ones)) as when the file was written")
    }
  }

  /// The values of Python's `zlib.crc32`.
  @Test func polynomial() {
    #expect(CRC32.of("".utf8) == 0)
    #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926)
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 256) }
    let whole = CRC32.of(bytes)
    for cut in [0, 1, 63, 64, 65, 500, 999] {
      #expect(CRC32.of(bytes[cut...], after: CRC32.of(bytes[..<cut])) == whole)
    }
    #expect(whole == 0x668F_073D)
  }

  @Test func whatHasNoChecksumsIsReadAsBefore() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("plain.safetensors")
      try SafeTensors.write([("w", Tensor.ones([4]))], to: url)
      #expect(try !SafeTensors.read(url).hasChecksums)
      #expect(try SafeTensors.read(url).tensor("w").array(of: Float.self) == [1, 1, 1, 1])
    }
  }
}
