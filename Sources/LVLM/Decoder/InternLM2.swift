import Foundation
import Tensor

/// What sets InternLM2 with partial LoRA apart from LLaMA's decoder: its names, one packed matrix for
/// queries, keys and values, and a second path in every matrix for rows of pictures.
extension BlockNames {
  static let internLM2 = BlockNames(
    attention: "attention", projections: ["wqkv"], output: "wo", perceptron: "feed_forward", gate: "w1",
    up: "w3", down: "w2", firstNorm: "attention_norm", secondNorm: "ffn_norm")
}

extension TextConfiguration {
  /// Whether sequences longer than the context length are computed.
  var stretchesContext: Bool {
    if case .dynamic = ropeScaling { family == .internlm2 } else { false }
  }

  /// Whether the angles of any of these sequences depend on its length.
  func isStretched(_ lengths: [Int32]) -> Bool {
    stretchesContext && lengths.contains { Int($0) > contextLength }
  }

  /// The angles of a pass in which a sequence has so many keys, cached ones included.
  ///
  /// Beyond the context length InternLM2 turns all tokens of the pass by angles of a larger base ("dynamic
  /// NTK"); keys that were cached before stay as they are.
  package func rotaryAngles(keys: Int) -> RotaryAngles {
    guard stretchesContext, keys > contextLength, case .dynamic(let factor) = ropeScaling else {
      return rotaryAngles
    }
    let growth = factor * Double(keys) / Double(contextLength) - (factor - 1)
    let exponent = Double(headSize) / Double(headSize - 2)
    return RotaryAngles(base: ropeTheta * pow(growth, exponent), dim: headSize)
  }

  /// Rotary embedding of rows whose sequences have these lengths. A prompt that answers share has the length
  /// of the longest: it is one sequence or the other, so that long ones should not share.
  func turned(_ heads: Tensor, positions: [Int32], lengths: [Int32]) -> Tensor {
    let groups = Dictionary(grouping: lengths.indices) { max(Int(lengths[$0]), contextLength) }
    if let (keys, _) = groups.first, groups.count == 1 {
      return rotary(heads, positions: positions, angles: rotaryAngles(keys: keys))
    }
    var (parts, order): ([Tensor], [Int]) = ([], [])
    for (keys, rows) in groups.sorted(by: { $0.key < $1.key }) {
      parts.append(
        rotary(
          heads.rows(at: Tensor(rows.map(Int32.init))), positions: rows.map { positions[$0] },
          angles: rotaryAngles(keys: keys)))
      order += rows
    }
    var places = [Int32](repeating: 0, count: order.count)
    for (place, row) in order.enumerated() { places[row] = Int32(place) }
    return Tensor.concatenated(parts, axis: 0).rows(at: Tensor(places))
  }
}
