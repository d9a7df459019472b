import ArgumentParser
import Foundation
import Records
import Runs

/// `dpotrain explain`: one key, or the keys of a section.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Says what a configuration key means, its default, what it accepts and what a change redoes.",
    discussion: """
      dpotrain explain train.beta
      dpotrain explain lora_r
      dpotrain explain select
      """)

  @Argument(help: "A dotted key, the last part of one, or a section.")
  var key: String

  func run() throws { print(try ConfigurationReference.explanation(of: key), terminator: "") }
}

/// `dpotrain schema`: the configuration file for editors.
struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Prints a JSON Schema of the configuration file, for editors.",
    discussion: """
      dpotrain schema > dpotrain.schema.json

      An editor with a YAML language server reads it from a first line in the configuration file:
      # yaml-language-server: $schema=dpotrain.schema.json
      """)

  func run() throws { print(ConfigurationReference.jsonSchema, terminator: "") }
}

extension ConfigurationStarter: ExpressibleByArgument {}

/// `dpotrain init`: a configuration file to begin with.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Writes a commented configuration file to begin with.",
    discussion: ConfigurationStarter.allCases.map {
      "dpotrain init \($0.rawValue) mine.yaml\n    \($0.summary)"
    }.joined(separator: "\n"))

  @Argument(help: "What you have: \(ConfigurationStarter.allCases.map(\.rawValue).joined(separator: ", ")).")
  var kind: ConfigurationStarter

  @Argument(help: "The file to write; it must not be there yet.")
  var file: String

  func run() throws {
    try OutputPlace.requireFile(file, option: "the file to write", endings: ["yaml", "yml"])
    do {
      try Data(kind.yaml.utf8).write(to: URL(fileURLWithPath: file), options: .withoutOverwriting)
    } catch CocoaError.fileWriteFileExists {
      throw ValidationError("the file to write: \(file) is there already, expected a name of a new file")
    }
    print("wrote \(file): put your paths in place of \(kind.places.joined(separator: ", ")), then")
    print("dpotrain plan --config \(file)")
  }
}
