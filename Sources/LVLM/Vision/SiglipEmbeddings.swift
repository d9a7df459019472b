import Tensor

/// Turns views into tokens: an affine map of every patch and learned positions.
final class SiglipEmbeddings: Module {
  /// `[width, channels, patch, patch]`, a convolution that moves by whole patches.
  let patchEmbedding: Parameter
  let patchBias: Parameter
  let positionEmbedding: Parameter
  private let configuration: SiglipConfiguration

  init(_ configuration: SiglipConfiguration, using generator: inout RandomGenerator) {
    self.configuration = configuration
    let width = configuration.hiddenSize
    let (channels, patch) = (configuration.channelCount, configuration.patchSize)
    patchEmbedding = Parameter(
      .randomNormal(
        [width, channels, patch, patch],
        standardDeviation: 1 / Double(channels * patch * patch).squareRoot(), using: &generator))
    patchBias = Parameter(.zeros([width]))
    positionEmbedding = Parameter(
      .randomNormal(
        [configuration.patchCount, width], standardDeviation: 1 / Double(width).squareRoot(),
        using: &generator))
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("patch_embedding.weight", patchEmbedding)
    visitor.add("patch_embedding.bias", patchBias)
    visitor.add("position_embedding.weight", positionEmbedding)
  }

  /// `[views, channels, side, side]` to `[views · patches, width]`.
  func callAsFunction(_ pixels: Tensor, masks: [PatchMask]) -> Tensor {
    let weight = patchEmbedding.tensor.reshaped([configuration.hiddenSize, -1])
    let patches = linear(
      pixels.unfoldedPatches(configuration.patchSize), weight: weight, bias: patchBias.tensor)
    let positions: [Int32]
    switch configuration.variant {
    case .siglip:
      positions = masks.flatMap { _ in 0..<Int32(configuration.patchCount) }
    case .idefics3:
      positions = masks.flatMap { $0.positions(side: configuration.patchesPerSide) }
    }
    return patches + positionEmbedding.tensor.rows(at: Tensor(positions))
  }
}
