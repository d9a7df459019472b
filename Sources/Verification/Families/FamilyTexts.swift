import Checkpoint
import Foundation
import LVLM

/// Texts to ids and back, and prompts with their pictures to ids.
struct FamilyTexts {
  private struct Cases: Decodable {
    struct Case: Decodable {
      var text: String
      var ids: [Int32]
      var decode: String?
      var decode_skip_special: String?
    }
    var cases: [Case]
  }

  private struct Prompts: Decodable {
    struct Prompt: Decodable {
      var name: String
      var text: String
      var images: [String]
      var mode: String?
      var ids: [Int32]
      var ids_tags_as_text: [Int32]?
    }
    var prompts: [Prompt]
  }

  /// `tokenizer_cases.json`, and those of other vocabularies.
  static func compareWords(_ folder: FamilyFolder, _ report: inout VerificationReport) throws {
    try compare("tokenizer_cases.json", try folder.open().tokenizer, folder, &report)
    for (name, place) in folder.vocabularies.sorted(by: { $0.key < $1.key }) {
      let file = "tokenizer_cases_\(name).json"
      report.part(file) { report in
        try compare(
          file, try Tokenizer(contentsOf: place.appending(component: "tokenizer.json")), folder, &report)
      }
    }
  }

  private static func compare(
    _ file: String, _ tokenizer: Tokenizer, _ folder: FamilyFolder, _ report: inout VerificationReport
  ) throws {
    let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: folder.file(file)))
    for (index, item) in cases.cases.enumerated() {
      let label = "\(file) \(index)"
      try report.expectEqual("\(label) ids", tokenizer.encode(parsingTokens: item.text), item.ids)
      if let expected = item.decode {
        report.expectEqual(
          "\(label) decode", Array(tokenizer.decode(item.ids, showsSpecialTokens: true).utf8),
          Array(expected.utf8))
      }
      if let expected = item.decode_skip_special {
        report.expectEqual(
          "\(label) decode_skip_special", Array(tokenizer.decode(item.ids).utf8), Array(expected.utf8))
      }
    }
  }

  /// `prompts.json`.
  static func comparePrompts(
    _ folder: FamilyFolder, _ pictures: FamilyPictures, _ report: inout VerificationReport
  ) throws {
    let prompts = try JSONDecoder().decode(Prompts.self, from: Data(contentsOf: folder.file("prompts.json")))
    let encoder = try folder.open().encoder
    for prompt in prompts.prompts {
      report.part("prompts.json \(prompt.name)") { report in
        let mode = prompt.mode ?? ""
        let grids = try prompt.images.map { name in
          let picture = try RGBImage(contentsOf: folder.file("images").appending(component: name).path)
          return try pictures.processor(mode).geometry.grid(
            width: picture.width, height: picture.height, isAlone: pictures.isAlone(mode))
        }
        let ids = try encoder.encode(prompt.text, grids: grids)
        report.expectEqual("prompts.json \(prompt.name) ids", ids, prompt.ids)
      }
    }
  }
}
