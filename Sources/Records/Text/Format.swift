import Foundation

/// Numbers as they are printed.
package enum Format {
  /// A number with a fixed count of decimals; a dash where it is not finite. Never prints "-0".
  package static func decimal(_ value: Double, _ digits: Int = 1) -> String {
    guard value.isFinite else { return "–" }
    let text = String(format: "%.\(digits)f", value)
    return text.hasPrefix("-") && text.allSatisfy({ "-0.".contains($0) }) ? String(text.dropFirst()) : text
  }

  /// A share 0 … 1 in per cent with one decimal.
  package static func percent(_ share: Double?) -> String { share.map { decimal($0 * 100) } ?? "–" }

  /// A difference of shares in points, with its sign.
  package static func points(_ difference: Double?) -> String {
    guard let difference else { return "–" }
    let text = decimal(difference * 100)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : (text == "0.0" ? "±0.0" : "+" + text)
  }

  /// `46.1 [40.6, 51.7]`, in per cent.
  package static func interval(_ estimate: Double, _ low: Double, _ high: Double) -> String {
    "\(percent(estimate)) [\(percent(low)), \(percent(high))]"
  }

  /// `4.2 s`, `3 min 05 s`, `1 h 12 min`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "–" }
    if seconds < 59.95 { return decimal(seconds) + " s" }
    let whole = Int(clamping: seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(String(format: "%02d", whole % 60)) s" }
    return "\(whole / 3600) h \(String(format: "%02d", whole % 3600 / 60)) min"
  }
}

/// A number with a fixed number of decimals.
package func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let whole = Int((abs(value) * scale).rounded())
  let digits = String(whole)
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && whole != 0 ? "-" : ""
  return decimals == 0 ? sign + padded : sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}

/// A number with leading zeros.
package func paddedNumber(_ number: Int, _ digits: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}

extension [Int] {
  /// `2, 3, 4`.
  package var words: String { map(String.init).joined(separator: ", ") }
}
