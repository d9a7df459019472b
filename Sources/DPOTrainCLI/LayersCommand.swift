import ArgumentParser
import DPOTrain
import Foundation
import Records
import Runs

struct LayersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract:
      "Prints how well each layer's attention ratio tells right from wrong answers, for select.layer.",
    discussion: """
      dpotrain layers --run runs/quickstart

      Reads what the select stage measured of the run's base model (select.layer_profile): the area under \
      the ROC curve of R, 0.5 where attention says nothing, between prompts of one format and number of \
      images, with 95 % intervals. A star marks the layer that tells best.
      """)

  @Option(name: .customLong("run"), help: ArgumentHelp("Directory of a run.", valueName: "dir"))
  var runDirectory: String

  @Option(help: ArgumentHelp("Also writes the areas to this CSV file.", valueName: "file"))
  var csv: String?

  func run() throws {
    if let csv { try OutputPlace.requireFile(csv, option: "--csv", endings: ["csv"]) }
    let directory = URL(fileURLWithPath: runDirectory, isDirectory: true)
    let profile = try LayerProfile(ofRun: directory)
    let configuration = try RunConfiguration(contentsOf: directory.appendingPathComponent("config.yaml"))
    print(profile.table.plain)
    let used = profile.layer ?? configuration.select.layer.index(of: profile.parts[0].areas.count)
    for line in profile.findings(used: used) { print(line) }
    if let csv {
      try Data(profile.csv.utf8).write(to: URL(fileURLWithPath: csv), options: .atomic)
    }
  }
}
