import MultiImageData

/// Thresholds of the attention ratio R that are read off the answers themselves, by format, level and number
/// of images.
///
/// The paper's table was chosen for LLaVA-1.5 and InternLM-XC2.5; a model whose attention is more or less
/// sharp has other ratios. No ground truth is looked at: every answer of the base model counts, right or
/// wrong.
public struct AdaptedThresholds: Sendable, Equatable {
  /// Where a threshold lies.
  package struct Place: Hashable, Sendable {
    var kind: CompositionKind
    var count: Int
    var level: PromptLevel?

    package init(kind: CompositionKind, count: Int, level: PromptLevel? = nil) {
      self.kind = kind
      self.count = count
      self.level = level
    }
  }

  private(set) var values: [Place: Double] = [:]

  /// - Parameter ratios: R of every answer to prompts of one format and number of images.
  /// - Returns: `nil` where the settings have thresholds of their own.
  package init?(_ settings: SelectionSettings, ratios: [Place: [Double]]) {
    for (place, all) in ratios {
      let finite = all.filter(\.isFinite).sorted()
      guard !finite.isEmpty else { continue }
      switch settings.thresholdRule {
      case .table, .argmax: return nil
      case .quantile: values[place] = Statistics.quantile(settings.thresholdQuantile, of: finite)
      case .otsu: values[place] = Otsu(sorted: finite).threshold
      }
    }
    if [.table, .argmax].contains(settings.thresholdRule) { return nil }
  }

  /// The threshold for a format and number of images; `nil` where nothing was answered.
  package func value(_ kind: CompositionKind, _ count: Int, _ level: PromptLevel? = nil) -> Double? {
    values[Place(kind: kind, count: count, level: level)]
  }
}

/// The cut of a distribution in two that leaves the least variance inside the two parts, here on the values
/// themselves (Otsu 1979, *A Threshold Selection Method from Gray-Level Histograms*).
package struct Otsu: Sendable, Equatable {
  /// The largest value of the lower part.
  package var threshold: Double
  /// Variance between the parts over the whole variance, 0 … 1: how much two groups explain. An even
  /// distribution has 0.75, two narrow heaps have almost 1.
  package var separability: Double

  /// - Parameter values: in ascending order, at least one.
  /// - Complexity: O(values).
  package init(sorted values: [Double]) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    (threshold, separability) = (values[values.count - 1], 0)
    guard variance > 0 else { return }
    var sum = 0.0
    for (index, value) in values.dropLast().enumerated() {
      sum += value
      // A cut between equal values would divide what cannot be told apart.
      guard values[index + 1] > value else { continue }
      let below = Double(index + 1)
      let difference = sum / below - (mean * count - sum) / (count - below)
      let between = below / count * (1 - below / count) * difference * difference / variance
      if between > separability { (threshold, separability) = (value, between) }
    }
  }
}
