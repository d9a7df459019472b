/// Lists that a cell holds as Python prints them: `['a', "b", 3]`.
package enum PythonList {
  /// The elements of a list of strings and numbers, numbers as they are spelled; nil for any other text.
  package static func elements(of text: String) -> [String]? {
    var reader = Reader(bytes: Array(text.utf8))
    return reader.list()
  }

  /// As VLMEvalKit's `toliststr`: the elements of a list, or the text itself.
  package static func elementsOrText(_ text: String) -> [String] {
    guard text.utf8.count > 1, text.utf8.first == UInt8(ascii: "["), text.utf8.last == UInt8(ascii: "]")
    else {
      return [text]
    }
    return elements(of: text) ?? [text]
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func take(_ character: Character) -> Bool {
      guard next == character.asciiValue else { return false }
      position += 1
      return true
    }

    mutating func skipSpace() {
      while let byte = next, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    mutating func list() -> [String]? {
      var elements: [String] = []
      skipSpace()
      guard take("[") else { return nil }
      while true {
        skipSpace()
        if take("]") { break }
        guard let element = element() else { return nil }
        elements.append(element)
        skipSpace()
        if take(",") { continue }
        guard take("]") else { return nil }
        break
      }
      skipSpace()
      return position == bytes.count ? elements : nil
    }

    private mutating func element() -> String? {
      guard let first = next else { return nil }
      if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") { return string(endingWith: first) }
      let start = position
      while let byte = next, byte != UInt8(ascii: ","), byte != UInt8(ascii: "]"), byte != 0x20 {
        guard byte != UInt8(ascii: "["), byte != UInt8(ascii: "'"), byte != UInt8(ascii: "\"") else {
          return nil
        }
        position += 1
      }
      return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private mutating func string(endingWith quote: UInt8) -> String? {
      position += 1
      var text: [UInt8] = []
      while let byte = next {
        position += 1
        if byte == quote { return String(decoding: text, as: UTF8.self) }
        guard byte == UInt8(ascii: "\\") else {
          text.append(byte)
          continue
        }
        guard let escaped = next else { return nil }
        position += 1
        switch escaped {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
          let count = escaped == UInt8(ascii: "x") ? 2 : escaped == UInt8(ascii: "u") ? 4 : 8
          guard position + count <= bytes.count,
            let value = UInt32(
              String(decoding: bytes[position..<position + count], as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(value)
          else { return nil }
          position += count
          text += Array(String(Character(scalar)).utf8)
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): text.append(escaped)
        default: text += [UInt8(ascii: "\\"), escaped]
        }
      }
      return nil
    }
  }
}
