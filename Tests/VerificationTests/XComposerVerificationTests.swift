import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing
import Verification

/// Verification of InternLM-XComposer2.5, on a folder made of the reference's numbers among the fixtures.
///
/// They are some of a complete folder: whatever a complete one has besides is missing, and nothing else may
/// fail.
@Suite struct XComposerVerificationTests {
  private static let fixtures = Fixtures.url("xcomposer")

  // MARK: The folder

  /// Runs `body` on a folder that it may change.
  private func withFolder(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { parent in
      let folder = parent.appending(component: "folder")
      try FileManager.default.copyItem(at: Self.fixtures, to: folder)
      try Self.addViews(to: folder)
      try Self.wrapCases(of: folder)
      try body(folder)
    }
  }

  /// The views of pictures, which the fixtures hold of one only.
  private static func addViews(to folder: URL) throws {
    let processor = XComposerProcessor(
      XComposerImageConfiguration(tileSide: 56, budget: 9, budgetOfSeveral: 4))
    try change(folder.appending(component: "pictures.h5")) { arrays, file in
      for entry in try file.entries() where !arrays.contains(where: { $0.path == "\(entry.name)/views" }) {
        guard case .string(let name)? = try file.attribute("file", on: entry.name) else { continue }
        let picture = try RGBImage(contentsOf: folder.appending(path: name).path)
        arrays.append(("\(entry.name)/views", processor.pixels(picture, isAlone: false)))
      }
    }
  }

  /// Writes a file anew, its attributes included.
  private static func change(
    _ url: URL, _ body: (inout [(path: String, tensor: Tensor)], HDF5File) throws -> Void
  ) throws {
    let file = try HDF5File(reading: url)
    var arrays = try file.datasets().map { (path: $0, tensor: try file.tensor($0)) }
    var attributes: [(path: String, name: String, value: HDF5Attribute)] = []
    var objects = Set(["/"])
    for (path, _) in arrays {
      let parts = path.split(separator: "/")
      for count in 1...parts.count { objects.insert(parts.prefix(count).joined(separator: "/")) }
    }
    for object in objects.sorted() {
      // Checksums of contents are written anew.
      attributes += try file.attributes(on: object).filter { !$0.name.hasPrefix("crc32") }
        .map { (object, $0.name, $0.value) }
    }
    try body(&arrays, file)
    try HDF5File.write(to: url) { target in
      for (path, tensor) in arrays { try target.write(tensor, to: path) }
      for (path, name, value) in attributes { try target.setAttribute(name, value, on: path) }
    }
  }

