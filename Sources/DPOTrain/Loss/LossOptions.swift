/// A setting that some preference losses read and others do not. Raw values are TRL's configuration names.
public enum LossOption: String, CaseIterable, Sendable {
  case labelSmoothing = "label_smoothing"
  case divergence = "f_divergence_type"
  case alphaDivergenceCoefficient = "f_alpha_divergence_coef"
  case discopopTau = "discopop_tau"
  case dpopLambda = "dpop_lambda"
  case simpoGamma = "simpo_gamma"
}

/// The f-divergence whose derivative turns a log-ratio into a score (Wang et al., "Beyond Reverse KL", 2023).
public enum LossDivergence: String, CaseIterable, Sendable {
  case reverseKL = "reverse_kl"
  case forwardKL = "forward_kl"
  case jensenShannon = "js_divergence"
  case alpha = "alpha_divergence"
}

/// The settings of a preference loss; `nil` means not set, so that a set but unread option can be refused.
public struct LossOptions: Sendable, Equatable {
  /// The inverse temperature β that scales log-ratios into rewards.
  public var beta: Double
  /// The probability ε that a preference label is flipped.
  public var labelSmoothing: Double?
  public var divergence: LossDivergence?
  /// α of ``LossDivergence/alpha``; 0.5 when not set.
  public var alphaDivergenceCoefficient: Double?
  /// τ of DiscoPOP; 0.05 when not set.
  public var discopopTau: Double?
  /// λ of DPO-positive; 50 when not set (Pal et al., 2024).
  public var dpopLambda: Double?
  /// The target margin γ of SimPO; 0.5 when not set.
  public var simpoGamma: Double?

  public init(
    beta: Double = 0.1, labelSmoothing: Double? = nil, divergence: LossDivergence? = nil,
    alphaDivergenceCoefficient: Double? = nil, discopopTau: Double? = nil, dpopLambda: Double? = nil,
    simpoGamma: Double? = nil
  ) {
    self.beta = beta
    self.labelSmoothing = labelSmoothing
    self.divergence = divergence
    self.alphaDivergenceCoefficient = alphaDivergenceCoefficient
    self.discopopTau = discopopTau
    self.dpopLambda = dpopLambda
    self.simpoGamma = simpoGamma
  }

  /// The options somebody set, in declaration order.
  public var set: [LossOption] {
    LossOption.allCases.filter { option in
      switch option {
      case .labelSmoothing: labelSmoothing != nil
      case .divergence: divergence != nil
      case .alphaDivergenceCoefficient: alphaDivergenceCoefficient != nil
      case .discopopTau: discopopTau != nil
      case .dpopLambda: dpopLambda != nil
      case .simpoGamma: simpoGamma != nil
      }
    }
  }
}

/// A loss configuration that cannot mean anything.
public enum LossError: Error, Equatable, CustomStringConvertible {
  case unknownLoss(String, known: [String])
  case unreadOption(LossOption, loss: String, readBy: [String])
  case invalidOption(String, loss: String, found: Double, expected: String)
  case weightCount(losses: Int, weights: Int)

  public var description: String {
    switch self {
    case .unknownLoss(let name, let known):
      "loss_type \"\(name)\" is not known; expected one of \(known.joined(separator: ", "))"
    case .unreadOption(let option, let loss, let readers):
      "\(option.rawValue) is set but loss_type \"\(loss)\" does not read it; it is read by "
        + readers.joined(separator: ", ")
    case .invalidOption(let option, let loss, let found, let expected):
      "loss_type \"\(loss)\": \(option) is \(found), expected \(expected)"
    case .weightCount(let losses, let weights):
      "loss_weights has \(weights) numbers for \(losses) losses"
    }
  }
}
