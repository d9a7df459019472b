import Foundation

/// One comparison with the reference implementation.
public struct Comparison: Equatable, Sendable, CustomStringConvertible {
  /// File and place, such as `llava.h5 img1/logits`.
  public var name: String
  /// The largest error; infinite when shapes or tokens are not even comparable.
  public var error: Double
  /// The largest error that passes.
  public var allowed: Double
  /// What else there is to say: the place of the largest error, or why nothing could be compared.
  public var note = ""

  /// A comparison with its outcome.
  public init(name: String, error: Double, allowed: Double, note: String = "") {
    self.name = name
    self.error = error
    self.allowed = allowed
    self.note = note
  }

  /// Whether the error is allowed.
  public var isPassed: Bool { error <= allowed }

  /// One line: pass or fail, name, error, allowed error, note.
  public var description: String {
    let verdict = isPassed ? "pass" : "FAIL"
    let line = "\(verdict)  \(name)  error \(Self.short(error))  allowed \(Self.short(allowed))"
    return note.isEmpty ? line : line + "  (\(note))"
  }

  /// A number with three digits.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : "infinite" }
    if value == value.rounded(), abs(value) < 1e6 { return "\(Int(value))" }
    let exponent = Int(floor(log10(abs(value))))
    let digits = (value / pow(10, Double(exponent)) * 100).rounded() / 100
    return (-3...5).contains(exponent)
      ? "\((value * 1e6).rounded() / 1e6)" : "\(digits)e\(exponent)"
  }
}

/// All comparisons of a verification, in the order they were made.
public struct VerificationReport: Sendable {
  /// Every comparison.
  public private(set) var comparisons: [Comparison] = []
  /// Called with each comparison as it is made.
  let emit: @Sendable (Comparison) -> Void

  init(emit: @escaping @Sendable (Comparison) -> Void) { self.emit = emit }

  /// Comparisons within their bounds.
  public var passed: Int { comparisons.count { $0.isPassed } }
  /// Comparisons outside their bounds, and whatever could not be compared.
  public var failed: Int { comparisons.count - passed }

  /// The closing line.
  public var summary: String { "\(passed) passed, \(failed) failed" }

  mutating func add(_ comparison: Comparison) {
    comparisons.append(comparison)
    emit(comparison)
  }

  /// Records something that could not be compared as failed.
  mutating func fail(_ name: String, _ reason: String) {
    add(Comparison(name: name, error: .infinity, allowed: 0, note: reason))
  }

  /// Compares two lists that must be equal; the error is the number of places that differ.
  mutating func expectEqual<Element: Equatable>(_ name: String, _ found: [Element], _ expected: [Element]) {
    var differing = abs(found.count - expected.count)
    var first: Int?
    for (index, pair) in zip(found, expected).enumerated() where pair.0 != pair.1 {
      differing += 1
      if first == nil { first = index }
    }
    var note = ""
    if let first {
      note = "at \(first): found \(found[first]), expected \(expected[first])"
    } else if differing > 0 {
      note = "found \(found.count), expected \(expected.count)"
    }
    add(Comparison(name: name, error: Double(differing), allowed: 0, note: note))
  }

  /// Runs one part; an error that it throws becomes a failed comparison.
  mutating func part(_ name: String, _ body: (inout VerificationReport) throws -> Void) {
    do { try body(&self) } catch { fail(name, "\(error)") }
  }
}
