#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// Floating-point numbers as text of one width: the digits that tell each value apart, up to a precision,
/// with a common decimal point, and all with exponents when some are very large, very small or far apart.
///
/// The rules are those of NumPy's `FloatingFormat` in the mode `maxprec`.
struct FloatFormat<Scalar: BinaryFloatingPoint & CustomStringConvertible> {
  /// The values in their order, padded to one width.
  let words: [String]

  init(_ values: [Scalar], _ options: PrintOptions) {
    let finite = values.filter(\.isFinite)
    let magnitudes = finite.lazy.filter { $0 != 0 }.map(\.magnitude)
    var usesExponent = false
    if let largest = magnitudes.max(), let smallest = magnitudes.min() {
      usesExponent =
        largest >= Self.cutoff
        || !options.suppressesExponent && (smallest < Scalar(0.0001) || largest / smallest > 1000)
    }
    func parts(_ value: Scalar, _ digits: Int) -> Parts {
      usesExponent ? Parts(scientific: value, digits: digits) : Parts(positional: value, digits: digits)
    }
    var shown = finite.map { value in
      var result = parts(value, Self.fractionDigits(value, usesExponent, atMost: options.precision))
      while result.fraction.last == "0" { result.fraction.removeLast() }
      return result
    }
    let fraction = shown.lazy.map(\.fraction.utf8.count).max() ?? 0
    let exponent = shown.lazy.map(\.exponent.utf8.count).max() ?? 0
    if usesExponent {
      shown = finite.map { parts($0, fraction) }
    }
    var left = shown.lazy.map(\.whole.utf8.count).max() ?? 0
    // NumPy counts the sign of an exponent as one of the characters to the right.
    let right = usesExponent ? fraction + exponent + 2 : fraction
    if finite.count != values.count {
      let hasNegativeInfinity = values.contains(-Scalar.infinity)
      left = Swift.max(left, 3 - (right + 1), 3 + (hasNegativeInfinity ? 1 : 0) - (right + 1))
    }
    var next = shown.makeIterator()
    words = values.map { value in
      guard value.isFinite, let parts = next.next() else {
        let word = value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
        return String(repeating: " ", count: Swift.max(0, left + right + 1 - word.utf8.count)) + word
      }
      return parts.padded(left: left, fraction: fraction, exponent: exponent)
    }
  }

  /// From here on everything is printed with exponents: 10⁸, or less for types with fewer digits.
  private static var cutoff: Scalar {
    switch Scalar.significandBitCount {
    case ..<11: 1e3
    case ..<24: 1e6
    default: 1e8
    }
  }

  /// How many digits behind the point tell a value apart from its neighbours.
  private static func fractionDigits(_ value: Scalar, _ usesExponent: Bool, atMost limit: Int) -> Int {
    let text = value.description.utf8.drop { $0 == UInt8(ascii: "-") }
    let pieces = text.split(separator: UInt8(ascii: "e"))
    let mantissa = pieces[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let power = pieces.count > 1 ? Int(String(decoding: pieces[1], as: UTF8.self)) ?? 0 : 0
    let (whole, fraction) = (mantissa[0], mantissa.count > 1 ? mantissa[1] : mantissa[0].prefix(0))
    let zero = UInt8(ascii: "0")
    let digits = (Array(whole) + Array(fraction)).drop { $0 == zero }
    let trailing = digits.reversed().prefix { $0 == zero }.count
    if usesExponent { return Swift.min(limit, Swift.max(0, digits.count - trailing - 1)) }
    let behind = fraction.count - power
    return Swift.min(limit, Swift.max(0, digits.isEmpty ? 0 : behind - trailing))
  }

  private struct Parts {
    var whole: String
    var fraction: String
    /// Digits of the exponent without sign; empty in positional notation.
    var exponent = ""
    var exponentSign = ""

    init(positional value: Scalar, digits: Int) {
      (whole, fraction) = Self.split(printed("%.*f", digits, Double(value)))
    }

    init(scientific value: Scalar, digits: Int) {
      let text = printed("%.*e", digits, Double(value))
      let mark = text.firstIndex(of: "e") ?? text.endIndex
      (whole, fraction) = Self.split(String(text[..<mark]))
      let tail = text[mark...].dropFirst()
      exponentSign = String(tail.prefix(1))
      exponent = String(tail.dropFirst())
    }

    private static func split(_ text: String) -> (String, String) {
      guard let point = text.firstIndex(of: ".") else { return (text, "") }
      return (String(text[..<point]), String(text[point...].dropFirst()))
    }

    func padded(left: Int, fraction width: Int, exponent length: Int) -> String {
      let lead = String(repeating: " ", count: left - whole.utf8.count) + whole + "." + fraction
      guard length > 0 else { return lead + String(repeating: " ", count: width - fraction.utf8.count) }
      let zeros = String(repeating: "0", count: length - exponent.utf8.count)
      return lead + "e" + exponentSign + zeros + exponent
    }
  }
}

/// C's rounding of a number to a count of digits, which is exact.
private func printed(_ format: String, _ digits: Int, _ value: Double) -> String {
  var buffer = [CChar](repeating: 0, count: 400 + digits)
  let count = withVaList([Int32(digits), value]) { vsnprintf(&buffer, buffer.count, format, $0) }
  return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
