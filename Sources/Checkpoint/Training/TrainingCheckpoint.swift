import Foundation
import Tensor

/// The state of a training run as one HDF5 file.
///
/// Layout: one dataset per parameter, its dotted name as nested groups, under `/model` and `/optimizer`;
/// random generator states as UInt64 datasets under `/random`; counters as attributes of `/progress`; and
/// root attributes `format_version`, `configuration`, `configuration_hash`, `code_version` and, where
/// `/model` holds what was trained alone, `base_hash`. h5py reads it without help:
/// `h5py.File(path)["model/lm_head/weight"][:]`.
public struct TrainingCheckpoint: Sendable {
  /// The version of the layout that this code writes; version 1, which has no checksums, is read too.
  public static let formatVersion = 2

  /// A value of `/progress`.
  public enum Progress: Equatable, Sendable {
    /// A whole number, such as the step.
    case integer(Int64)
    /// A floating-point number, such as the epoch.
    case real(Double)
    /// A text, such as the stage.
    case text(String)
  }

  /// A tensor with its dotted name, such as `language_model.lm_head.weight`.
  public typealias Entry = (name: String, tensor: Tensor)

  /// Parameters by dotted name.
  public var model: [Entry]
  /// Optimizer state by dotted name, such as `lm_head.weight.m`.
  public var optimizer: [Entry]
  /// States of random generators by name.
  public var random: [String: [UInt64]]
  /// Counters and sums, such as `step`.
  public var progress: [String: Progress]
  /// The resolved configuration, as text.
  public var configuration: String
  /// The hash of what in the configuration decides the outcome; see ``requireConfiguration(hash:in:)``.
  public var configurationHash: String
  /// The version of the program that wrote the file.
  public var codeVersion: String
  /// The hash of the model that the parameters belong on, where they are not all of a model; else empty.
  public var baseHash: String

  /// Collects a state.
  public init(
    model: [Entry], optimizer: [Entry] = [], random: [String: [UInt64]] = [:],
    progress: [String: Progress] = [:],
    configuration: String = "", configurationHash: String = "", codeVersion: String = "",
    baseHash: String = ""
  ) {
    self.model = model
    self.optimizer = optimizer
    self.random = random
    self.progress = progress
    self.configuration = configuration
    self.configurationHash = configurationHash
    self.codeVersion = codeVersion
    self.baseHash = baseHash
  }

  /// The integer of a progress value, or nil when it is absent or of another type.
  public func integer(_ key: String) -> Int? {
    if case .integer(let value)? = progress[key] { Int(value) } else { nil }
  }

  /// The number of a progress value, or nil when it is absent or text.
  public func real(_ key: String) -> Double? {
    switch progress[key] {
    case .integer(let value)?: Double(value)
    case .real(let value)?: value
    default: nil
    }
  }

  /// The text of a progress value, or nil when it is absent or a number.
  public func text(_ key: String) -> String? {
    if case .text(let value)? = progress[key] { value } else { nil }
  }

  /// Throws when the checkpoint states a base model and `found` is the hash of another one.
  /// - Parameter name: what the error calls that model.
  /// - Throws: ``CheckpointError`` of kind `mismatch` that shows both hashes.
  public func requireBase(hash found: String, named name: String, in file: URL) throws {
    guard baseHash.isEmpty || baseHash == found else {
      throw CheckpointError(
        .mismatch, file: file.path, at: "base_hash", found: "parameters of the base model `\(baseHash)`",
        expected: "those of \(name), `\(found)`")
    }
  }

  /// Throws unless the checkpoint was written under a configuration of this hash.
  /// - Throws: ``CheckpointError`` of kind `otherConfiguration` that shows both hashes.
  public func requireConfiguration(hash expected: String, in file: URL) throws {
    guard configurationHash == expected else {
      throw CheckpointError(
        .otherConfiguration, file: file.path, at: "configuration_hash", found: "`\(configurationHash)`",
        expected: "`\(expected)` of the present configuration")
    }
  }
}
