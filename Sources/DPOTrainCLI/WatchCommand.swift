import ArgumentParser
import Foundation
import Records
import Runs

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Shows what a run logs as it comes: losses, rewards, looks at pairs held out.",
    discussion: """
      dpotrain watch runs/x

      It reads the run's metrics.jsonl, from any other terminal, and ends when every stage of the run is \
      done. --once shows what there is and ends.
      """)

  @Flag(help: "Shows what there is and ends.")
  var once = false

  @Option(help: "Seconds between two looks.")
  var interval: Double = 2

  @Argument(help: "Run directory.")
  var directory: String

  func validate() throws {
    guard interval >= 0.1, interval <= 3600 else {
      throw ValidationError("--interval: found \(interval), expected a number from 0.1 to 3600")
    }
  }

  func run() throws {
    var watch = try RunWatch(directory)
    let console = Console(isQuiet: false)
    Interruption.install()
    while true {
      // Before the lines are read: what is logged until then is shown too.
      let isFinished = watch.isFinished
      for line in watch.newLines() { console.result(line) }
      if once || isFinished || Interruption.isRequested { return }
      let end = ContinuousClock.now + .seconds(interval)
      while ContinuousClock.now < end, !Interruption.isRequested { usleep(50_000) }
    }
  }
}
