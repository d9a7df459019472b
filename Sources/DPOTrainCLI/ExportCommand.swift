import ArgumentParser
import CommandArguments
import Checkpoint
import DPOTrain
import Evaluation
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
  case gguf
  case ggufLoRA = "gguf-lora"

  /// Whether an adapter is written alone.
  var isAdapter: Bool { self == .peft || self == .ggufLoRA }
}

/// The type of the weights that are written.
enum ExportType: String, CaseIterable, ExpressibleByArgument {
  case auto
  case float32
  case bfloat16
  case float16
  case q8_0
  case q4_0

  /// For a directory; nil for one that only GGUF files have.
  var savedType: SavedType? {
    switch self {
    case .auto: .stored
    case .float32: .type(.float32)
    case .bfloat16: .type(.bfloat16)
    case .float16: .type(.float16)
    case .q8_0, .q4_0: nil
    }
  }

  /// For GGUF files; nil for each as it is.
  var encoding: GGUFEncoding? {
    switch self {
    case .auto: nil
    case .float32: .f32
    case .bfloat16: .bf16
    case .float16: .f16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
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
      "Writes a model for other programs: a Hugging Face directory, GGUF files, or an adapter.",
    discussion: """
      dpotrain export --model runs/x --format hf --output llava
      dpotrain export --model runs/x --format gguf --dtype q8_0 --output llava-gguf
      dpotrain export --model base --adapter runs/x/checkpoints/step-100.h5 --format peft --output adapter
      dpotrain export --model base --adapter adapter --format merged --output llava

      hf: the model as it is. merged: the adapter added to the weights. gguf: llama.cpp's files, \
      model-TYPE.gguf and for what sees pictures mmproj-TYPE.gguf, an adapter added to the weights. peft, \
      gguf-lora: the adapter alone.
      """)

  @Option(help: ArgumentHelp(ModelArguments.model, valueName: "path"))
  var model: String

  @Option(help: ArgumentHelp(ModelArguments.projector, valueName: "file"))
  var projector: String?

  @Option(help: ArgumentHelp(ModelArguments.adapter, valueName: "path"))
  var adapter: String?

  @Option(help: "One of hf, merged, peft, gguf, gguf-lora.")
  var format: ExportFormat

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Directory to write; must be absent or empty.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "What the model is called in its files; the name of the directory to write when left out.",
      valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp(
      "What a PEFT adapter calls the model it belongs on; the path from the adapter to it when left out.",
      valueName: "name"))
  var baseName: String?

  @Option(
    help: ArgumentHelp(
      "Names of the parameters: saved (transformers 5), published (llava-hf), in_memory, original "
        + "(llava-v1.5).")
  )
  var layout: ParameterNames.Layout = .saved

  @Option(
    help: ArgumentHelp(
      "Type of the weights: auto (as the model's file has each, what an adapter changed rounded to it), "
        + "float32, bfloat16, float16; of matrices in GGUF files also q8_0, q4_0.")
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
    try ModelArguments.template(named: template)
    guard adapter == nil || format != .hf else {
      throw ValidationError("--format hf writes the model as it is; use merged with --adapter")
    }
    let needsAdapter = format.isAdapter || format == .merged
    guard !needsAdapter || adapter != nil || ModelChoice.isOfRun(model) else {
      throw ValidationError("--format \(format.rawValue) needs --adapter")
    }
    guard dtype.savedType != nil || format == .gguf else {
      throw ValidationError("--dtype \(dtype.rawValue) needs --format gguf")
    }
    guard baseName == nil || format == .peft else {
      throw ValidationError("--base-name belongs to --format peft")
    }
  }

  func run() throws {
    let target = URL(fileURLWithPath: output)
    try OutputPlace.requireFolder(output, option: "--output")
    let choice = try ModelChoice(model: model, adapter: adapter)
    guard choice.adapter != nil || !format.isAdapter else {
      throw ModelChoiceError(
        path: model, found: "\(choice.model.path), which has no adapter of its own",
        expected: "a run's checkpoint of adapters, or --adapter, for --format \(format.rawValue)")
    }
    try choice.requireElsewhere(output, option: "--output")
    if let found = try? FileManager.default.contentsOfDirectory(atPath: target.path), !found.isEmpty {
      throw CheckpointError(
        .cannotWrite, file: target.path, found: "\(found.count) files in it",
        expected: "an absent or empty directory")
    }
    let (loaded, changed) = try choice.open(
      weights: .mapped, template: template.flatMap { ChatTemplate(named: $0) }, projector: projector)
    for note in choice.notes + loaded.notes { Console(isQuiet: false).warning(note) }
    if format.isAdapter { try requireAdapterAlone(choice, changed) }
    let called = name ?? target.standardizedFileURL.lastPathComponent
    switch format {
    case .peft:
      try loaded.model.saveAdapter(
        to: target, baseModel: baseName ?? choice.model.standardizedFileURL.path)
    case .gguf:
      tell(
        try loaded.saveGGUF(
          to: target, name: called, type: dtype.encoding.map(GGUFSavedType.encoding) ?? .stored))
    case .ggufLoRA:
      tell(try loaded.model.saveGGUFAdapter(to: target, name: called, type: dtype.encoding ?? .f32))
    case .hf, .merged:
      try saveDirectory(loaded, choice, called, target)
    }
    print("wrote \(format.rawValue) to \(target.path)")
  }
}

extension ExportCommand {
  private func tell(_ export: GGUFExport) {
    for note in export.notes { Console(isQuiet: false).warning(note) }
  }

  /// Writes a Hugging Face directory with its card, or nothing.
  private func saveDirectory(
    _ loaded: PretrainedModel, _ choice: ModelChoice, _ called: String, _ target: URL
  ) throws {
    let results = choice.isResult ? choice.run?.appending(component: "results.json") : nil
    let result = try results.flatMap { file in
      FileManager.default.fileExists(atPath: file.path) ? try EvaluationResult.read(from: file) : nil
    }
    do {
      try loaded.save(
        to: target, layout: layout, type: dtype.savedType ?? .stored, shardBytes: maxShardSize.bytes)
      try AtomicFile.write(
        ModelCard.text(of: loaded, name: called, result: result).utf8,
        to: target.appending(component: "README.md"))
    } catch {
      // What was written so far is no model: the directory was absent or empty.
      for name in (try? FileManager.default.contentsOfDirectory(atPath: target.path)) ?? [] {
        try? FileManager.default.removeItem(at: target.appending(component: name))
      }
      throw error
    }
    let words = target.appending(component: "tokenizer.json").path
    let readsItself = loaded.model.configuration is XComposerConfiguration
    if !readsItself, !FileManager.default.fileExists(atPath: words) {
      Console(isQuiet: false).warning(
        "\(target.path): no tokenizer.json, which cannot state this vocabulary (a SentencePiece model with "
          + "symbols of its own); this package reads the model, transformers' AutoProcessor does not")
    }
  }

  /// Refuses to leave out what a checkpoint holds beside its adapters.
  private func requireAdapterAlone(_ choice: ModelChoice, _ changed: [String]) throws {
    guard let adapter = choice.adapter, !changed.isEmpty else { return }
    throw CheckpointError(
      .mismatch, file: adapter.path, at: "/model",
      found: "\(changed.count) parameters beside the adapters that differ from \(choice.model.path): "
        + changed.prefix(4).joined(separator: ", ") + (changed.count > 4 ? ", …" : ""),
      expected: "adapters alone, all that such a file holds; --format "
        + (format == .peft ? "merged" : "gguf") + " writes everything")
  }
}

extension ParameterNames.Layout: ExpressibleByArgument {}
