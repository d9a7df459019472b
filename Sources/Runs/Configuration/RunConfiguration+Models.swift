import DPOTrain
import Foundation

extension RunConfiguration {
  /// The model of a run before preference optimization: `sft/model`, or `model.path` where nothing was
  /// trained.
  func baseModel(in directory: URL) -> URL {
    if hasOwnPairs || sft.maxSteps == 0, let path = model.path {
      return URL(fileURLWithPath: path, isDirectory: true)
    }
    return directory.appendingPathComponent("sft/model", isDirectory: true)
  }

  /// The model of a run after preference optimization: `train/model`.
  func trainedModel(in directory: URL) -> URL {
    directory.appendingPathComponent("train/model", isDirectory: true)
  }
}
