import ArgumentParser
import Checkpoint
import DPOTrain
import Foundation
import MultiImageData
import Records

/// How a picture is marked in prompts.
enum ImageMarkSpelling: String, CaseIterable, ExpressibleByArgument {
  case image
  case placeholder = "image-placeholder"
}

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract:
      "Turns safetensors into HDF5 or back, every byte kept; or a JSON list of records into JSONL or back.",
    discussion: """
      dpotrain convert model.safetensors model.h5
      dpotrain convert dpo_27k.json pairs.jsonl --mark image

      Records keep all their keys, the keys' order and the spelling of numbers.
      """)

  @Option(
    help: ArgumentHelp(
      "What stands for a picture in prompts: image (trainers) or image-placeholder (MIA-DPO's generator). By default what was there.",
      valueName: "mark"))
  var mark: ImageMarkSpelling?

  @Argument(help: "The file to read: .safetensors, .h5, .json or .jsonl.")
  var input: String

  @Argument(help: "The file to write, of the same kind.")
  var output: String

  func validate() throws {
    guard areRecords(input) == areRecords(output) else {
      throw ValidationError("records and tensors cannot be turned into each other: \(input) and \(output)")
    }
    guard mark == nil || areRecords(input) else { throw ValidationError("--mark is for files of records") }
  }

  func run() throws {
    try OutputFile.check(output, option: "the file to write", inputs: [input])
    guard areRecords(input) else {
      return try WeightFile.convert(URL(fileURLWithPath: input), to: URL(fileURLWithPath: output))
    }
    var file = try RecordFile(contentsOf: input)
    if let mark { file.mark(images: mark == .image ? ImageMark.text : ImageMark.placeholder) }
    let wanted = JSONStyle.forFile(named: output)
    if wanted.layout != file.style.layout { file.style = wanted }
    try file.write(to: output)
  }

  private func areRecords(_ path: String) -> Bool {
    ["json", "jsonl"].contains(URL(fileURLWithPath: path).pathExtension)
  }
}
