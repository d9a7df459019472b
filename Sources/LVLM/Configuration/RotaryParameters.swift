/// What a configuration says of rotary positions: `rope_parameters` of transformers 5, `rope_scaling` of
/// releases before.
struct RotaryParameters: Codable, Equatable {
  var theta: Double?
  var type: String?
  var legacyType: String?
  var factor: Double?

  enum CodingKeys: String, CodingKey {
    case theta = "rope_theta"
    case type = "rope_type"
    case legacyType = "type"
    case factor
  }

  private var kind: String { type ?? legacyType ?? "default" }

  /// What positions are divided by.
  private var divisor: Double { kind == "linear" ? factor ?? 1 : 1 }

  /// What is not computed here or says two things.
  private var problem: (found: String, expected: String)? {
    if let type, let legacyType, type != legacyType {
      return ("the rope_type \"\(type)\" and the type \"\(legacyType)\"", "one of them")
    }
    switch (kind, factor) {
    case ("default", nil), ("default", 1): return nil
    case ("default", let factor?): return ("a factor of \(factor) without a type", "\"linear\" beside it")
    case ("linear", let factor?) where factor > 0 && factor.isFinite: return nil
    case ("linear", _):
      let stated = factor.map { "a factor of \($0)" } ?? "no factor"
      return ("the type \"linear\" with \(stated)", "a positive one")
    default: return ("rotary embeddings of type \"\(kind)\"", "\"default\" or \"linear\"")
    }
  }

  /// The base and the divisor of a section, from the places where releases put them.
  ///
  /// `rope_scaling` takes the place of `rope_parameters` in transformers 5, and a base inside either that of
  /// `rope_theta`: where two places differ, that is noted.
  static func read<Key: CodingKey>(
    _ section: ConfigurationSection<Key>, _ parametersKey: Key, _ scalingKey: Key, theta thetaKey: Key
  ) -> (theta: Double?, factor: Double?) {
    let beside: Double? = section.optional(thetaKey)
    let parameters: RotaryParameters? = section.optional(parametersKey)
    var scaling: RotaryParameters? = section.optional(scalingKey)
    if scaling == RotaryParameters() { scaling = nil }
    for (key, rope) in [(parametersKey, parameters), (scalingKey, scaling)] {
      if let problem = rope?.problem { section.note(key, found: problem.found, expected: problem.expected) }
    }
    if let parameters, let scaling, (parameters.kind, parameters.divisor) != (scaling.kind, scaling.divisor) {
      section.note(
        scalingKey, found: "positions of type \"\(scaling.kind)\" divided by \(scaling.divisor)",
        expected: "\"\(parameters.kind)\" and \(parameters.divisor), which \(parametersKey.stringValue) says")
    }
    let bases = [(parametersKey, parameters?.theta), (scalingKey, scaling?.theta), (thetaKey, beside)]
      .compactMap { key, base in base.map { (key: key, base: $0) } }
    if let first = bases.first, let other = bases.first(where: { $0.base != first.base }) {
      section.note(
        other.key, found: "a rope_theta of \(other.base)",
        expected: "\(first.base), which \(first.key.stringValue) says")
    }
    return (bases.first?.base, scaling?.divisor ?? parameters?.divisor)
  }
}
