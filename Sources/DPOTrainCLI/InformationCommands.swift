import ArgumentParser
import DPOTrain
import Foundation
import Records
import Runs

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Prints the resolved configuration, sizes, steps and memory before anything is spent.")
  @OptionGroup var options: ConfigurationOptions

  @Option(
    help: ArgumentHelp("Processes that mpirun or srun will start: what each of them sends.", valueName: "n"))
  var ranks = 1

  func validate() throws {
    guard ranks >= 1 else { throw ValidationError("--ranks: found \(ranks), expected 1 or more") }
  }

  func run() throws {
    let configuration = try options.load()
    let data = DataPlan(configuration)
    var plan = try RunPlan(configuration, data: data)
    plan.ranks = ranks
    print("# The configuration with every value\n")
    print(configuration.yaml)
    print("# The plan\n")
    print(plan)
    try printParts(of: configuration, outside: data.outside)
    if !data.remarks.isEmpty {
      print("\n# Worth knowing\n")
      for remark in data.remarks.prefix(20) { print(remark) }
      if data.remarks.count > 20 { print("and \(data.remarks.count - 20) more") }
    }
    guard !data.problems.isEmpty else { return }
    print("\n# What will not work\n")
    for problem in data.problems { print(problem) }
    throw ExitCode(1)
  }

  /// What of the run directory stays, and what would be made again.
  private func printParts(of configuration: RunConfiguration, outside: [String: String]) throws {
    let directory = configuration.run.outputDirectory
    let states = try PartStates(
      configuration, in: URL(fileURLWithPath: directory, isDirectory: true), outside: outside)
    guard !states.done.isEmpty || !states.stale.isEmpty || !states.changedFiles.isEmpty else { return }
    print("\n# The run directory, \(directory)\n")
    if !states.done.isEmpty { print("stays: \(states.done.map(\.rawValue).joined(separator: ", "))") }
    for change in states.changes { print(change) }
    for (key, redone) in states.changedFiles {
      print(
        "\(key): files hold something else than they did; redoes "
          + redone.map(\.rawValue).joined(separator: ", "))
    }
    if !states.stale.isEmpty { print("made again: \(states.stale.map(\.rawValue).joined(separator: ", "))") }
  }
}

struct EnvCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "env", abstract: "Prints versions, the OpenBLAS core, threads and CPU features.")

  func run() throws { print(EnvironmentReport()) }
}
