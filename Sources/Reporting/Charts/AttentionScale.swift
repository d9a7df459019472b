import DPOTrain

/// How strongly a patch of an attention map is coloured: by what it got beyond an even share.
///
/// An even share, the same for every patch of the prompt, is no colour, and the strongest patch the full one:
/// a map in which every patch got about the same stays as pale as it says little.
package struct AttentionScale {
  /// What every patch would get if all got the same.
  package var even: Double
  /// The most that a patch got, in even shares; at least 1.
  package var most: Double

  /// The scale of a map, over all of its pictures.
  package init(_ map: AttentionMap) {
    let values = map.values.joined().filter(\.isFinite)
    even = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    most = even > 0 ? max((values.max() ?? 0) / even, 1) : 1
  }

  /// 0 for an even share or less, 1 for the strongest patch.
  package func strength(_ value: Double) -> Double {
    guard even > 0, value.isFinite, most > 1.0001 else { return 0 }
    return min(max((value / even - 1) / (most - 1), 0), 1)
  }
}
