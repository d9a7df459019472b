import ArgumentParser
import DPOTrain
import Foundation
import MultiImageData
import Records
import Runs
import Tensor

/// What `dpotrain make-data` makes.
enum InstructionKind: String, CaseIterable, ExpressibleByArgument {
  case sequence
  case grid
  case picInPic = "pic-in-pic"
  case gridGroups = "grid-groups"

  /// `nil` for grids that ask about several images.
  var kind: CompositionKind? {
    switch self {
    case .sequence: .sequence
    case .grid: .grid
    case .picInPic: .pictureInPicture
    case .gridGroups: nil
    }
  }
}

extension PictureFormat: ExpressibleByArgument {}
extension RunConfiguration.Run.BadRecordPolicy: ExpressibleByArgument {}

struct MakeDataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-data",
    abstract:
      "Makes MIA-DPO's multi-image instruction sets of LLaVA conversations, as the authors' notebooks do.",
    discussion: """
      dpotrain make-data --llava llava_v1_5_mix665k.json --images data --every 10 --output mia-dpo

      Writes sequence.json, grid.json, pic_in_pic.json and grid_groups.json (grids that ask about several of \
      their images, which the released pair generator reads; the authors took three tenths for them) in \
      LLaVA's format, `image` a list. Images of sequences stay where they are, relative to --images; \
      pictures of the others are made, relative to --output: cells of 448 pixels, gaps and label strips of \
      40, labels in the built-in dot font. The same file and seed give the same bytes. sequence.jsonl, \
      grid.jsonl and pic_in_pic.jsonl have the first turns as prompts of a run (compose.path).
      """)

  @Option(help: ArgumentHelp("LLaVA conversations, JSON or JSONL.", valueName: "file"))
  var llava: String

  @Option(help: ArgumentHelp("Folder that images' paths are relative to.", valueName: "dir"))
  var images: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Folder to write.", valueName: "dir"))
  var output: String

  @Option(help: "One of sequence, grid, pic-in-pic, grid-groups; can be given several times. All by default.")
  var kind: [InstructionKind] = []

  @Option(help: "Takes every so many-th record of each source; the authors took every 10th.")
  var every = 1

  @Option(help: "Makes only the first so many records of each kind.")
  var limit: Int?

  @Option(help: "Seed of places, companions and phrases.")
  var seed: UInt64 = 0

  @Option(
    help:
      "Binding side of the inner picture as a share of the outer: 0.7 in the authors' code, 0.5 in the paper."
  )
  var innerScale = 0.7

  @Option(help: "Files of made pictures: jpeg (quality 75, as the authors') or png.")
  var pictureFormat = PictureFormat.jpeg

  @Option(help: "What to do with a record that cannot be used: error stops, skip skips and lists it.")
  var onBadRecord = RunConfiguration.Run.BadRecordPolicy.error

  @Flag(name: .shortAndLong, help: "Shows warnings and errors only.")
  var quiet = false

  func validate() throws {
    guard every > 0 else { throw ValidationError("--every must be 1 or more") }
    guard limit ?? 1 > 0 else { throw ValidationError("--limit must be 1 or more") }
    guard innerScale > 0, innerScale <= 1 else {
      throw ValidationError("--inner-scale must be above 0 and at most 1")
    }
  }

  /// Refuses a folder in which a file would be written over that this command did not write: its list of
  /// checksums is beside every one that it did.
  private func checkOutput() throws {
    try OutputPlace.requireFolder(output, option: "--output")
    let folder = URL(fileURLWithPath: output, isDirectory: true)
    for kind in InstructionKind.allCases where self.kind.isEmpty || self.kind.contains(kind) {
      let name = kind.kind?.rawValue ?? "grid_groups"
      let file = folder.appendingPathComponent(name + ".json")
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      let isInput =
        file.resolvingSymlinksInPath().path
        == URL(fileURLWithPath: llava).resolvingSymlinksInPath().path
      let isOwn = FileManager.default.fileExists(atPath: folder.appendingPathComponent(name + ".sfv").path)
      guard !isInput, isOwn else {
        throw ValidationError(
          "--output: \(file.path) is "
            + (isInput
              ? "read by this command"
              : "there and has no \(name).sfv, so this command did not write it")
            + "; expected another folder")
      }
    }
  }

  func run() throws {
    Interruption.install()
    let console = Console(isQuiet: quiet)
    try checkOutput()
    var problems: [DataError] = []
    let pool = try InstructionPool(
      path: llava, imageFolder: images, step: every, pictures: PictureCheck(console: console),
      broken: { problems.append($0) })
    guard problems.isEmpty || onBadRecord == .skip else {
      throw UnusableRecords(problems, remedy: Self.remedy)
    }
    console.message(
      "\(llava): \(pool.entries.count) conversations about one image, \(pool.otherRecords) others")
    let writer = InstructionWriter(
      composer: InstructionComposer(
        pool: pool, seed: seed, innerScale: innerScale, skipsUnreadable: onBadRecord == .skip),
      folder: URL(fileURLWithPath: output, isDirectory: true), format: pictureFormat)
    for kind in InstructionKind.allCases where self.kind.isEmpty || self.kind.contains(kind) {
      let progress = console.progress(kind.rawValue, total: pool.entries.count)
      defer { progress.finish() }
      func leaveOut(_ error: any Error) {
        problems.append(DataError(error, of: "\(llava): \(kind.rawValue)"))
      }
      func advance(_ done: Int, _ total: Int) throws {
        progress.update(step: done)
        try Interruption.check("\(kind.rawValue), \(done) of \(total) records")
      }
      let most = limit ?? .max
      let count =
        if let kind = kind.kind {
          try writer.write(kind, limit: most, progress: advance, broken: leaveOut)
        } else {
          try writer.writeGroups(limit: most, progress: advance, broken: leaveOut)
        }
      console.message("\(kind.rawValue): \(count) records")
    }
    try tell(problems, console)
  }

  private static let remedy = "--on-bad-record skip leaves them out and lists them in omissions.txt"

  /// Lists every record that was left out in a file beside those that were made.
  private func tell(_ problems: [DataError], _ console: Console) throws {
    guard problems.isEmpty || onBadRecord == .skip else {
      throw UnusableRecords(problems, remedy: Self.remedy)
    }
    let file = URL(fileURLWithPath: output, isDirectory: true).appendingPathComponent("omissions.txt")
    guard !problems.isEmpty else {
      try? FileManager.default.removeItem(at: file)
      return
    }
    let lines = problems.map { "left out: " + "\($0)".replacingOccurrences(of: "\n", with: " / ") }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file, options: .atomic)
    for line in lines.prefix(5) { console.warning(line) }
    if lines.count > 5 {
      console.warning("and \(lines.count - 5) more, \(lines.count) in all, see \(file.path)")
    }
  }
}
