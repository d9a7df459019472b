import Foundation
import LVLM
import Tensor

/// The models that expected values are of.
protocol GoldenModels {
  /// A file of the folder.
  func file(_ name: String) -> URL
  /// The model in single or double precision.
  func loadModel(_ dtype: DType) throws -> VisionLanguageModel
  /// The model with the weights of `ref.safetensors`.
  func loadReference(_ dtype: DType) throws -> VisionLanguageModel
}

/// A folder that cannot be verified at all.
public struct VerificationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file or folder.
  public var file: String
  /// What was found.
  public var found: String
  /// What was expected.
  public var expected: String

  /// One line.
  public var description: String { "\(file): found \(found), expected \(expected)" }
}

extension VisionLanguageModel {
  /// Converts every parameter.
  func convert(to dtype: DType) {
    for (_, parameter) in namedParameters() { parameter.convert(to: dtype) }
  }
}
