import Foundation
import LVLM
import Records

extension PretrainedModel {
  /// What it does with pictures. A model of a run has a vision tower; one that was given might have none.
  ///
  /// - Throws: ``DataError`` for a language model alone.
  package func pictureProcessor(of directory: URL) throws -> any PictureProcessor {
    guard let processor else {
      throw DataError(
        file: directory.path, problem: "is a language model alone, expected one that sees pictures")
    }
    return processor
  }
}
