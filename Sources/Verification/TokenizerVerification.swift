import Checkpoint
import Foundation
import LVLM

/// Texts to ids and back: `tokenizer.model` as the SentencePiece library reads it, `tokenizer.json` as
/// Hugging Face does.
enum TokenizerVerification {
  private struct Cases: Decodable {
    struct Case: Decodable {
      var text: String
      var sp_ids: [Int32]?
      var sp_pieces: [String]?
      var sp_decode: String?
      var hf_ids: [Int32]?
      var hf_ids_with_special: [Int32]?
      var hf_decode: String?
      var hf_decode_skip_special: String?
    }
    var pieces: Int
    var image_token_id: Int32
    var pad_token_id: Int32
    var cases: [Case]
  }

  static func run(_ golden: GoldenFolder, _ report: inout VerificationReport) throws {
    let cases = try JSONDecoder().decode(
      Cases.self, from: Data(contentsOf: golden.file("tokenizer_cases.json")))
    let pieces = try Tokenizer(contentsOf: golden.model.appending(component: "tokenizer.model"))
    report.expectEqual("tokenizer.model piece count", [pieces.pieceCount], [cases.pieces])
    report.expectEqual(
      "tokenizer.model <image> and <pad>", [pieces.imageID, pieces.padID],
      [
        cases.image_token_id, cases.pad_token_id,
      ])
    let json = golden.model.appending(component: "tokenizer.json")
    let hasJSON = FileManager.default.fileExists(atPath: json.path)
    let fast = hasJSON ? try Tokenizer(contentsOf: json) : nil
    if fast == nil, cases.cases.contains(where: { $0.hf_ids != nil }) {
      report.fail("tokenizer.json", "missing, expected beside tokenizer.model")
    }
    for (index, item) in cases.cases.enumerated() {
      let label = "tokenizer_cases.json \(index) \(quoted(item.text))"
      if let ids = item.sp_ids {
        try report.expectEqual("\(label) sp_ids", pieces.encode(item.text), ids)
        if let expected = item.sp_pieces {
          report.expectEqual(
            "\(label) sp_pieces", ids.map { bytes(pieces.piece($0) ?? "") }, expected.map(bytes))
        }
        if let expected = item.sp_decode {
          report.expectEqual("\(label) sp_decode", bytes(pieces.decode(ids)), bytes(expected))
        }
      }
      guard let fast, let ids = item.hf_ids else { continue }
      try report.expectEqual("\(label) hf_ids", fast.encode(parsingTokens: item.text), ids)
      if let expected = item.hf_ids_with_special {
        try report.expectEqual(
          "\(label) hf_ids_with_special", fast.encode(parsingTokens: item.text, isFramed: true), expected)
      }
      if let expected = item.hf_decode {
        report.expectEqual(
          "\(label) hf_decode", bytes(fast.decode(ids, showsSpecialTokens: true)), bytes(expected))
      }
      if let expected = item.hf_decode_skip_special {
        report.expectEqual("\(label) hf_decode_skip_special", bytes(fast.decode(ids)), bytes(expected))
      }
    }
  }

  /// Bytes, because two spellings of one character are equal as `String`.
  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func quoted(_ text: String) -> String {
    let line = text.replacing("\n", with: "⏎").replacing("\r", with: "␍").replacing("\t", with: "⇥")
    return line.count <= 24 ? "\"\(line)\"" : "\"\(line.prefix(23))…\""
  }
}
