import DPOTrain

extension RunConfiguration.Select.Layer {
  /// A whole number, a fraction with a decimal point, or `auto`.
  init?(_ node: ConfigurationNode) {
    if node.text == "auto" {
      self = .auto
    } else if let index = node.integer {
      guard (0...10_000).contains(index) else { return nil }
      self = .index(index)
    } else if let fraction = node.number, (0...1).contains(fraction) {
      self = .fraction(fraction)
    } else {
      return nil
    }
  }

  var written: ConfigurationValue {
    switch self {
    case .index(let index): .integer(index)
    case .fraction(let fraction): .scalar("\(fraction)")
    case .auto: .scalar("auto")
    }
  }
}

extension ConfigurationField {
  /// A decoder layer by number or place, or `null`.
  static func optionalLayer(
    _ key: String, _ path: WritableKeyPath<Section, RunConfiguration.Select.Layer?>, _ summary: String
  ) -> ConfigurationField {
    value(
      key, path,
      expected:
        "a layer number (whole, 0 to 10000), a fraction of the depth with a decimal point (0.0 to 1.0), or "
        + "null",
      summary, form: .either([.integer(0...10_000), .number(.share), .null]),
      parse: { node in
        if node.isNull { return .some(nil) }
        return RunConfiguration.Select.Layer(node).flatMap { $0 == .auto ? nil : .some($0) }
      }, write: { $0?.written ?? .scalar("null") })
  }
}
