import Foundation
import LVLM
import MultiImageData
import Records

extension RunConfiguration {
  /// Opens the data that `data` describes; scenes and questions are drawn with `run.seed`.
  /// - Parameters:
  ///   - pictures: finds out which picture files of `llava` can be read.
  ///   - collects: whether ``QuestionSource/badRecords`` are collected whatever `run.on_bad_record` says.
  /// - Throws: ``DataError`` naming the file and record that cannot be used.
  public func questionSource(
    pictures: PictureCheck = PictureCheck(), collects: Bool = false
  ) throws -> any QuestionSource {
    guard !hasOwnPairs else { return NoQuestions() }
    let sizes: [DataSplit: Int] = [
      .sft: data.sizes.sft, .preference: data.sizes.pref, .validation: data.sizes.val, .test: data.sizes.test,
    ]
    guard data.source == .mixture else { return try source(data.source, sizes, pictures, collects) }
    return SourceMixture(
      try data.shares.parts.map { (try source($0.source, sizes, pictures, collects), $0.share) },
      counts: sizes)
  }

  /// Side of the square picture that the model sees, pixels: the configured one, or that of the model in
  /// `model.path`.
  /// - Throws: `ModelConfigurationError` when that model's `config.json` cannot be used.
  package func pictureSide() throws -> Int {
    guard let path = model.path else { return model.visionConfig.imageSize }
    return try FamilyRegistry.configuration(
      from: URL(fileURLWithPath: path).appending(component: "config.json")
    ).viewSide
  }

  private func source(
    _ kind: Data.Source, _ sizes: [DataSplit: Int], _ pictures: PictureCheck, _ collects: Bool
  ) throws -> any QuestionSource {
    let side = try pictureSide()
    let answers = data.answers ?? .sentences
    let policy: LLaVAConversations.BadRecords =
      collects ? .collect : run.onBadRecord == .skip ? .skip : .stop
    switch kind {
    case .shapes:
      let (open, others) = ((1 - data.yesNoShare) / 2, 1 - data.describeShare)
      return ShapeScenes(
        seed: run.seed, size: side, counts: sizes,
        shares: .init(
          colour: open * others, shape: open * others, yesNo: data.yesNoShare * others,
          negations: data.negations, describe: data.describeShare), answers: answers)
    case .fashion:
      return try FashionMNIST(
        folder: data.path ?? FashionMNIST.debianFolder, seed: run.seed, limits: sizes,
        describeShare: data.describeShare, answers: answers)
    case .emoji:
      return try ThingPictures.emoji(
        font: data.path ?? ThingPictures.debianEmojiFont, names: data.names ?? ThingPictures.debianEmojiNames,
        seed: run.seed, size: side, limits: sizes, describeShare: data.describeShare, answers: answers,
        badRecords: policy)
    case .stamps:
      return try ThingPictures.stamps(
        folder: data.path ?? ThingPictures.debianStamps, seed: run.seed, size: side, limits: sizes,
        describeShare: data.describeShare, answers: answers, badRecords: policy)
    case .llava, .mixture:
      guard let path = data.path else {
        throw DataError(file: "data.path", problem: "is not set, expected the JSON file of the conversations")
      }
      return try LLaVAConversations(
        path: path, imageFolder: data.imageRoot, shares: sizes.mapValues(Double.init), maximumRecords: sizes,
        seed: run.seed,
        badRecords: policy, turns: data.turns, pictures: pictures)
    }
  }

  /// Sizes and rules of composition: cells as `compose.cell_size` says, or of the geometry's size. In the
  /// model's geometry outer pictures of picture-in-picture are at least as large as its pictures.
  /// - Throws: as ``pictureSide()``.
  public func compositionOptions() throws -> CompositionOptions {
    let side = try pictureSide()
    let isPaper = compose.geometry == .paper
    return CompositionOptions(
      cell: compose.cellSize > 0 ? compose.cellSize : isPaper ? 448 : side,
      innerScale: compose.picInPic.innerScale, minimumOuterSide: isPaper ? 0 : side,
      pictureFormat: compose.pictureFormat)
  }
}
