import Records
import Tensor
import Testing

@Suite("Digest")
struct DigestTests {
  /// FIPS 180-4 examples, and sha256sum of a million letters "a".
  @Test func knownValues() {
    func hex(_ bytes: [UInt8]) -> String {
      var digest = Digest()
      digest.update(bytes)
      return digest.finalize()
    }
    #expect(hex([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hex(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      hex(Array(repeating: UInt8(ascii: "a"), count: 64))
        == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb")
    #expect(
      hex(Array(repeating: UInt8(ascii: "a"), count: 1000))
        == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
    #expect(
      hex(Array(repeating: UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// The processor's instructions, where it has them, make the words that plain arithmetic makes.
  @Test func instructionsAndArithmeticAgree() {
    var generator = RandomGenerator(seed: 3)
    let bytes = (0..<64 * 5).map { _ in UInt8(generator.integer(below: 256)) }
    let start = (0..<8).map { _ in UInt32(generator.integer(below: 1 << 32)) }
    var (found, expected) = (start, start)
    bytes.withUnsafeBytes {
      if !SHA256.add($0, to: &found, constants: Digest.constants) {
        print("no instructions for SHA-256 here")
      }
    }
    bytes.withUnsafeBufferPointer { all in
      for block in 0..<5 {
        Digest.compress(&expected, UnsafeBufferPointer(rebasing: all[64 * block..<64 * block + 64]))
      }
    }
    #expect(found == expected || found == start)
  }

  /// However a text of bytes is cut, its digest is that of the whole.
  @Test func anyCutGivesTheSame() {
    let bytes = (0..<400).map { UInt8(truncatingIfNeeded: $0 * 7) }
    var whole = Digest()
    whole.update(bytes)
    for size in [1, 3, 63, 64, 65, 127, 128, 199] {
      var parts = Digest()
      for start in stride(from: 0, to: 400, by: size) { parts.update(bytes[start..<min(start + size, 400)]) }
      #expect(parts.finalize() == whole.finalize(), "\(size)")
    }
  }

  @Test("pieces do not run together, and their split does not matter within one")
  func pieces() {
    var first = Digest()
    first.update("ab")
    first.update("c")
    var second = Digest()
    second.update("a")
    second.update("bc")
    #expect(first.finalize() != second.finalize())
    var whole = Digest()
    whole.update(Array(repeating: 7, count: 200))
    var parts = Digest()
    for _ in 0..<8 { parts.update(Array(repeating: 7, count: 25)) }
    #expect(whole.finalize() == parts.finalize())
  }
}
