import ArgumentParser
import DPOTrain
import Foundation

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Prints the resolved configuration, sizes, steps and memory before anything is spent.")
  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    let configuration = try options.load()
    let plan = try RunPlan(configuration)
    print("# The configuration with every value\n")
    print(configuration.yaml)
    print("# The plan\n")
    print(plan)
    try printParts(of: configuration)
  }

  /// What of the run directory stays, and what would be made again.
  private func printParts(of configuration: RunConfiguration) throws {
    let directory = configuration.run.outputDirectory
    let states = try PartStates(configuration, in: URL(fileURLWithPath: directory, isDirectory: true))
    guard !states.done.isEmpty || !states.stale.isEmpty else { return }
    print("\n# The run directory, \(directory)\n")
    if !states.done.isEmpty { print("stays: \(states.done.map(\.rawValue).joined(separator: ", "))") }
    for change in states.changes { print(change) }
    if !states.stale.isEmpty { print("made again: \(states.stale.map(\.rawValue).joined(separator: ", "))") }
  }
}

struct EnvCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "env", abstract: "Prints versions, the OpenBLAS core, threads and CPU features.")

  func run() throws { print(EnvironmentReport()) }
}
