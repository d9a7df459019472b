import ArgumentParser
import DPOTrain

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
  }
}

struct EnvCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "env", abstract: "Prints versions, the OpenBLAS core, threads and CPU features.")

  func run() throws { print(EnvironmentReport()) }
}
