/// Whether bytes are UTF-8.
package enum UTF8Check {
  /// The place of the first byte that belongs to no character; nil where there is none.
  package static func firstInvalid(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    var place = 0
    while place < bytes.count {
      if bytes[place] < 0x80 {
        place += 1
        continue
      }
      guard let length = length(of: bytes, at: place) else { return place }
      place += length
    }
    return nil
  }

  /// The bytes of the character that begins there, by table 3-7 of the Unicode standard.
  private static func length(of bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
    let first = bytes[place]
    let length =
      switch first {
      case 0xC2...0xDF: 2
      case 0xE0...0xEF: 3
      case 0xF0...0xF4: 4
      default: 0
      }
    guard length > 0, place + length <= bytes.count else { return nil }
    let second = bytes[place + 1]
    let seconds: ClosedRange<UInt8> =
      switch first {
      case 0xE0: 0xA0...0xBF
      case 0xED: 0x80...0x9F
      case 0xF0: 0x90...0xBF
      case 0xF4: 0x80...0x8F
      default: 0x80...0xBF
      }
    guard seconds.contains(second) else { return nil }
    return bytes[place + 1..<place + length].allSatisfy { (0x80...0xBF).contains($0) } ? length : nil
  }
}
