import Checkpoint
import Evaluation
import Foundation
import LVLM
import Records
import Tensor

/// Everything the answers to a benchmark depend on, as `<name>_evaluation.json` keeps it: an evaluation goes
/// on only with the same file, model and options.
struct BenchmarkIdentity: Equatable {
  /// Names and values, in the order they are written.
  let values: [(name: String, value: String)]

  static func == (a: Self, b: Self) -> Bool { a.differences(from: b).isEmpty }

  /// - Parameter pictures: the files of the rows' pictures, in their order.
  init(_ options: BenchmarkRun.Options, preset: BenchmarkPreset, pictures: [String]) throws {
    values =
      [
        ("data_sha256", try Digest.of(file: URL(fileURLWithPath: options.data))),
        ("pictures_crc32", Self.checksum(of: pictures)),
        ("model_sha256", try Self.digest(of: options)),
        (
          "adapter_sha256",
          try options.adapter.map {
            try Self.digest(of: $0, "a PEFT directory or a checkpoint of a LoRA run (--adapter)")
          } ?? "none"
        ),
      ] + Self.choices(options, preset: preset) + [("version", PackageVersion.current)]
  }

  /// The digest of the checksums of files; those that cannot be read are told elsewhere.
  private static func checksum(of pictures: [String]) -> String {
    guard !pictures.isEmpty else { return "none" }
    let sums = concurrently(pictures.count) { index in
      CRC32.digits(try StoredBytes.checksum(of: URL(fileURLWithPath: pictures[index])).crc32)
    }
    return Digest.of(sums.map { (try? $0.get()) ?? "-" }.joined(separator: "\n"))
  }

  /// What was chosen, without what the files hold. What becomes of bad rows is a policy: it changes no
  /// answer.
  static func choices(
    _ options: BenchmarkRun.Options, preset: BenchmarkPreset
  ) -> [(name: String, value: String)] {
    let settings = options.settings(for: preset)
    return [
      ("dtype", options.weights.rawValue), ("preset", preset.name), ("prompt", settings.form.rawValue),
      ("prompt_suffix", settings.suffix), ("template", options.template?.name ?? "the model's"),
      ("score", options.score.rawValue), ("limit", options.limit.map(String.init) ?? "none"),
      ("max_new_tokens", "\(settings.maxNewTokens)"), ("batch_size", "\(settings.batchSize)"),
      ("batch_tokens", "\(settings.batchTokens)"), ("image_root", options.imageRoot ?? "the file's folder"),
      ("text_rows", "\(options.asksTextRows)"),
    ]
  }

  private init(values: [(name: String, value: String)]) { self.values = values }

  /// The digest of all of it.
  var key: String { Digest.of(values.map { "\($0.name)=\($0.value)" }.joined(separator: "\n")) }

  /// The text of its file.
  var json: OrderedJSON { .object(values.map { .init($0.name, .string($0.value)) }) }

  /// Reads a file; nil where there is none, or one that does not hold this.
  init?(contentsOf url: URL) {
    guard let data = FileManager.default.contents(atPath: url.path),
      let stored = try? JSONDecoder().decode([String: String].self, from: data)
    else { return nil }
    self.init(values: stored.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  /// `model_sha256 …, was …` for each value that is another one.
  func differences(from stored: BenchmarkIdentity) -> [String] {
    let before = Dictionary(uniqueKeysWithValues: stored.values.map { ($0.name, $0.value) })
    return values.compactMap { name, value in
      // Earlier versions did not look at pictures.
      if name == "pictures_crc32", before[name] == nil { return nil }
      return before[name] == value ? nil : "found \(name) \(before[name] ?? "missing"), expected \(value)"
    }
  }

  /// The digest of a model; of a GGUF file with a projector that of both.
  private static func digest(of options: BenchmarkRun.Options) throws -> String {
    let model = URL(fileURLWithPath: options.model)
    let own = try digest(of: options.model, "a model directory or GGUF file (--model)")
    guard model.pathExtension == "gguf" else { return own }
    let beside = try options.projector == nil ? PretrainedModel.projector(beside: model)?.path : nil
    guard let projector = options.projector ?? beside else { return own }
    return Digest.of(own + "\n" + (try digest(of: projector, "a projector's GGUF file (--projector)")))
  }

  /// The digest of a file, or of the files of a model's directory that say what it computes.
  private static func digest(of path: String, _ expected: String) throws -> String {
    let files = try ModelContent.files(at: path, expected: expected)
    if files.first?.path == URL(fileURLWithPath: path).path { return try Digest.of(file: files[0]) }
    var digest = Digest()
    for file in files {
      digest.update(file.lastPathComponent)
      digest.update(try Digest.of(file: file))
    }
    return digest.finalize()
  }
}
