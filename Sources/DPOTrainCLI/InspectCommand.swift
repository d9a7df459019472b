import ArgumentParser
import DPOTrain
import Foundation
import LVLM
import MultiImageData
import Records

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Counts what a file of records holds, and names what is wrong in it.",
    discussion: """
      dpotrain inspect llava_v1_5_mix665k.json --images data
      dpotrain inspect pairs.jsonl --contact-sheet sheet.png

      Reads LLaVA conversations, preference pairs (with <image> or <image-placeholder>) and composed \
      prompts, as a JSON list or JSONL. Exit status 1 when a record has a problem.
      """)

  @Option(
    help: ArgumentHelp(
      "Folder that pictures' paths are relative to; every picture must be in it. Not looked for when not "
        + "given.",
      valueName: "dir"))
  var images: String?

  @Option(
    help: ArgumentHelp(
      "PNG to write with the pictures and texts of some records; without --images their paths start at the "
        + "file's folder.",
      valueName: "file"))
  var contactSheet: String?

  @Option(help: "Problems that are shown, and records on the contact sheet.")
  var limit = 10

  @Argument(help: "A JSON or JSONL file of records.")
  var file: String

  func validate() throws {
    guard (1...1000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000") }
  }

  func run() throws {
    let folder = images ?? FilePath.folder(of: file)
    if let contactSheet {
      let pictures = try RecordInspection.pictures(of: file, imageFolder: folder)
      try OutputPlace.requireFile(
        contactSheet, option: "--contact-sheet", endings: ["png"], inputs: [file] + pictures)
    }
    let inspection = try RecordInspection(path: file, imageFolder: images, limit: limit)
    print(inspection)
    if let contactSheet {
      guard !inspection.samples.isEmpty else {
        throw DataError(file: file, problem: "has no record for a contact sheet")
      }
      try ContactSheet.draw(inspection.samples, imageFolder: folder).writePNG(to: contactSheet)
      print("wrote \(inspection.samples.count) records to \(contactSheet)")
    }
    if inspection.problemCount > 0 { throw ExitCode(1) }
  }
}
