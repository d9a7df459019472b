/// Finds where the list of a JSON file goes on after an element that is broken.
struct JSONListRecovery {
  /// The file.
  private let bytes: UnsafeBufferPointer<UInt8>
  /// How far from an element its end is looked for.
  private let limit: Int

  init(_ bytes: UnsafeBufferPointer<UInt8>, maximumRecordBytes limit: Int) {
    self.bytes = bytes
    self.limit = limit
  }

  /// The place of the next element, or of the `]` that closes the list, after a broken element that starts at
  /// `start`: told by its brackets, or where they or a quotation mark are what is broken, by the layout of
  /// lines.
  /// - Returns: `nil` where neither tells.
  func placeAfterBroken(_ start: Int) -> Int? {
    // The file ends where an element should begin.
    guard start < bytes.count else { return nil }
    return placeByBrackets(start) ?? placeByLayout(start, from: start + 1)
  }

  /// The place of the next element where what stands at `place`, after the whole element that starts at
  /// `start`, is neither a comma nor the list's end.
  func placeAfterWhole(_ start: Int, at place: Int) -> Int? {
    guard start < bytes.count else { return nil }
    if place < bytes.count, bytes[place] == bytes[start] { return place }
    return placeByLayout(start, from: place)
  }

  /// Follows brackets and strings to the comma or bracket after the element.
  private func placeByBrackets(_ start: Int) -> Int? {
    var (open, isInString, hasClosed): ([UInt8], Bool, Bool) = ([], false, false)
    var place = start
    let end = start + min(bytes.count - start, limit)
    while place < end {
      let byte = bytes[place]
      defer { place += 1 }
      if isInString {
        // A string that goes over the end of a line lacks its closing mark.
        if byte < 0x20 { return nil }
        if byte == UInt8(ascii: "\\") { place += 1 } else if byte == UInt8(ascii: "\"") { isInString = false }
        continue
      }
      switch byte {
      case UInt8(ascii: ",") where open.isEmpty: return place + 1
      case UInt8(ascii: "]") where open.isEmpty: return place
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        if hasClosed { return nil }
        // The closing bracket of each is two further in ASCII.
        open.append(byte + 2)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard open.popLast() == byte else { return nil }
        hasClosed = open.isEmpty
      case UInt8(ascii: "\""): isInString = true
      default: break
      }
    }
    return nil
  }

  /// The first place, not before `from`, where after a comma a line starts as far in as the element at
  /// `start` and with the same character.
  private func placeByLayout(_ start: Int, from: Int) -> Int? {
    guard let column = indentation(of: start) else { return nil }
    var line = from
    while line < bytes.count, let end = bytes[line...].firstIndex(of: UInt8(ascii: "\n")) {
      line = end + 1
      let place = line + column
      guard place < bytes.count else { return nil }
      if bytes[place] == bytes[start], bytes[line..<place].allSatisfy(Self.isBlank),
        bytes[..<line].last(where: { !Self.isBlank($0) }) == UInt8(ascii: ",")
      {
        return place
      }
    }
    return nil
  }

  /// How far in the line an element starts; `nil` where more than blanks and the list's bracket are before
  /// it.
  private func indentation(of start: Int) -> Int? {
    let line = bytes[..<start].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let isFirst = bytes[line..<start].allSatisfy { Self.isBlank($0) || $0 == UInt8(ascii: "[") }
    return isFirst ? start - line : nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