  private static func json(_ name: String, _ folder: URL) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(component: name)))
  }

  private static func write(_ object: Any, _ name: String, _ folder: URL) throws {
    try JSONSerialization.data(withJSONObject: object).write(to: folder.appending(component: name))
  }

  /// The files of cases as the reference writes them.
  private static func wrapCases(of folder: URL) throws {
    try write(["attn_layer": 1], "spec.json", folder)
    try write(["image_id": -100, "cases": json("prompts.json", folder)], "prompts.json", folder)
    let words: [String: Any] = [
      "pieces": 363, "start_id": 362, "end_id": 361, "bos_id": 1, "eos_id": 2, "pad_id": 2,
      "add_dummy_prefix": false, "stop_ids": [2, 361], "added_tokens": ["<|im_end|>": 364],
      "cases": try json("tokenizer_cases.json", folder),
    ]
    try write(words, "tokenizer_cases.json", folder)
    let pixels: [String: Any] = [
      "tile": 56, "patch": 14, "merged_side": 2, "cases": try json("hd.json", folder),
    ]
    try write(pixels, "hd.json", folder)
    // Width, height, mode, budget, transposed, resized, rows, columns, features.
    let rows = try json("geometry.json", folder) as? [[Any]] ?? []
    let sizes = rows.map { row -> [String: Any] in
      let numbers = row.map { $0 as? Int ?? 0 }
      var item: [String: Any] = [
        "width": numbers[0], "height": numbers[1], "mode": row[2], "hd_num": numbers[3],
        "transposed": numbers[4] == 1, "resized": [numbers[5], numbers[6]],
      ]
      if numbers[6] == 0 {
        item["error"] = "empty after resizing"
      } else {
        item["grid"] = [numbers[7], numbers[8]]
        item["tokens"] = numbers[9]
      }
      return item
    }
    try write(["tile": 560, "merged_side": 20, "cases": sizes], "geometry.json", folder)
  }

  /// What fails, except for what the fixtures lack.
  private func failures(_ folder: URL) throws -> [Comparison] {
    failures(try Verification.run(folder))
  }

  private func failures(_ report: VerificationReport) -> [Comparison] {
    report.comparisons.filter {
      !$0.isPassed && $0.note != "missing, expected for this model"
        && $0.note != "nothing to compare it with: no ref.safetensors"
    }
  }

  // MARK: Tests

  @Test func whatIsThereIsComparedAndPasses() throws {
    try withFolder { folder in
      let report = try Verification.run(folder)
      #expect(failures(report).map(\.description) == [])
      #expect(report.passed > 1000)
      let passed = Set(report.comparisons.filter(\.isPassed).map(\.name))
      for name in [
        "tokenizer_cases.json 3 hf_ids_with_special", "tokenizer_cases.json stop_ids",
        "tokenizer_cases.json add_dummy_prefix", "prompts.json train_turns labels",
        "prompts.json chat_adjacent spans", "prompts.json text_only_published_chat ids",
        "geometry.json 0 640x480 chat24", "hd.h5 rgba_png/decoded_rgb",
        "hd.h5 rgb5_33x300_png/chat4/canvas_u8",
        "hd.h5 rgb5_33x300_png/chat4/global_view", "pictures.h5 rgb1_90x41_png/merged",
        "pictures.h5 rgb0_48x90_png/token_boxes", "pictures.h5 rgb6_17x9_png/token_kinds",
        "xc.h5 img4/greedy_step_logits", "xc.h5 img3/mia/quadrants", "xc.h5 img2/mia/share_tiles",
        "xc.h5 penalised/greedy_new_tokens", "xc.h5 mask/some/logits", "xc.h5 ntk_beyond/inv_freq",
        "xc.h5 ntk_beyond/recomputed_new_tokens", "xc.h5 ntk_crossing/greedy_step_logits",
        "xc.h5 ntk_crossing@base_after", "dpo_step.h5 batch/grids", "dpo_step.h5 batch/im_mask",
        "lora.h5 policy_token_logps",
      ] { #expect(passed.contains(name), "\(name)") }
      // A step without the model it is compared with is not passed over.
      let step = report.comparisons.first { $0.name == "dpo_step.h5" }
      #expect(step?.note == "nothing to compare it with: no ref.safetensors")
    }
  }

  @Test func changedNumbersAreNamed() throws {
    try withFolder { folder in
      let changed = [
        "pictures.h5": ["rgb0_48x90_png/token_boxes", "rgb2_30x30_png/token_kinds", "rgb1_90x41_png/merged"],
        "hd.h5": [
          "rgb0_48x90_png/chat9/canvas_u8", "rgba_png/decoded_rgb", "rgb5_33x300_png/chat4/global_view",
        ],
        "dpo_step.h5": ["batch/grids", "batch/im_mask"],
        "xc.h5": [
          "img1/mia/quadrants", "img2/mia/share_global", "img3/greedy_step_logits", "img4/spans",
          "mask/some/logits", "ntk_beyond/inv_freq", "ntk_beyond/recomputed_step_logits",
          "ntk_crossing/greedy_step_logits", "ntk_crossing/recomputed_new_tokens",
          "penalised/greedy_new_tokens",
        ],
      ]
      for (name, paths) in changed {
        try Self.change(folder.appending(component: name)) { arrays, _ in
          for place in arrays.indices where paths.contains(arrays[place].path) {
            let tensor = arrays[place].tensor
            arrays[place].tensor = Self.bump(tensor).to(tensor.dtype)
          }
        }
      }
      try Self.change("tokenizer_cases.json", 4, "hf_ids", of: folder) { _ in [1, 2, 3] }
      try Self.change("prompts.json", 1, "labels", of: folder) { _ in [7] }
      try Self.change("geometry.json", 5, "tokens", of: folder) { ($0 as? Int ?? 0) + 1 }
      let failed = Set(try failures(folder).map(\.name))
      var expected = Set(changed.flatMap { file, paths in paths.map { "\(file) \($0)" } })
      expected.formUnion([
        "tokenizer_cases.json 4 hf_ids", "prompts.json chat_single_placeholder labels",
        "geometry.json 5 640x480 train4",
      ])
      #expect(failed == expected)
    }
  }

  /// Another last element: of pictures by more than the level that a resize may be off, else by one, and
  /// never out of the range of bytes.
  private static func bump(_ tensor: Tensor) -> Tensor {
    var values = tensor.array(of: Double.self)
    let isPicture = tensor.dtype == .uint8 && tensor.shape.last == 3
    let last = values.count - 1
    values[last] += values[last] > 0 && tensor.dtype == .uint8 ? (isPicture ? -9 : -1) : isPicture ? 9 : 1
    return Tensor(values, shape: tensor.shape)
  }

  private static func change(
    _ name: String, _ index: Int, _ key: String, of folder: URL, _ edit: (Any?) -> Any
  ) throws {
    var object = try json(name, folder) as? [String: Any] ?? [:]
    var cases = object["cases"] as? [[String: Any]] ?? []
    cases[index][key] = edit(cases[index][key])
    object["cases"] = cases
    try write(object, name, folder)
  }

  @Test func whatIsUnknownFails() throws {
    try withFolder { folder in
      let unknown = [
        "xc.h5": "img1/mia/entropy", "hd.h5": "gray_png/depth", "pictures.h5": "rgb0_48x90_png/more",
        "lora.h5": "extra",
      ]
      for (name, path) in unknown {
        try Self.change(folder.appending(component: name)) { arrays, _ in
          arrays.append((path, Tensor([1.0, 2])))
        }
      }
      // Single operations are notes.
      try Self.change(folder.appending(component: "ops.h5")) { arrays, _ in
        arrays.append(("new", Tensor([1.0])))
      }
      try Self.change("geometry.json", 2, "depth", of: folder) { _ in 3 }
      try Data("x".utf8).write(to: folder.appending(component: "more.h5"))
      try FileManager.default.copyItem(
        at: folder.appending(path: "images/gray.png"), to: folder.appending(path: "images/other.png"))
      let failed = Set(try failures(folder).map(\.name))
      #expect(
        failed
          == Set(
            unknown.map { "\($0) \($1)" } + ["geometry.json cases 2 depth", "more.h5", "images/other.png"]))
    }
  }

  /// Cases of a vocabulary that is not there are notes; of one that is they are compared.
  @Test func casesOfThePublishedVocabulary() throws {
    try withFolder { folder in
      var cases: [String: Any] = [
        "tokenizer_model_sha256": "0", "pieces": 92_544, "start_id": 92_543, "end_id": 92_542,
        "cases": [["text": "a", "ids": [264], "decoded": "a"]],
        "prompts": [["name": "one", "text": "a<ImageHere>", "parts": [[1, 264], []]]],
      ]
      let name = "published_tokenizer_cases.json"
      try Self.write(cases, name, folder)
      #expect(try failures(folder).isEmpty)
      (cases["pieces"], cases["start_id"], cases["end_id"]) = (363, 362, 361)
      try Self.write(cases, name, folder)
      #expect(
        try failures(folder).map(\.name) == ["\(name) 0 ids", "\(name) 0 decoded", "\(name) one parts"])
    }
  }
}
