/// What a configuration says of rotary positions: `rope_parameters` of transformers 5, `rope_scaling` of
/// releases before.
struct RotaryParameters: Codable, Equatable {
  var theta: Double?
  var type: String?
  var legacyType: String?
  var factor: Double?
  var originalContext: Int?
  var lowFrequencyFactor: Double?
  var highFrequencyFactor: Double?
  var attentionFactor: Double?
  var fastTurns: Double?
  var slowTurns: Double?
  var scale: Double?
  var scaleOfAll: Double?
  var truncates: Bool?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case theta = "rope_theta"
    case type = "rope_type"
    case legacyType = "type"
    case factor
    case originalContext = "original_max_position_embeddings"
    case lowFrequencyFactor = "low_freq_factor"
    case highFrequencyFactor = "high_freq_factor"
    case attentionFactor = "attention_factor"
    case fastTurns = "beta_fast"
    case slowTurns = "beta_slow"
    case scale = "mscale"
    case scaleOfAll = "mscale_all_dim"
    case truncates = "truncate"
  }
}

// MARK: Reading

extension RotaryParameters {
  /// Why something is not computed here.
  struct Problem: Error {
    var found: String
    var expected: String
  }

  private var kind: String { type ?? legacyType ?? "default" }

  /// The scaling that the keys describe.
  ///
  /// - Parameter context: `max_position_embeddings`, which an absent original context is.
  func scaling(context: Int) throws(Problem) -> RotaryScaling {
    if let type, let legacyType, type != legacyType {
      throw Problem(
        found: "the rope_type \"\(type)\" and the type \"\(legacyType)\"", expected: "one of them")
    }
    try checkKeys()
    let original = originalContext ?? context
    if let originalContext, originalContext <= 0 {
      throw Problem(
        found: "an original_max_position_embeddings of \(originalContext)", expected: "a positive one")
    }
    switch kind {
    case "default":
      guard let factor, factor != 1 else { return .none }
      throw Problem(
        found: "a factor of \(factor) without a type", expected: "one of \(Self.kinds) beside it")
    case "linear":
      let factor = try positive(.factor, factor)
      return factor == 1 ? .none : .linear(factor: factor)
    case "dynamic": return .dynamic(factor: try positive(.factor, factor))
    case "llama3":
      let low = try positive(.lowFrequencyFactor, lowFrequencyFactor)
      let high = try positive(.highFrequencyFactor, highFrequencyFactor)
      guard low < high else {
        throw Problem(
          found: "a low_freq_factor of \(low) and a high_freq_factor of \(high)",
          expected: "the second above the first")
      }
      return .llama3(
        .init(
          factor: try positive(.factor, factor), slowTurns: low, fastTurns: high, originalContext: original))
    case "yarn": return .yarn(try yarn(original, context))
    default:
      throw Problem(found: "rotary embeddings of type \"\(kind)\"", expected: "one of \(Self.kinds)")
    }
  }

  private static let kinds = "\"default\", \"linear\", \"dynamic\", \"llama3\" and \"yarn\""

  private func yarn(_ original: Int, _ context: Int) throws(Problem) -> RotaryScaling.YaRN {
    // As in Python, 0 is as good as absent.
    func stated(_ value: Double?) -> Double? { value == 0 ? nil : value }
    let ratio = originalContext.map { Double(context) / Double($0) }
    let numbers = RotaryScaling.YaRN(
      factor: try positive(.factor, factor ?? ratio), originalContext: original,
      fastTurns: try positive(.fastTurns, stated(fastTurns) ?? 32),
      slowTurns: try positive(.slowTurns, stated(slowTurns) ?? 1),
      attentionFactor: try attentionFactor.map { value throws(Problem) in
        try positive(.attentionFactor, value)
      },
      scale: stated(scale), scaleOfAll: stated(scaleOfAll), truncates: truncates ?? true)
    guard numbers.magnitude > 0, numbers.magnitude.isFinite else {
      throw Problem(
        found: "an attention factor of \(numbers.magnitude) by mscale and mscale_all_dim",
        expected: "a positive one")
    }
    return numbers
  }

  private func positive(_ key: CodingKeys, _ value: Double?) throws(Problem) -> Double {
    if let value, value > 0, value.isFinite { return value }
    let stated = value.map { "a \(key.rawValue) of \($0)" } ?? "no \(key.rawValue)"
    throw Problem(found: "the type \"\(kind)\" with \(stated)", expected: "a positive one")
  }

