/// The mark that some editors write before text in UTF-8, and which is no part of the text.
package enum ByteOrderMark {
  /// U+FEFF in UTF-8.
  package static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]
}

extension Collection<UInt8> {
  /// The bytes of a text without the mark before them, where there is one: what every reader of text in this
  /// package begins with.
  package var withoutByteOrderMark: SubSequence {
    starts(with: ByteOrderMark.utf8) ? dropFirst(ByteOrderMark.utf8.count) : self[...]
  }
}
