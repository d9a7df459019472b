import Foundation
import LVLM

/// Words of InternLM-XComposer2.5 as SentencePiece and the published tokenizer class read them, and
/// conversations with their pictures as the published code wraps them.
struct XComposerTexts {
  /// What stands in the reference's texts where a picture is shown.
  static let mark = "<ImageHere>"

  private struct Word: Decodable {
    var text: String
    // Absent where a special token is written in the text, which SentencePiece alone does not know.
    var sp_ids: [Int32]?
    var sp_pieces: [String]?
    var sp_decode: String?
    var hf_ids: [Int32]
    var hf_ids_with_special: [Int32]?
    var decode_skip_special: String?
    var out_of_table: [Int32]?
  }

  private struct PublishedWord: Decodable {
    var text: String
    var ids: [Int32]
    var decoded: String?
  }

  private struct PublishedPrompt: Decodable {
    var name: String
    var text: String
    var parts: [[Int32]]?
    var ids: [Int32]?
    var labels: [Int32]?
  }

  private struct Prompt: Decodable {
    var name: String
    var text: String
    var grids: [[Int]]
    var tokens: [Int]
    var order: String
    var ids: [Int32]
    var spans: [[Int]]
    var labels: [Int32]?
  }

  private let folder: FamilyFolder
  private let loaded: PretrainedModel
  private let tokenizer: Tokenizer
  private let dialogue: XComposerEncoder

  init(folder: FamilyFolder, loaded: PretrainedModel) throws {
    self.folder = folder
    self.loaded = loaded
    tokenizer = loaded.tokenizer
    dialogue = try XComposerEncoder(loaded.tokenizer)
  }

  /// The reference's text with our mark for pictures.
  static func marked(_ text: String) -> String { text.replacing(mark, with: Tokenizer.imageMark) }

  // MARK: Words

  /// `tokenizer_cases.json`.
  func compareWords(_ report: inout VerificationReport) throws {
    let file = try XComposerCases<Word>(
      folder.file("tokenizer_cases.json"),
      keys: [
        "pieces", "start_id", "end_id", "bos_id", "eos_id", "pad_id", "add_dummy_prefix", "stop_ids",
        "added_tokens",
      ],
      known: [
        "text", "sp_ids", "sp_pieces", "sp_decode", "hf_ids", "hf_ids_with_special", "decode_skip_special",
        "out_of_table",
      ], in: &report)
    try compareVocabulary(file.name, file.rest, &report)
    let rows = loaded.model.configuration.text.vocabularySize
    for (index, item) in file.cases.enumerated() {
      let label = "\(file.name) \(index)"
      if let ids = item.sp_ids {
        try report.expectEqual("\(label) sp_ids", tokenizer.encode(item.text), ids)
        if let expected = item.sp_pieces {
          report.expectEqual(
            "\(label) sp_pieces", ids.map { Array((tokenizer.piece($0) ?? "").utf8) },
            expected.map { Array($0.utf8) })
        }
        if let expected = item.sp_decode {
          expectText("\(label) sp_decode", tokenizer.decode(ids, showsSpecialTokens: true), expected, &report)
        }
      }
      let parsed = try tokenizer.encode(parsingTokens: item.text)
      report.expectEqual("\(label) hf_ids", parsed, item.hf_ids)
      if let expected = item.hf_ids_with_special {
        try report.expectEqual(
          "\(label) hf_ids_with_special", tokenizer.encode(parsingTokens: item.text, isFramed: true), expected
        )
      }
      if let expected = item.decode_skip_special {
        expectText("\(label) decode_skip_special", tokenizer.decode(item.hf_ids), expected, &report)
      }
      if let expected = item.out_of_table {
        report.expectEqual("\(label) out_of_table", parsed.filter { Int($0) >= rows }, expected)
      }
    }
  }

  private func expectText(
    _ label: String, _ found: String, _ expected: String, _ report: inout VerificationReport
  ) {
    report.expectEqual(label, Array(found.utf8), Array(expected.utf8))
  }

  /// What stands beside the words: the numbers of single tokens.
  private func compareVocabulary(
    _ name: String, _ rest: [String: Any], _ report: inout VerificationReport
  ) throws {
    let found: [(String, Int)] = [
      ("pieces", tokenizer.pieceCount), ("start_id", id(of: XComposerDialogue.start)),
      ("end_id", id(of: XComposerDialogue.end)), ("bos_id", Int(tokenizer.bosID)),
      ("eos_id", Int(tokenizer.eosID)), ("pad_id", Int(tokenizer.padID)),
    ]
    for (key, value) in found {
      if let expected = rest[key] as? Int { report.expectEqual("\(name) \(key)", [value], [expected]) }
    }
    if let expected = rest["add_dummy_prefix"] as? Bool {
      let first = try tokenizer.encode("a").first.flatMap(tokenizer.piece) ?? ""
      report.expectEqual("\(name) add_dummy_prefix", [first.hasPrefix("▁")], [expected])
    }
    if let expected = rest["stop_ids"] as? [Int] {
      let stops = [Int(tokenizer.eosID)] + [loaded.template.stop].compactMap(\.self).map(id)
      report.expectEqual("\(name) stop_ids", stops.sorted(), expected.sorted())
    }
    if let expected = rest["added_tokens"] as? [String: Int] {
      let names = expected.keys.sorted()
      report.expectEqual("\(name) added_tokens", names.map(id), names.compactMap { expected[$0] })
    }
  }

  private func id(of piece: String) -> Int { tokenizer.id(of: piece).map(Int.init) ?? -1 }