  /// Refuses numbers that the type has no use for: whoever wrote them meant another.
  private func checkKeys() throws(Problem) {
    let used: Set<CodingKeys> =
      switch kind {
      case "llama3": [.lowFrequencyFactor, .highFrequencyFactor]
      case "yarn": [.attentionFactor, .fastTurns, .slowTurns, .scale, .scaleOfAll, .truncates]
      default: []
      }
    let stated: [(key: CodingKeys, isThere: Bool)] = [
      (.lowFrequencyFactor, lowFrequencyFactor != nil), (.highFrequencyFactor, highFrequencyFactor != nil),
      (.attentionFactor, attentionFactor != nil), (.fastTurns, fastTurns != nil),
      (.slowTurns, slowTurns != nil), (.scale, scale != nil), (.scaleOfAll, scaleOfAll != nil),
      (.truncates, truncates != nil),
    ]
    if let (key, _) = stated.first(where: { $0.isThere && !used.contains($0.key) }) {
      throw Problem(
        found: "\(key.rawValue) beside the type \"\(kind)\"", expected: "a type that has such a number")
    }
  }

  /// The base and the scaling of a section, from the places where releases put them.
  ///
  /// `rope_scaling` takes the place of `rope_parameters` in transformers 5, and a base inside either that of
  /// `rope_theta`: where two places differ, that is noted.
  static func read<Key: CodingKey>(
    _ section: ConfigurationSection<Key>, _ parametersKey: Key, _ scalingKey: Key, theta thetaKey: Key,
    context: Int
  ) -> (theta: Double?, scaling: RotaryScaling?) {
    let beside: Double? = section.optional(thetaKey)
    let parameters: RotaryParameters? = section.optional(parametersKey)
    var scaling: RotaryParameters? = section.optional(scalingKey)
    if scaling == RotaryParameters() { scaling = nil }
    func read(_ key: Key, _ rope: RotaryParameters?) -> RotaryScaling? {
      do throws(Problem) {
        return try rope?.scaling(context: context)
      } catch {
        section.note(key, found: error.found, expected: error.expected)
        return nil
      }
    }
    let (new, old) = (read(parametersKey, parameters), read(scalingKey, scaling))
    if let new, let old, new != old {
      section.note(
        scalingKey, found: old.described,
        expected: "\(new.described), which \(parametersKey.stringValue) says")
    }
    let bases = [(parametersKey, parameters?.theta), (scalingKey, scaling?.theta), (thetaKey, beside)]
      .compactMap { key, base in base.map { (key: key, base: $0) } }
    if let first = bases.first, let other = bases.first(where: { $0.base != first.base }) {
      section.note(
        other.key, found: "a rope_theta of \(other.base)",
        expected: "\(first.base), which \(first.key.stringValue) says")
    }
    return (bases.first?.base, old ?? new)
  }
}

// MARK: Writing

extension RotaryParameters {
  /// The keys that describe a scaling.
  init(_ scaling: RotaryScaling, theta: Double? = nil) {
    self.theta = theta
    switch scaling {
    case .none: type = "default"
    case .linear(let factor): (type, self.factor) = ("linear", factor)
    case .dynamic(let factor): (type, self.factor) = ("dynamic", factor)
    case .llama3(let numbers):
      (type, factor, originalContext) = ("llama3", numbers.factor, numbers.originalContext)
      (lowFrequencyFactor, highFrequencyFactor) = (numbers.slowTurns, numbers.fastTurns)
    case .yarn(let numbers):
      (type, factor, originalContext) = ("yarn", numbers.factor, numbers.originalContext)
      (fastTurns, slowTurns, attentionFactor) = (
        numbers.fastTurns, numbers.slowTurns, numbers.attentionFactor
      )
      (scale, scaleOfAll, truncates) = (numbers.scale, numbers.scaleOfAll, numbers.truncates)
    }
  }

  /// The same as `rope_scaling`. Releases from 4.38 to 4.42 know these two types alone, by two keys, and
  /// refuse a third.
  init(forOldReleases scaling: RotaryScaling) {
    self.init(scaling)
    switch scaling {
    case .linear, .dynamic: (type, legacyType) = (nil, type)
    case .none, .llama3, .yarn: break
    }
  }
}

extension RotaryScaling {
  /// The keys in a sentence.
  fileprivate var described: String {
    switch self {
    case .none: "plain positions"
    case .linear(let factor): "positions of type \"linear\" divided by \(factor)"
    case .dynamic(let factor): "positions of type \"dynamic\" with a factor of \(factor)"
    case .llama3(let numbers):
      "positions of type \"llama3\" (\(numbers.factor), \(numbers.slowTurns) to \(numbers.fastTurns) turns "
        + "in \(numbers.originalContext))"
    case .yarn(let numbers):
      "positions of type \"yarn\" (\(numbers.factor), \(numbers.slowTurns) to \(numbers.fastTurns) turns in "
        + "\(numbers.originalContext), times "
        + "\(numbers.magnitude)\(numbers.truncates ? "" : ", not truncated"))"
    }
  }
}
