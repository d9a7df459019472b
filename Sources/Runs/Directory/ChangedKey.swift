import Records

/// A key of the configuration that has another value than when parts of a run were made.
public struct ChangedKey: Equatable, Sendable, CustomStringConvertible {
  /// The dotted key.
  public var key: String
  /// The value that the parts were made with; `nil` for none.
  public var there: String?
  /// The value now; `nil` for none.
  public var here: String?
  /// The parts of the run that fall with it.
  public var redoes: [RunPart]

  /// `train.gamma: 0.1 there, 0.3 here`.
  public var difference: String { "\(key): \(there ?? "nothing") there, \(here ?? "nothing") here" }

  /// `train.gamma: 0.1 there, 0.3 here; redoes train, evaluate, report`.
  public var description: String {
    "\(difference); redoes \(redoes.map(\.rawValue).joined(separator: ", "))"
  }
}