  /// `published_tokenizer_cases.json`: compared where the model has the vocabulary it tells of.
  func comparePublished(_ report: inout VerificationReport) throws {
    let name = "published_tokenizer_cases.json"
    let others: Set<String> = ["tokenizer_model_sha256", "pieces", "start_id", "end_id"]
    let words = try XComposerCases<PublishedWord>(
      folder.file(name), keys: others.union(["prompts"]), known: ["text", "ids", "decoded", "special"],
      in: &report)
    let prompts = try XComposerCases<PublishedPrompt>(
      folder.file(name), list: "prompts", keys: others.union(["cases"]),
      known: ["name", "text", "parts", "ids", "labels"], in: &report)
    let numbers = [tokenizer.pieceCount, id(of: XComposerDialogue.start), id(of: XComposerDialogue.end)]
    guard numbers == ["pieces", "start_id", "end_id"].map({ words.integer($0) ?? 0 }) else { return }
    for (index, item) in words.cases.enumerated() {
      try report.expectEqual("\(name) \(index) ids", tokenizer.encode(parsingTokens: item.text), item.ids)
      if let expected = item.decoded {
        expectText("\(name) \(index) decoded", tokenizer.decode(item.ids), expected, &report)
      }
    }
    for item in prompts.cases {
      if let expected = item.parts {
        let parts = try item.text.split(
          separator: Self.mark, omittingEmptySubsequences: false
        ).enumerated().map {
          try tokenizer.encode(parsingTokens: String($1), isFramed: $0 == 0)
        }
        report.expectEqual("\(name) \(item.name) parts", parts, expected)
      }
      guard let expected = item.ids else { continue }
      try report.expectEqual(
        "\(name) \(item.name) ids", tokenizer.encode(parsingTokens: item.text, isFramed: true), expected)
      if let labels = item.labels {
        report.expectEqual("\(name) \(item.name) labels", learned(expected), labels)
      }
    }
  }

  // MARK: Conversations

  /// `prompts.json`.
  func comparePrompts(_ report: inout VerificationReport) throws {
    let file = try XComposerCases<Prompt>(
      folder.file("prompts.json"), keys: ["image_id"],
      known: ["name", "text", "grids", "tokens", "order", "ids", "spans", "labels", "note"], in: &report)
    if let expected = file.integer("image_id") {
      report.expectEqual("\(file.name) image_id", [Int(tokenizer.imageID)], [expected])
    }
    for prompt in file.cases {
      report.part("\(file.name) \(prompt.name)") { try compare(prompt, "\(file.name) \(prompt.name)", &$0) }
    }
  }

  private func compare(_ prompt: Prompt, _ label: String, _ report: inout VerificationReport) throws {
    let grids = try prompt.grids.map(grid)
    report.expectEqual("\(label) tokens", grids.map(\.count), prompt.tokens)
    let ids = try encoded(prompt, grids)
    report.expectEqual("\(label) ids", ids, prompt.ids)
    if prompt.order == "chat" {
      // As every prompt of a run is read.
      let own = try loaded.encoder.encode(Self.marked(prompt.text), grids: grids)
      report.expectEqual("\(label) ids of a prompt", own, prompt.ids)
    }
    var places = ids.indices.filter { ids[$0] == tokenizer.imageID }[...]
    let spans = grids.map { grid in
      defer { places = places.dropFirst(grid.count) }
      let own = places.prefix(grid.count)
      return [own.first ?? 0, (own.last ?? -1) + 1]
    }
    report.expectEqual("\(label) spans", spans, prompt.spans)
    if let expected = prompt.labels { report.expectEqual("\(label) labels", learned(ids), expected) }
  }

  private func encoded(_ prompt: Prompt, _ grids: [FeatureGrid]) throws -> [Int32] {
    switch prompt.order {
    case "published":
      // A text without pictures that has bos gets a second one.
      return try tokenizer.encode(parsingTokens: prompt.text, isFramed: true)
    case "chat", "train":
      let isFinished = prompt.text.hasSuffix("</s>")
      let text = isFinished ? String(prompt.text.dropLast(4)) : prompt.text
      return try dialogue.encode(
        Self.marked(text), features: grids.map(\.count),
        beginning: prompt.order == "train" ? .beforeWords : .first, isFinished: isFinished)
    default:
      throw VerificationError(
        file: "prompts.json", found: "order \(prompt.order)", expected: "chat, train or published")
    }
  }

  /// The features of a picture of so many rows and columns of tiles.
  private func grid(_ tiles: [Int]) throws -> FeatureGrid {
    guard tiles.count == 2, tiles.allSatisfy({ $0 > 0 }) else {
      throw VerificationError(file: "prompts.json", found: "a grid \(tiles)", expected: "rows and columns")
    }
    guard let processor = loaded.processor as? XComposerProcessor else {
      throw VerificationError(
        file: folder.model.path, found: "another kind of picture processor", expected: "the family's")
    }
    var configuration = processor.configuration
    // So many that the size alone decides.
    configuration.budget = 2 * (tiles[0] + 1) * (tiles[1] + 1)
    configuration.margin = 1
    let side = configuration.tileSide
    return XComposerGeometry(configuration).grid(
      width: tiles[1] * side, height: tiles[0] * side, isAlone: true)
  }

  /// Ids that are learned, -100 in the places of the others.
  private func learned(_ ids: [Int32]) -> [Int32] {
    zip(dialogue.isLearned(ids), ids).map { $0 ? $1 : -100 }
  }
}
