import ArgumentParser
import DPOTrain
import Foundation
import Records
import Runs
import Tensor

/// Which configuration a command works with.
struct ConfigurationOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("YAML file of the run.", valueName: "file"))
  var config: String

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Override a value of the file (repeatable).", valueName: "section.key=value"))
  var overrides: [String] = []

  /// The file with the overrides, checked.
  func load() throws -> RunConfiguration {
    try RunConfiguration(contentsOf: URL(fileURLWithPath: config), overrides: overrides)
  }
}

/// Which run a command works with, and how.
struct RunOptions: ParsableArguments {
  @OptionGroup var configuration: ConfigurationOptions
  @OptionGroup var behaviour: RunBehaviour

  /// Runs stages, with signals caught.
  func run(_ stages: [Stage]) throws { try behaviour.run(try configuration.load(), stages) }
}

/// How a command that works in a run directory behaves.
struct RunBehaviour: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Shows results, warnings and errors only.")
  var quiet = false

  @Flag(help: "Removes what an earlier run left in the run directory and starts over.")
  var fresh = false

  @Option(
    name: .customLong("redo"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Makes a part again (\(RunPart.allCases.map(\.rawValue).joined(separator: ", "))); what it left goes "
        + "to replaced/. Can be given several times.",
      valueName: "part"))
  var redo: [String] = []

  @Option(
    name: .customLong("accept"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Takes a file of a finished part as it is now, such as pairs.jsonl changed by hand, or the files "
        + "outside that a key such as data.path names. Can be given several times.",
      valueName: "file"))
  var accept: [String] = []

  @Option(
    name: .customLong("reuse"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Another run's directory, whose parts are taken over where they would come out the same. Can be given "
        + "several times.",
      valueName: "dir"))
  var reuse: [String] = []

  @Option(
    help: ArgumentHelp(
      "Writes what the time of this call goes into, for chrome://tracing or ui.perfetto.dev: stages, phases, "
        + "operations with shapes and bytes, threads.",
      valueName: "file.json"))
  var profile: String?

  /// Whether an option was given that makes something again or takes it over.
  var changesRun: Bool { fresh || !redo.isEmpty || !accept.isEmpty || !reuse.isEmpty }

  func validate() throws {
    for path in reuse where !FileManager.default.fileExists(atPath: path + "/config.yaml") {
      throw ValidationError("--reuse: found no run in \(path), expected a directory with a config.yaml")
    }
    for name in redo where RunPart(rawValue: name) == nil {
      throw ValidationError(
        "--redo: found \(name), expected one of \(RunPart.allCases.map(\.rawValue).joined(separator: ", "))")
    }
  }

  /// Runs stages, with signals caught.
  func run(_ configuration: RunConfiguration, _ stages: [Stage]) throws {
    try refuseSeveralProcesses()
    if configuration.run.threads > 0 { Threads.count = configuration.run.threads }
    Interruption.install()
    let console = Console(isQuiet: quiet)
    let profile = try profile.map { try ProfileOutput($0, besides: configuration) }
    do {
      try Pipeline(
        configuration: configuration, console: console, fresh: fresh,
        takingFrom: reuse.map { URL(fileURLWithPath: $0, isDirectory: true) },
        redoing: redo.compactMap(RunPart.init(rawValue:)), accepting: accept
      ).run(stages)
    } catch {
      // What stopped the run is the error to tell; of a file that is not complete a warning is enough.
      do { try profile?.finish(console) } catch let second { console.warning("\(second)") }
      throw error
    }
    try profile?.finish(console)
  }

  /// A launcher that started several processes would have them all write the same files.
  private func refuseSeveralProcesses() throws {
    for name in ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      guard let text = ProcessInfo.processInfo.environment[name], let size = Int(text), size > 1 else {
        continue
      }
      throw SeveralProcesses(variable: name, size: size)
    }
  }
}

/// A launcher started more processes than this build can use.
struct SeveralProcesses: Error, CustomStringConvertible {
  let variable: String
  let size: Int
  var description: String {
    "found \(variable)=\(size), expected a single process: this build trains on one machine; "
      + "start it without the launcher"
  }
}
