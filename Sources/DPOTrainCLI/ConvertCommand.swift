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

extension PairFormat: ExpressibleByArgument {}

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract:
      "Turns safetensors into HDF5 or back, every byte kept; a JSON list of records into JSONL or back; or "
      + "preference pairs into another format.",
    discussion: """
      dpotrain convert model.safetensors model.h5
      dpotrain convert dpo_27k.json pairs.jsonl --mark image
      dpotrain convert swift.jsonl pairs.json --to mia-dpo

      Records keep all their keys, the keys' order and the spelling of numbers. Pairs in another format keep \
      the keys that their format does not know; docs/pairs.md has the formats.
      """)

  @Option(
    help: ArgumentHelp(
      "The format of the pairs to read. By default the first record's keys tell.", valueName: "format"))
  var from: PairFormat?

  @Option(help: ArgumentHelp("The format to write the pairs in.", valueName: "format"))
  var to: PairFormat?

  @Option(
    help: ArgumentHelp(
      "What stands for a picture in prompts: image (trainers) or image-placeholder (MIA-DPO's generator). By "
        + "default what was there.",
      valueName: "mark"))
  var mark: ImageMarkSpelling?

  @Argument(help: "The file to read: .safetensors, .h5, .json or .jsonl.")
  var input: String

  @Argument(help: "The file to write, of the same kind.")
  var output: String

  private static let endings = ["json", "jsonl", "safetensors", "h5", "hdf5"]

  func validate() throws {
    for path in [input, output] {
      let ending = URL(fileURLWithPath: path).pathExtension
      guard Self.endings.contains(ending) else {
        throw ValidationError(
          "\(path): found the ending \"\(ending)\", expected .json or .jsonl for records, "
            + ".safetensors or .h5 for tensors")
      }
    }
    guard areRecords(input) == areRecords(output) else {
      throw ValidationError("records and tensors cannot be turned into each other: \(input) and \(output)")
    }
    guard mark == nil || areRecords(input) else { throw ValidationError("--mark is for files of records") }
    guard from == nil || to != nil else {
      throw ValidationError("--from: found no --to, expected the format to write")
    }
    guard to == nil || areRecords(input) else { throw ValidationError("--to is for files of records") }
    guard to == nil || mark == nil else {
      throw ValidationError("--mark and --to: found both, expected one; a format has a mark of its own")
    }
  }

  func run() throws {
    try OutputPlace.requireFile(output, option: "the file to write", inputs: [input])
    guard areRecords(input) else {
      return try WeightFile.convert(URL(fileURLWithPath: input), to: URL(fileURLWithPath: output))
    }
    if let to {
      return print(try PairFile.convert(input, to: output, from: from, to: to).summary)
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
