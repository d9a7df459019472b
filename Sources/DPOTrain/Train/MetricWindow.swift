import Checkpoint

/// Sums of a training loop's metrics since the last row of `metrics.jsonl`.
///
/// It goes into checkpoints, so that a resumed run writes the same rows as one that was never stopped.
public struct MetricWindow: Sendable, Equatable {
  private var sums: [String: Double] = [:]
  private var weights: [String: Double] = [:]

  /// An empty window.
  public init() {}

  /// Adds a value with a weight (pairs, tokens, steps).
  public mutating func add(_ name: String, _ value: Double, weight: Double = 1) {
    sums[name, default: 0] += value * weight
    weights[name, default: 0] += weight
  }

  /// Replaces the value of a name: the row shows the last one.
  public mutating func set(_ name: String, _ value: Double) {
    sums[name] = value
    weights[name] = 1
  }

  /// The weighted mean of every name.
  public var means: [String: Double] {
    Dictionary(uniqueKeysWithValues: sums.map { ($0.key, $0.value / (weights[$0.key] ?? 1)) })
  }

  /// Forgets everything.
  public mutating func reset() { self = MetricWindow() }

  /// The content as values of a checkpoint.
  package var progress: [String: TrainingCheckpoint.Progress] {
    var values: [String: TrainingCheckpoint.Progress] = [:]
    for (name, sum) in sums { values[Self.prefix + "sum:" + name] = .real(sum) }
    for (name, weight) in weights { values[Self.prefix + "weight:" + name] = .real(weight) }
    return values
  }

  /// Restores ``progress``; other values are passed over.
  package init(progress: [String: TrainingCheckpoint.Progress]) {
    for (key, value) in progress {
      guard case .real(let number) = value, key.hasPrefix(Self.prefix) else { continue }
      let rest = key.dropFirst(Self.prefix.count)
      if rest.hasPrefix("sum:") { sums[String(rest.dropFirst(4))] = number }
      if rest.hasPrefix("weight:") { weights[String(rest.dropFirst(7))] = number }
    }
  }

  private static let prefix = "window:"
}
