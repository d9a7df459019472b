#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// The learning rate as a factor over the steps of a run, with the names of transformers' `get_scheduler`.
public struct LearningRateSchedule: Sendable {
  /// What happens after the warm-up.
  public enum Kind: String, Sendable, CaseIterable {
    /// Stays at 1.
    case constant
    /// Falls in a straight line to 0 at the last step.
    case linear
    /// Falls along half a cosine to 0 at the last step.
    case cosine
  }

  /// The shape after the warm-up.
  public let kind: Kind
  /// The rate where the factor is 1.
  public let peak: Double
  /// Steps during which the factor rises in a straight line from 0.
  public let warmupSteps: Int
  /// Steps of the whole run, warm-up included.
  public let totalSteps: Int
  /// Steps at the end during which the factor falls; between warm-up and fall it stays at 1.
  public let decaySteps: Int

  /// Creates a schedule; without `decaySteps` the fall begins right after the warm-up.
  public init(
    _ kind: Kind, peak: Double, warmupSteps: Int = 0, totalSteps: Int, decaySteps: Int? = nil
  ) {
    self.kind = kind
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
    let afterWarmup = max(0, totalSteps - warmupSteps)
    self.decaySteps = min(decaySteps ?? afterWarmup, afterWarmup)
  }

  /// The factor at a step counted from 0.
  public func factor(step: Int) -> Double {
    if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
    let progress = Double(max(0, step - (totalSteps - decaySteps))) / Double(max(1, decaySteps))
    switch kind {
    case .constant: return 1
    case .linear: return max(0, 1 - progress)
    case .cosine: return max(0, 0.5 * (1 + cos(.pi * min(1, progress))))
    }
  }

  /// The learning rate at a step counted from 0.
  public func rate(step: Int) -> Double { peak * factor(step: step) }
}
