import ArgumentParser
import Checkpoint
import DPOTrain
import Foundation
import LVLM
import Records
import Runs
import Tensor

/// What `dpotrain export` writes.
enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
  case hf
  case peft
  case merged
}

/// The type of the weights that are written.
enum ExportType: String, CaseIterable, ExpressibleByArgument {
  case auto
  case float32
  case bfloat16
  case float16

  var savedType: SavedType {
    switch self {
    case .auto: .stored
    case .float32: .type(.float32)
    case .bfloat16: .type(.bfloat16)
    case .float16: .type(.float16)
    }
  }
}

/// A size as transformers' `max_shard_size` spells it: `5GB` is 5·10⁹ bytes, `5GiB` 5·2³⁰, a number alone
/// bytes.
struct ShardSize: ExpressibleByArgument, CustomStringConvertible {
  let bytes: Int

  private static let units: [(name: String, bytes: Int)] = [
    ("GIB", 1 << 30), ("MIB", 1 << 20), ("KIB", 1 << 10), ("GB", 1_000_000_000), ("MB", 1_000_000),
    ("KB", 1000),
  ]

  init(bytes: Int) { self.bytes = bytes }

  init?(argument: String) {
    let text = argument.uppercased()
    let unit = Self.units.first { text.hasSuffix($0.name) }
    guard let number = Int(text.dropLast(unit?.name.count ?? 0)), number > 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.bytes ?? 1)
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  var description: String {
    guard let unit = Self.units.first(where: { bytes.isMultiple(of: $0.bytes) }) else { return "\(bytes)" }
    return "\(bytes / unit.bytes)\(unit.name)"
  }
}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract:
      "Writes a model for other programs: a Hugging Face directory, a PEFT adapter, or merged weights.",
    discussion: """
      dpotrain export --model runs/x/train/model --format hf --output llava
      dpotrain export --model base --adapter runs/x/checkpoints/step-100.h5 --format peft --output adapter
      dpotrain export --model base --adapter adapter --format merged --output llava

      hf: the model as it is. merged: the adapter added to the weights. peft: the adapter alone.
      """)

  @Option(help: ArgumentHelp("Model directory, or GGUF file of a language model.", valueName: "path"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Vision tower and projector of a GGUF file (mmproj); the one *mmproj*.gguf beside it when left out.",
      valueName: "file"))
  var projector: String?

  @Option(
    help: ArgumentHelp("PEFT directory, or checkpoint of a LoRA run (step-N.h5).", valueName: "path"))
  var adapter: String?

  @Option(help: "One of hf, peft, merged.")
  var format: ExportFormat

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Directory to write; must be absent or empty.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Names of the parameters: saved (transformers 5), published (llava-hf), in_memory, original "
        + "(llava-v1.5).")
  )
  var layout: ParameterNames.Layout = .saved

  @Option(
    help: ArgumentHelp(
      "Type of the weights: auto (as the model's file has each, what an adapter changed rounded to it), "
        + "float32, bfloat16, float16.")
  )
  var dtype: ExportType = .auto

  @Option(
    help: ArgumentHelp(
      "Size at which another file of weights begins, such as 5GB or 500MB.", valueName: "size"))
  var maxShardSize = ShardSize(bytes: 5_000_000_000)

  @Option(
    help: ArgumentHelp(
      "Chat template written beside the model: \(ChatTemplate.all.map(\.name).joined(separator: ", ")); the "
        + "model's own when left out.")
  )
  var template: String?

  func validate() throws {
    guard template.map({ ChatTemplate(named: $0) != nil }) ?? true else {
      throw ValidationError(
        "--template: found \(template ?? ""), expected one of "
          + "\(ChatTemplate.all.map(\.name).joined(separator: ", "))"
      )
    }
    guard (adapter != nil) == (format != .hf) else {
      throw ValidationError(
        format == .hf
          ? "--format hf writes the model as it is; use merged with --adapter"
          : "--format \(format.rawValue) needs --adapter")
    }
  }

  func run() throws {
    let source = URL(fileURLWithPath: model)
    let target = URL(fileURLWithPath: output)
    if let found = try? FileManager.default.contentsOfDirectory(atPath: target.path), !found.isEmpty {
      throw CheckpointError(
        .cannotWrite, file: target.path, found: "\(found.count) files in it",
        expected: "an absent or empty directory")
    }
    let loaded = try PretrainedModel.load(
      from: source, weights: .auto, template: template.flatMap { ChatTemplate(named: $0) },
      projector: projector.map { URL(fileURLWithPath: $0) })
    for note in loaded.notes { Console(isQuiet: false).warning(note) }
    if let adapter { try put(URL(fileURLWithPath: adapter), on: loaded.model) }
    if format == .peft {
      try loaded.model.saveAdapter(to: target, baseModel: source.path)
    } else {
      do {
        try loaded.save(to: target, layout: layout, type: dtype.savedType, shardBytes: maxShardSize.bytes)
      } catch {
        // What was written so far is no model: the directory was absent or empty.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: target.path)) ?? [] {
          try? FileManager.default.removeItem(at: target.appending(component: name))
        }
        throw error
      }
    }
    print("wrote \(format.rawValue) to \(target.path)")
  }
}

extension ExportCommand {
  private func put(_ adapter: URL, on model: VisionLanguageModel) throws {
    guard adapter.pathExtension == "h5" else { return try model.loadAdapter(from: adapter) }
    let changed = try AdaptedCheckpoint(reading: adapter).put(
      on: model, base: URL(fileURLWithPath: self.model))
    guard format == .peft, !changed.isEmpty else { return }
    throw CheckpointError(
      .mismatch, file: adapter.path, at: "/model",
      found: "\(changed.count) parameters beside the adapters that differ from \(self.model): "
        + changed.prefix(4).joined(separator: ", ") + (changed.count > 4 ? ", …" : ""),
      expected: "adapters alone, all that a PEFT directory holds; --format merged writes everything")
  }
}

extension ParameterNames.Layout: ExpressibleByArgument {}
