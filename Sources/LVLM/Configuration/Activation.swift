import Tensor

/// Activation functions by the names that Hugging Face configurations use.
public enum Activation: String, Codable, CaseIterable, Sendable {
  /// `x · sigmoid(1.702 x)`, CLIP's.
  case quickGELU = "quick_gelu"
  /// The exact form with the error function.
  case gelu
  /// The tanh form.
  case geluTanh = "gelu_pytorch_tanh"
  /// `x · sigmoid(x)`, LLaMA's.
  case silu

  /// Reads the name; an unknown one is an error that lists those known.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let activation = Activation(rawValue: name) else {
      let known = Activation.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "found \"\(name)\", expected one of \(known)")
    }
    self = activation
  }

  /// Applies the function element by element.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .quickGELU: x.quickGELU()
    case .gelu: x.gelu()
    case .geluTanh: x.geluTanh()
    case .silu: x.silu()
    }
  }
}
