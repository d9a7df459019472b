import ArgumentParser
import CommandArguments
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
      dpotrain --config FILE runs every stage that is not done yet (sft, compose, select, train, evaluate, \
      report), so the same command resumes. It takes --set section.key=value, --fresh, --redo PART, --reuse \
      DIR and --quiet: see dpotrain run --help. Start with dpotrain init pairs run.yaml, dpotrain plan \
      --config run.yaml and dpotrain explain KEY.

      dpotrain --generate-completion-script bash|zsh|fish prints a script that completes commands and options.

      Exit status: 0 done, 1 error, 2 wrong usage, 130 or 143 stopped by a signal (a checkpoint was written).
      """,
    version: PackageVersion.current,
    groupedSubcommands: [
      CommandGroup(
        name: "Run",
        subcommands: [
          RunCommand.self, DPOCommand.self, SFTCommand.self, ComposeCommand.self, SelectCommand.self,
          TrainCommand.self, EvaluateCommand.self, ReportCommand.self, AblateCommand.self,
        ]),
      CommandGroup(
        name: "Look at runs",
        subcommands: [WatchCommand.self, CompareCommand.self, TableCommand.self, LayersCommand.self]),
      CommandGroup(
        name: "Configuration",
        subcommands: [InitCommand.self, PlanCommand.self, ExplainCommand.self, SchemaCommand.self]),
      CommandGroup(
        name: "Model",
        subcommands: [
          GenerateCommand.self, ChatCommand.self, ServeCommand.self, ExportCommand.self,
          TokenizerCommand.self,
        ]),
      CommandGroup(
        name: "Data",
        subcommands: [
          InspectCommand.self, ConvertCommand.self, MakeDataCommand.self, EasyVQACommand.self,
        ]),
      CommandGroup(name: "Tools", subcommands: [EnvCommand.self, VerifyCommand.self]),
    ],
    defaultSubcommand: RunCommand.self)

  /// The names of all commands.
  private static var commandNames: [String] {
    configuration.groupedSubcommands.flatMap(\.subcommands).compactMap { $0.configuration.commandName }
      + ["help"]
  }

  /// What is said of wrong usage: where the right one is told.
  private static var seeHelp: String {
    let first = CommandLine.arguments.dropFirst().first ?? ""
    return commandNames.contains(first) ? "See dpotrain \(first) --help." : "See dpotrain --help."
  }

  /// Tells a first word that is no command, in place of the options that the default command lacks.
  private static func refuseUnknownCommand() {
    guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"),
      !commandNames.contains(word)
    else { return }
    let advice = closest(to: word, in: commandNames).map { "; did you mean \($0)?" } ?? ""
    ProgramEnd.write("error: unknown command \"\(word)\"\(advice)\n\(seeHelp)", to: .standardError)
    Foundation.exit(2)
  }

  static func main() {
    ProcessRoom.require()
    if CommandLine.arguments.count < 2 {
      // The overview for a reader, the status for a script whose arguments came out empty.
      ProgramEnd.write(helpMessage(), to: .standardOutput)
      ProgramEnd.write(
        "error: found no argument, expected --config FILE or one of these commands", to: .standardError)
      Foundation.exit(2)
    }
    refuseUnknownCommand()
    var command: any ParsableCommand
    do {
      command = try parseAsRoot()
    } catch {
      ProgramEnd.afterParsing(error, of: self, seeHelp: seeHelp)
    }
    // A write beyond the limit of a file's size then fails with an error that can be told.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try command.run()
    } catch let error as InterruptedRun {
      ProgramEnd.write("\(error)", to: .standardError)
      ProgramEnd.write("continue with: \(resumeCommand())", to: .standardError)
      Foundation.exit(Interruption.exitStatus)
    } catch {
      ProgramEnd.afterRunning(error, of: self)
    }
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
}
