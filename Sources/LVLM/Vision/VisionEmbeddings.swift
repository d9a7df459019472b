import Tensor

/// Turns pictures into tokens: a linear map of every patch, a class token in front, learned positions.
final class VisionEmbeddings: Module {
  let classEmbedding: Parameter
  /// `[width, channels, patch, patch]`, a convolution that moves by whole patches.
  let patchEmbedding: Parameter
  let positionEmbedding: Parameter
  private let configuration: VisionConfiguration

  init(_ configuration: VisionConfiguration, using generator: inout RandomGenerator) {
    self.configuration = configuration
    let width = configuration.hiddenSize
    let (channels, patch) = (configuration.channelCount, configuration.patchSize)
    classEmbedding = Parameter(
      .randomNormal([width], standardDeviation: 1 / Double(width).squareRoot(), using: &generator))
    patchEmbedding = Parameter(
      .randomNormal(
        [width, channels, patch, patch],
        standardDeviation: 1 / Double(channels * patch * patch).squareRoot(), using: &generator))
    positionEmbedding = Parameter(
      .randomNormal([1 + configuration.patchCount, width], standardDeviation: 0.02, using: &generator))
  }

  func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("class_embedding", classEmbedding)
    visitor.add("patch_embedding.weight", patchEmbedding)
    visitor.add("position_embedding.weight", positionEmbedding)
  }

  /// `[pictures, channels, side, side]` to `[pictures · (1 + patches), width]`.
  func callAsFunction(_ pixels: Tensor) -> Tensor {
    let count = pixels.shape[0]
    let (channels, patch) = (configuration.channelCount, configuration.patchSize)
    let (side, width) = (configuration.patchesPerSide, configuration.hiddenSize)
    let weight = patchEmbedding.tensor.reshaped([width, channels * patch * patch])
    let patches = linear(pixels.unfoldedPatches(patch), weight: weight, bias: nil)
      .reshaped([count, side * side, width])
    let first = classEmbedding.tensor.reshaped([1, 1, width]).expanded(to: [count, 1, width])
    let tokens = Tensor.concatenated([first, patches], axis: 1) + positionEmbedding.tensor
    return tokens.reshaped([count * (1 + side * side), width])
  }
}
