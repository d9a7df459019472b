import Foundation

/// How far rotary embedding turns each pair of components for one step of position.
public struct RotaryAngles: Hashable, Sendable {
  /// The angle of each pair at position 1, the fastest first.
  public let frequencies: [Double]
  /// What turned components are multiplied by; 1 for a mere turn.
  public let magnitude: Double

  /// Any angles, `dim / 2` of them for heads of `dim` components.
  public init(frequencies: [Double], magnitude: Double = 1) {
    self.frequencies = frequencies
    self.magnitude = magnitude
  }

  /// `base^(−2 i / dim) / factor` for pair `i` (Su et al., "RoFormer", 2021; the factor is "position
  /// interpolation", Chen et al. 2023, arXiv:2306.15595).
  public init(base: Double, dim: Int, factor: Double = 1) {
    self.init(frequencies: (0..<dim / 2).map { pow(base, -2 * Double($0) / Double(dim)) / factor })
  }
}
