import ArgumentParser
import DPOTrain
import Foundation
import Ranks
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

  /// Runs stages, with signals caught, on all ranks that a launcher started.
  /// - Parameter configuration: read on every rank.
  func run(_ configuration: @autoclosure () throws -> RunConfiguration, _ stages: [Stage]) throws {
    let team = try RankLaunch.team()
    Interruption.install()
    guard !team.isAlone else { return try run(configuration(), stages, team) }
    let inputs: RankInputs
    let read: RunConfiguration
    do {
      read = try team.agreed(configuration)
      if read.run.threads > 0 { Threads.count = read.run.threads }
      inputs = try RankChecks(team).run(read)
    } catch {
      team.group.leave()
      if team.isLead { throw error }
      throw ExitCode(1)
    }
    guard team.isLead else {
      let status = Follower(read, inputs: inputs, team: team).run()
      team.group.leave()
      throw ExitCode(status)
    }
    do {
      try run(read, stages, team)
    } catch {
      team.end(status: error is InterruptedRun ? Interruption.exitStatus : 1)
      throw error
    }
    team.end(status: 0)
  }

  private func run(_ configuration: RunConfiguration, _ stages: [Stage], _ team: RankTeam) throws {
    if configuration.run.threads > 0 { Threads.count = configuration.run.threads }
    let console = Console(isQuiet: quiet)
    let profile = try profile.map { try ProfileOutput($0, besides: configuration) }
    do {
      try Pipeline(
        configuration: configuration, console: console, fresh: fresh,
        takingFrom: reuse.map { URL(fileURLWithPath: $0, isDirectory: true) },
        redoing: redo.compactMap(RunPart.init(rawValue:)), accepting: accept, team: team
      ).run(stages)
    } catch {
      // What stopped the run is the error to tell; of a file that is not complete a warning is enough.
      do { try profile?.finish(console) } catch let second { console.warning("\(second)") }
      throw error
    }
    try profile?.finish(console)
  }
}
