import LVLM
import Tensor

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// Random weights from which a small model of this kind learns quickly.
///
/// Linear weights are normal with variance 1 / inputs; those that write into the residual stream are divided
/// by √(2 · layers), the head is scaled by 0.3, and the positions of the vision tower start as 0.7 times a
/// two-dimensional sine and cosine code, so that neighbouring patches are neighbours from the first step.
enum ModelInitialization {
  /// - Parameter includesDecoder: whether the decoder starts anew too; a given one keeps its weights.
  static func apply(to model: VisionLanguageModel, includesDecoder: Bool, seed: UInt64) {
    let configuration = model.configuration
    let base = RandomGenerator(seed: seed, stream: 0x494E_4954)
    for (index, entry) in model.namedParameters().enumerated() {
      let (name, parameter) = entry
      guard includesDecoder || !name.hasPrefix("language_model.") else { continue }
      var random = base.split(UInt64(index))
      func normal(_ deviation: Double) {
        parameter.tensor = Tensor.randomNormal(
          parameter.shape, standardDeviation: deviation, using: &random)
      }
      let inputs = Double(max(parameter.shape.dropFirst().reduce(1, *), 1))
      switch true {
      case name.hasSuffix("position_embedding.weight"):
        parameter.tensor = positions(parameter.shape[0], width: parameter.shape[1], scale: 0.7)
      case name.hasSuffix("embed_tokens.weight"):
        normal(0.5)
      case name.hasSuffix("class_embedding"):
        normal(0.5)
      case name.hasSuffix("lm_head.weight"):
        normal(0.3 / inputs.squareRoot())
      case name.hasSuffix(".bias"), name.hasSuffix("Plora_B.weight"):
        parameter.tensor = Tensor.zeros(parameter.shape)
      case parameter.shape.count > 1:
        let residual = ["o_proj", "down_proj", "out_proj", "fc2", ".wo.", ".w2."].contains {
          name.contains($0)
        }
        let layers =
          name.contains("vision_tower")
          ? configuration.visionBlocks.count : configuration.text.hiddenLayerCount
        normal((residual ? 1 / Double(2 * layers).squareRoot() : 1) / inputs.squareRoot())
      default:
        continue
      }
    }
  }

  /// `[rows, width]`: zeros for the class token where there is one, which is where rows are no square, then
  /// sines and cosines of row and column.
  private static func positions(_ rows: Int, width: Int, scale: Double) -> Tensor {
    let side = Int(Double(rows).squareRoot())
    var values = [Float](repeating: 0, count: (rows - side * side) * width)
    let quarter = max(width / 4, 1)
    for row in 0..<side {
      for column in 0..<side {
        for channel in 0..<width {
          let (part, index) = channel.quotientAndRemainder(dividingBy: quarter)
          let angle = Double(part < 2 ? row : column) / pow(10_000, Double(index) / Double(quarter))
          values.append(Float(scale * (part % 2 == 0 ? sin(angle) : cos(angle))))
        }
      }
    }
    return Tensor(values, shape: [rows, width])
  }
}
