import Foundation
import Records

/// A piece of HTML or SVG. Text interpolated into a literal is escaped; only another `HTML` goes in as it is.
///
///     let row: HTML = "<td title=\"\(prompt)\">\(answer)</td>"
struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The markup.
  private(set) var source: String

  init(stringLiteral value: String) { source = value }

  /// Markup put together from pieces that are escaped already.
  init(markup: String) { source = markup }

  init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }

  struct StringInterpolation: StringInterpolationProtocol {
    var source = ""

    init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity * 2) }

    mutating func appendLiteral(_ literal: String) { source += literal }

    mutating func appendInterpolation(_ html: HTML) { source += html.source }

    mutating func appendInterpolation(_ pieces: [HTML]) {
      for piece in pieces { source += piece.source }
    }

    mutating func appendInterpolation(_ text: String) { source += HTML.escape(text) }

    mutating func appendInterpolation(_ number: Int) { source += String(number) }

    /// A coordinate: at most two decimals, no trailing zeros.
    mutating func appendInterpolation(_ coordinate: Double) { source += HTML.coordinate(coordinate) }
  }

  static func += (left: inout HTML, right: HTML) { left.source += right.source }

  /// Text with the characters that mean something in markup replaced, also inside attributes, and control
  /// characters that HTML does not allow shown as U+FFFD.
  static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      case "\n", "\t", "\r": out.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value): out += "\u{FFFD}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  static func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    var text = Format.decimal(value, 2)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text.isEmpty ? "0" : text
  }
}
