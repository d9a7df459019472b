import ArgumentParser
import DPOTrain
import Foundation
import Records
import Runs

/// The command's root: parses arguments, runs, and turns errors into a line and an exit status.
@main
struct DPOTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpotrain",
    abstract: "Aligns a small vision-language model on several images with MIA-DPO, from data to a table.",
    discussion: """
      dpotrain --config FILE runs every stage: sft, compose, select, train, evaluate, report. Each is also a \
      command of its own. Stages that are done are left out, so the same command goes on after an interruption.

      Exit status: 0 done, 1 error, 2 wrong usage, 130 or 143 stopped by a signal (a checkpoint was written).
      """,
    version: PackageVersion.current,
    subcommands: [
      RunCommand.self, DPOCommand.self, SFTCommand.self, ComposeCommand.self, SelectCommand.self,
      TrainCommand.self,
      EvaluateCommand.self, ReportCommand.self, AblateCommand.self, TableCommand.self, CompareCommand.self,
      WatchCommand.self,
      PlanCommand.self, EnvCommand.self, ExplainCommand.self, SchemaCommand.self, InitCommand.self,
      VerifyCommand.self, GenerateCommand.self, ChatCommand.self, ServeCommand.self,
      ExportCommand.self, ConvertCommand.self,
      TokenizerCommand.self, InspectCommand.self, MakeDataCommand.self, EasyVQACommand.self,
      LayersCommand.self,
    ],
    defaultSubcommand: RunCommand.self)

  static func main() {
    var command: any ParsableCommand
    do {
      command = try parseAsRoot()
    } catch {
      let isHelp = exitCode(for: error) == .success
      if isHelp {
        write(fullMessage(for: error), to: .standardOutput)
        Foundation.exit(0)
      }
      write("Error: \(message(for: error))\nSee dpotrain --help.", to: .standardError)
      Foundation.exit(2)
    }
    // A write beyond the limit of a file's size then fails with an error that can be told.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try command.run()
    } catch let error as InterruptedRun {
      write("\(error)", to: .standardError)
      write("continue with: \(resumeCommand())", to: .standardError)
      Foundation.exit(Interruption.exitStatus)
    } catch let error as ConfigurationError {
      write("\(error)", to: .standardError)
      Foundation.exit(1)
    } catch let status as ExitCode {
      Foundation.exit(status.rawValue)
    } catch {
      if exitCode(for: error) == .success {
        write(fullMessage(for: error), to: .standardOutput)
        Foundation.exit(0)
      }
      write("error: \(describe(error))", to: .standardError)
      Foundation.exit(1)
    }
  }

  /// The words of a typed error; of a system error its localized sentence.
  private static func describe(_ error: any Error) -> String {
    if error is CocoaError || error is POSIXError || type(of: error) == NSError.self {
      return error.localizedDescription
    }
    return "\(error)"
  }

  /// The command line without `--fresh` and `--redo`, which would begin again.
  private static func resumeCommand() -> String {
    var kept: [String] = []
    var isValue = false
    for argument in CommandLine.arguments {
      if !isValue, argument != "--fresh", argument != "--redo", !argument.hasPrefix("--redo=") {
        kept.append(argument)
      }
      isValue = argument == "--redo"
    }
    return kept.map { argument in
      let isPlain = argument.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:,".contains($0) }
      return isPlain && !argument.isEmpty
        ? argument : "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }

  private static func write(_ text: String, to handle: FileHandle) {
    guard !text.isEmpty else { return }
    try? handle.write(contentsOf: Data((text + "\n").utf8))
  }
}
