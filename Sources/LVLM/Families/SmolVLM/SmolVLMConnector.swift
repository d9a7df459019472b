public import Tensor

/// Idefics3's connector: blocks of neighbouring patches become one vector each, and one linear map without
/// bias carries it into the embedding space.
public final class SmolVLMConnector: Connector {
  var projection: Linear
  private let scaleFactor: Int

  /// A connector with random weights.
  ///
  /// - Parameters:
  ///   - scaleFactor: patches along a side of a block.
  ///   - visionWidth: width of the vision encoder.
  ///   - textWidth: width of the decoder.
  package init(
    scaleFactor: Int, visionWidth: Int, textWidth: Int, using generator: inout RandomGenerator
  ) {
    self.scaleFactor = scaleFactor
    projection = Linear(
      visionWidth * scaleFactor * scaleFactor, textWidth, bias: false, using: &generator)
  }

  /// Visits the parameters under their Hugging Face names.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("modality_projection.proj", projection)
  }

  /// The views of a picture come in the order of its features: tiles, then the whole.
  public func callAsFunction(_ selected: Tensor, layout: FeatureLayout) -> Tensor {
    let blocks = selected.patchBlocks(scaleFactor)
    tensorRequire(
      blocks.shape[0] * blocks.shape[1] == layout.rowCount, "SmolVLMConnector",
      "found \(blocks.shape[0]) views of \(blocks.shape[1]) features, expected \(layout.rowCount) features")
    return projection(blocks.reshaped([layout.rowCount, blocks.shape[2]]))
  }
}

extension Tensor {
  /// Blocks of neighbouring patches: block by block row by row; within a block patch by patch row by row, one
  /// patch's whole vector after the other (Idefics3's pixel shuffle).
  ///
  /// - Parameter factor: patches along a side of a block.
  /// - Returns: from `[views, side · side, width]`, `[views, side · side / factor², width · factor²]`.
  /// - Precondition: there are whole blocks.
  package func patchBlocks(_ factor: Int) -> Tensor {
    let (views, patches, width) = (shape[0], shape[1], shape[2])
    let side = Int(Double(patches).squareRoot().rounded())
    tensorRequire(
      side * side == patches && side % factor == 0, "patchBlocks",
      "found \(patches) patches, expected a square of blocks of \(factor) by \(factor)")
    let blocks = side / factor
    return reshaped([views, blocks, factor, blocks, factor, width])
      .permuted([0, 1, 3, 2, 4, 5])
      .reshaped([views, blocks * blocks, factor * factor * width])
  }
}
