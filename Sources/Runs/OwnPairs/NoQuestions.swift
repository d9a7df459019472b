import LVLM
import MultiImageData
import Tensor

/// The data of a run that asks no questions.
struct NoQuestions: QuestionSource {
  var name: String { "pairs" }
  var families: [String] { [] }
  var answersAboutAnyImage: Bool { false }

  func count(of split: DataSplit) -> Int { 0 }

  func record(_ split: DataSplit, _ index: Int) throws -> SingleImageRecord {
    tensorFailure("pairs", "no record \(index) in \(split.rawValue)")
  }

  func image(_ split: DataSplit, _ index: Int) -> ImageReference {
    tensorFailure("pairs", "no picture \(index) in \(split.rawValue)")
  }

  func image(for reference: ImageReference) throws -> RGBImage {
    tensorFailure("pairs", "no picture \(reference.path)")
  }

  func answer(to question: String, about image: ImageReference) -> String? { nil }
}
