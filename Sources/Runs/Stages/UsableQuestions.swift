import Foundation
import LVLM
import MultiImageData
import Records

/// Which questions on file a model can be asked, and what is wrong with the others.
struct UsableQuestions {
  /// Those that can be asked, in their order.
  private(set) var questions: [StoredQuestion] = []
  /// What is wrong with the others.
  private(set) var problems: [DataError] = []

  /// Looks at pictures and lengths.
  /// - Parameters:
  ///   - folder: what pictures' paths are relative to.
  ///   - room: tokens that an answer may have.
  ///   - permuted: whether sequences are asked in another order too.
  init(
    _ all: [StoredQuestion], in folder: URL, encoder: PromptEncoder, room: Int, permuted: Bool = false,
    pictures: PictureCheck
  ) throws {
    func file(_ path: String) -> String { URL(fileURLWithPath: path, relativeTo: folder).path }
    let broken = try pictures.problems(of: all.lazy.flatMap(\.images).map(file))
    for question in all {
      if let problem = question.images.lazy.compactMap({ broken[file($0)] }).first {
        problems.append(DataError(file: question.file, record: question.id, problem: problem))
        continue
      }
      do {
        for form in [question, permuted ? question.permuted : nil].compactMap(\.self) {
          _ = try encoder.example(
            question: form.prompt, images: Array(form.images.indices),
            grids: try encoder.grids(ofFiles: form.images.map(file)), room: room)
        }
        questions.append(question)
      } catch {
        problems.append(DataError(file: question.file, record: question.id, problem: "\(error)"))
      }
    }
  }

  /// - Throws: ``DataError`` when nothing is left of questions that were there.
  func requireSome(for what: String) throws {
    guard questions.isEmpty, let first = problems.first else { return }
    throw DataError(
      file: what, problem: "none of \(problems.count) questions can be asked; the first problem: \(first)")
  }
}
