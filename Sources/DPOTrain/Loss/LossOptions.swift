/// A setting that some preference losses read and others do not. Raw values are TRL's configuration names.
public enum LossOption: String, CaseIterable, Sendable {
  /// Of ``LossOptions/labelSmoothing``.
  case labelSmoothing = "label_smoothing"
  /// Of ``LossOptions/divergence``.
  case divergence = "f_divergence_type"
  /// Of ``LossOptions/alphaDivergenceCoefficient``.
  case alphaDivergenceCoefficient = "f_alpha_divergence_coef"
  /// Of ``LossOptions/discopopTau``.
  case discopopTau = "discopop_tau"
  /// Of ``LossOptions/dpopLambda``.
  case dpopLambda = "dpop_lambda"
  /// Of ``LossOptions/simpoGamma``.
  case simpoGamma = "simpo_gamma"
}

/// The f-divergence whose derivative turns a log-ratio into a score (Wang et al., "Beyond Reverse KL", 2023).
public enum LossDivergence: String, CaseIterable, Sendable {
  /// KL(π ‖ π_ref), DPO's own.
  case reverseKL = "reverse_kl"
  /// KL(π_ref ‖ π).
  case forwardKL = "forward_kl"
  /// The Jensen–Shannon divergence.
  case jensenShannon = "js_divergence"
  /// The α-divergence, with ``LossOptions/alphaDivergenceCoefficient``.
  case alpha = "alpha_divergence"
}

/// The settings of a preference loss; `nil` means not set, so that a set but unread option can be refused.
public struct LossOptions: Sendable, Equatable {
  /// The inverse temperature β that scales log-ratios into rewards.
  public var beta: Double
  /// The probability ε that a preference label is flipped.
  public var labelSmoothing: Double?
  /// The divergence of DPO's sigmoid loss; the reverse KL when not set.
  public var divergence: LossDivergence?
  /// α of ``LossDivergence/alpha``; as in ``defaults`` when not set.
  public var alphaDivergenceCoefficient: Double?
  /// τ of DiscoPOP; as in ``defaults`` when not set.
  public var discopopTau: Double?
  /// λ of DPO-positive (Pal et al., 2024); as in ``defaults`` when not set.
  public var dpopLambda: Double?
  /// The target margin γ of SimPO; as in ``defaults`` when not set.
  public var simpoGamma: Double?

  /// Creates options; what is left out is not set.
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

  /// γ of SimPO, τ of DiscoPOP, λ of DPO-positive and α of the α-divergence where they are not set.
  public static let defaults = (simpoGamma: 0.5, discopopTau: 0.05, dpopLambda: 50.0, alpha: 0.5)

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
  /// A name that no loss has.
  case unknownLoss(String, known: [String])
  /// An option that the chosen loss does not read.
  case unreadOption(LossOption, loss: String, readBy: [String])
  /// A number outside of what an option accepts.
  case invalidOption(String, loss: String, found: Double, expected: String)
  /// Not one weight for each loss.
  case weightCount(losses: Int, weights: Int)

  /// The option or loss, what was found, what was expected.
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
