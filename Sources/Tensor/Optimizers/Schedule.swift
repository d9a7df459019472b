#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// The learning rate as a factor over the steps of a run, with the names and formulas of transformers'
/// `get_scheduler`, and PyTorch's `OneCycleLR`.
public struct LearningRateSchedule: Sendable {
  /// What happens after the warm-up.
  public enum Kind: String, Sendable, CaseIterable {
    /// Stays at 1. (The scheduler of this name in transformers has no warm-up; here it has the warm-up it is
    /// given.)
    case constant
    /// Stays at 1.
    case constantWithWarmup = "constant_with_warmup"
    /// Falls in a straight line to 0 at the last step.
    case linear
    /// Falls along half a cosine to 0 at the last step.
    case cosine
    /// Falls along half a cosine to 0 as often as ``LearningRateSchedule/cycles`` says, back at 1 after each
    /// but the last.
    case cosineWithRestarts = "cosine_with_restarts"
    /// Falls along ``LearningRateSchedule/power`` of the remaining part to
    /// ``LearningRateSchedule/finalRate``.
    case polynomial
    /// Falls as the inverse root of the step, over ``LearningRateSchedule/timescale``.
    case inverseSquareRoot = "inverse_sqrt"
    /// Rises from 1/25 to 1 and falls to 1/250,000, both along half a cosine (Smith and Topin, 2018). Its
    /// rising part is the warm-up, or three tenths of the run without one.
    case oneCycle = "one_cycle"
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
  /// How often ``Kind/cosineWithRestarts`` falls.
  public let cycles: Int
  /// The exponent of ``Kind/polynomial``.
  public let power: Double
  /// The rate that ``Kind/polynomial`` ends at.
  public let finalRate: Double
  /// Steps after which ``Kind/inverseSquareRoot`` would have fallen to its start, had it begun at 0.
  public let timescale: Int

  /// Creates a schedule; without `decaySteps` the fall begins right after the warm-up. The default of
  /// `timescale` is the warm-up, or 10,000 without one.
  public init(
    _ kind: Kind, peak: Double, warmupSteps: Int = 0, totalSteps: Int, decaySteps: Int? = nil,
    cycles: Int = 1, power: Double = 1, finalRate: Double = 1e-7, timescale: Int? = nil
  ) {
    let steps = [warmupSteps, totalSteps, decaySteps ?? 0, cycles, timescale ?? 0]
    tensorRequire(
      steps.allSatisfy { (0...1 << 53).contains($0) }, "LearningRateSchedule",
      "steps and cycles must not be negative or above 2^53, found \(warmupSteps) of warm-up, \(totalSteps) "
        + "in all"
        + (decaySteps.map { ", \($0) of fall" } ?? "") + ", \(cycles) cycles"
        + (timescale.map { " and a timescale of \($0)" } ?? ""))
    self.kind = kind
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
    let afterWarmup = max(0, totalSteps - warmupSteps)
    self.decaySteps = min(decaySteps ?? afterWarmup, afterWarmup)
    self.cycles = cycles
    self.power = power
    self.finalRate = finalRate
    self.timescale = timescale ?? (warmupSteps > 0 ? warmupSteps : 10_000)
  }

  /// The factor at a step counted from 0.
  public func factor(step: Int) -> Double {
    tensorRequire(
      (0...1 << 53).contains(step), "LearningRateSchedule",
      "a step must not be negative or above 2^53, found \(step)")
    if kind == .oneCycle { return oneCycle(step) }
    if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
    let progress = Double(max(0, step - (totalSteps - decaySteps))) / Double(max(1, decaySteps))
    switch kind {
    case .constant, .constantWithWarmup, .oneCycle: return 1
    case .linear: return max(0, 1 - progress)
    case .cosine: return max(0, 0.5 * (1 + cos(.pi * min(1, progress))))
    case .cosineWithRestarts:
      guard progress < 1 else { return 0 }
      let part = (Double(cycles) * progress).truncatingRemainder(dividingBy: 1)
      return max(0, 0.5 * (1 + cos(.pi * part)))
    case .polynomial:
      let floor = finalRate / peak
      return (1 - floor) * pow(1 - min(1, progress), power) + floor
    case .inverseSquareRoot:
      return (Double(timescale) / Double(step + timescale - warmupSteps)).squareRoot()
    }
  }

  /// PyTorch's `OneCycleLR` with its default factors.
  private func oneCycle(_ step: Int) -> Double {
    let rise = warmupSteps > 0 ? Double(warmupSteps) : 0.3 * Double(totalSteps)
    let (top, end) = (rise - 1, Double(totalSteps - 1))
    let position = Double(min(step, max(0, totalSteps - 1)))
    let (start, stop, part): (Double, Double, Double) =
      position <= top || top >= end
      ? (1 / 25, 1, top > 0 ? position / top : 1) : (1, 1 / 250_000, (position - top) / (end - top))
    return stop + (start - stop) / 2 * (1 + cos(.pi * part))
  }

  /// The learning rate at a step counted from 0.
  public func rate(step: Int) -> Double { peak * factor(step: step) }
}
