import Foundation
import LVLM
import Tensor

/// What only folders of InternLM-XComposer2.5 have: words and conversations in its format, sizes of pictures,
/// canvases, and what is said about the batch of the DPO step.
struct XComposerVerification {
  let folder: FamilyFolder
  let pictures: FamilyPictures

  func run(_ report: inout VerificationReport) throws {
    let loaded = try folder.open()
    let texts = try XComposerTexts(folder: folder, loaded: loaded)
    let images = XComposerPictures(folder: folder)
    func part(_ names: [String], _ body: (inout VerificationReport) throws -> Void) {
      folder.part(names, in: &report, body)
    }
    part(["tokenizer_cases.json"]) { try texts.compareWords(&$0) }
    part(["published_tokenizer_cases.json"]) { try texts.comparePublished(&$0) }
    part(["prompts.json"]) { try texts.comparePrompts(&$0) }
    part(["geometry.json"]) { try images.compareSizes(&$0) }
    part(["hd.json", "hd.h5", "images"]) { try images.compareCanvases(&$0) }
    part(["dpo_step.h5", "pictures.h5"]) { try compareBatch(&$0) }
  }

  /// `batch/grids` and `batch/im_mask` of `dpo_step.h5`; the rest of the batch is what is compared there.
  private func compareBatch(_ report: inout VerificationReport) throws {
    let arrays = try GoldenArrays(folder.file("dpo_step.h5"))
    let grids = try pictures.shown(arrays, on: "batch").map(pictures.grid)
    if arrays.has("batch/grids") {
      report.expectEqual(
        "\(arrays.name) batch/grids", grids.flatMap { [Int32($0.tiles.rows), Int32($0.tiles.columns)] },
        try arrays.integers("batch/grids"))
    }
    if arrays.has("batch/im_mask") {
      let marks = try arrays.integers("batch/input_ids").map { $0 == -100 ? Int32(1) : 0 }
      report.expectEqual("\(arrays.name) batch/im_mask", marks, try arrays.integers("batch/im_mask"))
    }
  }

  /// What ``compareBatch(_:)`` compares of a file that another part reads too.
  static func acknowledge(_ arrays: GoldenArrays) {
    for name in ["grids", "im_mask"] { arrays.acknowledge("batch/\(name)") }
  }
}

/// The cases of a file, and whatever in them nobody knows.
struct XComposerCases<Case: Decodable> {
  let name: String
  let cases: [Case]
  /// What stands beside the cases.
  let rest: [String: Any]

  /// - Parameters:
  ///   - list: the key of the cases.
  ///   - keys: known keys beside the cases.
  ///   - known: known keys of a case.
  init(
    _ url: URL, list: String = "cases", keys: Set<String>, known: Set<String>,
    in report: inout VerificationReport
  ) throws {
    name = url.lastPathComponent
    let data = try Data(contentsOf: url)
    guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any],
      let own = object[list] as? [[String: Any]]
    else {
      throw VerificationError(
        file: url.path, found: "no list `\(list)`", expected: "an object with a list of cases")
    }
    for key in object.keys.sorted() where key != list && !keys.contains(key) {
      report.fail("\(name) \(key)", "unknown key, nothing to compare it with")
    }
    for (index, item) in own.enumerated() {
      for key in item.keys.sorted() where !known.contains(key) {
        report.fail("\(name) \(list) \(index) \(key)", "unknown key, nothing to compare it with")
      }
    }
    cases = try JSONDecoder().decode(
      [Case].self, from: JSONSerialization.data(withJSONObject: own))
    rest = object.filter { $0.key != list }
  }

  /// A whole number beside the cases.
  func integer(_ key: String) -> Int? { rest[key] as? Int }
}
