import Foundation
import Tensor

/// SHA-256 (FIPS 180-4) of everything fed into it: the fingerprint of stages and caches.
public struct Digest: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  /// The digest of nothing so far.
  public init() {}

  /// The digest of one text.
  public static func of(_ text: String) -> String {
    var digest = Digest()
    digest.update(text)
    return digest.finalize()
  }

  /// The digest of a file's content.
  /// - Throws: The system's error when it cannot be read.
  public static func of(file: URL) throws -> String {
    var digest = Digest()
    digest.update(try Data(contentsOf: file, options: .alwaysMapped))
    return digest.finalize()
  }

  /// Adds a text and an end mark, so that `"ab", "c"` differs from `"a", "bc"`.
  public mutating func update(_ text: String) {
    update(Array(text.utf8))
    update([0xFF])
  }

  /// Adds bytes.
  public mutating func update(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ add($0) }) == nil {
      Array(bytes).withUnsafeBufferPointer { add($0) }
    }
  }

  private mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
    length += UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let head = rest.prefix(64 - pending.count)
      pending.append(contentsOf: head)
      rest = rest.dropFirst(head.count)
      if pending.count == 64 {
        _ = pending.withUnsafeBufferPointer { Self.addBlocks(of: $0, to: &state) }
        pending.removeAll(keepingCapacity: true)
      }
    }
    if rest.isEmpty { return }
    let done = Self.addBlocks(of: UnsafeBufferPointer(rebasing: rest), to: &state)
    pending.append(contentsOf: rest.dropFirst(done))
  }

  /// Adds the whole blocks at the front of some bytes, and says how many bytes they are.
  private static func addBlocks(of bytes: UnsafeBufferPointer<UInt8>, to state: inout [UInt32]) -> Int {
    let whole = bytes.count / 64 * 64
    let blocks = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<whole])
    if SHA256.add(blocks, to: &state, constants: constants) { return whole }
    for offset in stride(from: 0, to: whole, by: 64) {
      compress(&state, UnsafeBufferPointer(rebasing: bytes[offset..<offset + 64]))
    }
    return whole
  }

  /// The digest as 64 hexadecimal digits.
  public func finalize() -> String {
    var copy = self
    let bits = length &* 8
    var tail: [UInt8] = [0x80]
    while (copy.pending.count + tail.count) % 64 != 56 { tail.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
      tail.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
    copy.update(tail)
    return copy.state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// One block, on processors without instructions for it.
  package static func compress(_ state: inout [UInt32], _ block: UnsafeBufferPointer<UInt8>) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
      for i in 0..<16 {
        words[i] =
          UInt32(block[4 * i]) << 24 | UInt32(block[4 * i + 1]) << 16 | UInt32(block[4 * i + 2]) << 8
          | UInt32(block[4 * i + 3])
      }
      func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
      for i in 16..<64 {
        let low = rotate(words[i - 15], 7) ^ rotate(words[i - 15], 18) ^ words[i - 15] >> 3
        let high = rotate(words[i - 2], 17) ^ rotate(words[i - 2], 19) ^ words[i - 2] >> 10
        words[i] = words[i - 16] &+ low &+ words[i - 7] &+ high
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      for i in 0..<64 {
        let mixed = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let first = h &+ mixed &+ (e & f ^ ~e & g) &+ constants[i] &+ words[i]
        let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ (a & b ^ a & c ^ b & c)
        (h, g, f, e) = (g, f, e, d &+ first)
        (d, c, b, a) = (c, b, a, first &+ second)
      }
      for (i, word) in [a, b, c, d, e, f, g, h].enumerated() { state[i] &+= word }
    }
  }

  package static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
