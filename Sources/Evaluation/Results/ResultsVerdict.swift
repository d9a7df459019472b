import DPOTrain
import MultiImageData
import Records

extension EvaluationResult {
  /// What the figures say, in sentences: whether training has gained on several images, whether it has cost
  /// anything on single ones, and which formats are answered no better than without their images.
  ///
  /// A change counts as one where its 95 % interval leaves 0 out.
  public var verdict: [String] {
    var sentences: [String] = []
    if let old = before.multiImage {
      sentences.append(Self.sentence("Multi-image accuracy", old, after?.multiImage, multiImageChange))
    }
    let single = QuestionKind.single
    if let old = before.kinds[single]?.all {
      var sentence = Self.sentence(
        "Single-image accuracy", old, after?.kinds[single]?.all, change[single])
      if let change = change[single], change.high < 0, change.estimate < -0.05 {
        sentence += " Training has cost much of what the model could do."
      }
      sentences.append(sentence)
    }
    let blind = QuestionKind.multiImage.filter { kind in
      guard let result = (after ?? before).kinds[kind]?.all, let blind = result.blind else { return false }
      return result.low <= blind
    }
    if !blind.isEmpty {
      sentences.append(
        "No better than without the images: "
          + blind.map { $0.title.lowercased() }.joined(separator: ", ") + ".")
    }
    return sentences
  }

  private static func sentence(
    _ name: String, _ old: AccuracyResult, _ new: AccuracyResult?, _ change: Interval?
  ) -> String {
    guard let new else { return "\(name) of the base model is \(Format.percent(old.accuracy)) %." }
    let values = "from \(Format.percent(old.accuracy)) to \(Format.percent(new.accuracy)) %"
    guard let change else { return "\(name) went \(values)." }
    if change.low == 0, change.high == 0, old.accuracy == new.accuracy {
      return "\(name) stayed at \(Format.percent(new.accuracy)) %."
    }
    let interval = "95 % interval \(Format.points(change.low)) to \(Format.points(change.high))"
    let size = Format.decimal(abs(change.estimate) * 100)
    if change.low > 0 { return "\(name) rose by \(size) points, \(values) (\(interval))." }
    if change.high < 0 { return "\(name) fell by \(size) points, \(values) (\(interval))." }
    return "\(name) did not change beyond chance: \(values), "
      + "\(Format.points(change.estimate)) points (\(interval))."
  }
}
