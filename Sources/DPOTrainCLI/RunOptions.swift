import ArgumentParser
import DPOTrain
import Foundation
import Tensor

/// Which configuration a command works with.
struct ConfigurationOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("YAML file of the run.", valueName: "file"))
  var config: String

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Takes the place of a value of the file; can be given several times.", valueName: "section.key=value"))
  var overrides: [String] = []

  /// The file with the overrides, checked.
  func load() throws -> RunConfiguration {
    try RunConfiguration(contentsOf: URL(fileURLWithPath: config), overrides: overrides)
  }
}
