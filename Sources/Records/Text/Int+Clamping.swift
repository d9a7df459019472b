extension Int {
  /// The whole part of a number, or the end of the range on its side; 0 for what is not a number.
  package init(clamping value: Double) {
    self = value.isNaN ? 0 : Int(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
  }
}
