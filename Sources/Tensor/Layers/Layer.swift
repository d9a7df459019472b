/// A module that maps one tensor to one tensor, so that it can stand in a ``Sequential``.
public protocol Layer: Module {
  /// The layer's output.
  func callAsFunction(_ x: Tensor) -> Tensor
}

extension Linear: Layer {}
extension Embedding: Layer {}
extension LayerNorm: Layer {}
extension RMSNorm: Layer {}

/// Layers one after the other, named `0`, `1`, … as in PyTorch.
///
///     let model = Sequential(
///       Linear(784, 128, using: &generator), ActivationLayer.relu, Linear(128, 10, using: &generator))
public final class Sequential: Layer {
  /// The layers in their order.
  public let layers: [any Layer]

  /// A chain of layers.
  public init(_ layers: [any Layer]) { self.layers = layers }

  /// A chain of layers.
  public convenience init(_ layers: any Layer...) { self.init(layers) }

  /// Passes the output of each layer to the next.
  public func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x) { $1($0) } }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    for (index, layer) in layers.enumerated() { visitor.child(String(index), layer) }
  }
}

/// A function of every element as a layer without parameters.
public final class ActivationLayer: Layer {
  private let function: (Tensor) -> Tensor

  /// A layer that applies `function`.
  public init(_ function: @escaping (Tensor) -> Tensor) { self.function = function }

  /// Applies the function.
  public func callAsFunction(_ x: Tensor) -> Tensor { function(x) }

  public func visitParameters(_ visitor: inout ParameterVisitor) {}

  /// max(x, 0).
  public static var relu: ActivationLayer { ActivationLayer { $0.relu() } }
  /// x · Φ(x).
  public static var gelu: ActivationLayer { ActivationLayer { $0.gelu() } }
  /// x · sigmoid(x).
  public static var silu: ActivationLayer { ActivationLayer { $0.silu() } }
  /// The hyperbolic tangent.
  public static var tanh: ActivationLayer { ActivationLayer { $0.tanh() } }
  /// 1 / (1 + e^−x).
  public static var sigmoid: ActivationLayer { ActivationLayer { $0.sigmoid() } }
  /// The softmax of the last axis.
  public static var softmax: ActivationLayer { ActivationLayer { $0.softmax(axis: -1) } }
}
