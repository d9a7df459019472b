import Foundation
import Tensor

extension TextConfiguration {
  /// The angles by which heads are turned.
  package var rotaryAngles: RotaryAngles {
    let plain = RotaryAngles(base: ropeTheta, dim: headSize)
    return switch ropeScaling {
    case .none, .dynamic: plain
    case .linear(let factor): RotaryAngles(base: ropeTheta, dim: headSize, factor: factor)
    case .llama3(let numbers): numbers.angles(plain)
    case .yarn(let numbers): numbers.angles(plain, base: ropeTheta)
    }
  }
}

extension RotaryScaling.Llama3 {
  fileprivate func angles(_ plain: RotaryAngles) -> RotaryAngles {
    RotaryAngles(
      frequencies: plain.frequencies.map { frequency in
        let turns = Double(originalContext) * frequency / (2 * .pi)
        if turns < slowTurns { return frequency / factor }
        if turns > fastTurns { return frequency }
        let fast = (turns - slowTurns) / (fastTurns - slowTurns)
        return (1 - fast) * frequency / factor + fast * frequency
      })
  }
}

extension RotaryScaling.YaRN {
  /// What components are multiplied by.
  var magnitude: Double {
    func grown(_ scale: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1 }
    if let attentionFactor { return attentionFactor }
    guard let scale, let scaleOfAll, scale != 0, scaleOfAll != 0 else { return grown(1) }
    return grown(scale) / grown(scaleOfAll)
  }

  fileprivate func angles(_ plain: RotaryAngles, base: Double) -> RotaryAngles {
    let dim = 2 * plain.frequencies.count
    /// The pair of components, not a whole one, that turns so often within the original context.
    func pair(turning turns: Double) -> Double {
      Double(dim) * log(Double(originalContext) / (turns * 2 * .pi)) / (2 * log(base))
    }
    var (first, last) = (pair(turning: fastTurns), pair(turning: slowTurns))
    if truncates { (first, last) = (first.rounded(.down), last.rounded(.up)) }
    (first, last) = (max(first, 0), min(last, Double(dim - 1)))
    if first == last { last += 0.001 }
    return RotaryAngles(
      frequencies: plain.frequencies.enumerated().map { index, frequency in
        let slow = min(max((Double(index) - first) / (last - first), 0), 1)
        return frequency / factor * slow + frequency * (1 - slow)
      }, magnitude: magnitude)
  }
}
