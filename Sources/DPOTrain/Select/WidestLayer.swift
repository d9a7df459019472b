import MultiImageData

/// `select.layer: auto`: the decoder layer whose attention ratios differ most between the answers to prompts
/// of one format and number of images, as the mean of their standard deviations over those groups.
///
/// A layer that looks for the image of the question finds it in some answers and not in others; one that
/// does not gives every answer much the same ratio. Nobody has to know which answers are right. Of four base
/// models of the shape scenes it took the layer with the largest area under the curve for two, the second
/// best for one, and for one the last layer, which looks sharply and at nothing of use
/// (`docs/results/recipe.md`).
package struct WidestLayer: Equatable {
  /// The layer, counted from 0; the first of equal ones.
  package let layer: Int
  /// The mean standard deviation of every layer.
  package let spreads: [Double]

  /// - Parameter answers: a group each, its format and number of images, with R by layer; `nil` results
  ///   without any.
  package init?(_ answers: [(group: String, ratios: [Double])]) {
    let layers = answers.map(\.ratios.count).min() ?? 0
    guard layers > 0 else { return nil }
    let groups = Dictionary(grouping: answers, by: \.group).sorted { $0.key < $1.key }.map(\.value)
    let spreads = (0..<layers).map { layer in
      let sum = groups.reduce(0) { sum, group in
        let ratios = group.map { $0.ratios[layer] }
        let mean = ratios.reduce(0, +) / Double(ratios.count)
        let variance = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(ratios.count)
        return sum + variance.squareRoot() * Double(ratios.count)
      }
      return sum / Double(answers.count)
    }
    self.spreads = spreads
    layer = spreads.indices.reduce(0) { spreads[$1] > spreads[$0] ? $1 : $0 }
  }

  /// Of answers to prompts that name one picture, where there are any: what the others ask has no say in it,
  /// so that they change nothing for these.
  package init?(deciding answers: [(kind: QuestionKind, count: Int, ratios: [Double])]) {
    let named = answers.filter { $0.kind.level == nil }
    self.init(
      (named.isEmpty ? answers : named).map { ("\($0.kind.rawValue)-\($0.count)", $0.ratios) })
  }

  /// The layer of which answers on file have their ratio; `nil` where they do not agree on one.
  package static func read(by answers: [AnsweredPrompt]) -> Int? {
    let answers = answers.map(\.greedy).filter { $0.layerRatios != nil }
    guard let layers = answers.first?.layerRatios?.count else { return nil }
    return (0..<layers).first { layer in answers.allSatisfy { $0.layerRatios?[layer] == $0.ratio } }
  }
}
