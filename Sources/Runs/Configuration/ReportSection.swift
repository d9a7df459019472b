extension RunConfiguration {
  /// `report`: what `report.html` shows beside tables and curves.
  public struct Report: Sendable, Equatable {
    /// Composed samples of each format on the contact sheet.
    public var samples = 6
    /// Attention maps of kept and of dropped pairs, each.
    public var attentionMaps = 4

    /// All defaults.
    public init() {}
  }
}
