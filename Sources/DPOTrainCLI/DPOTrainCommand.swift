import ArgumentParser
import DPOTrain

@main
struct DPOTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "dpotrain")
}
