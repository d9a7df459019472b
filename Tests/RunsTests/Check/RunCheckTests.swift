import Foundation
import LVLM
import MultiImageData
import Records
import Reporting
import Runs
import TestSupport
import Testing

/// What is said before a run's first step about the number of its records.
@Suite struct RunCheckTests {
  private func configuration(_ yaml: String) throws -> RunConfiguration {
    try RunConfiguration(yaml: yaml, file: "run.yaml")
  }

  private func problems(_ yaml: String, stages: [Stage] = Stage.allCases) throws -> [String] {
    let configuration = try configuration(yaml)
    return try RunCheck(configuration, source: try configuration.questionSource(), stages: stages)
      .problems().map(\.description)
  }

  @Test func aGridOfMorePicturesThanTheSplitHas() throws {
    let found = try problems(
      """
      data:
        source: shapes
        sizes: {sft: 20, pref: 200, val: 5, test: 6}
      evaluate:
        questions: 5
        grid_counts: [9]
        sequence_counts: [2]
      """)
    let grid = try #require(found.first { $0.contains("grid_counts") })
    #expect(
      grid.contains(
        #/^run\.yaml:6: evaluate\.grid_counts: has 9, the test split has \d pictures that can stand beside each other; raise data\.sizes\.test or drop 9$/#
      ), "\(found)")
    // What is not asked for is not missed.
    #expect(
      try problems("data: {source: shapes, sizes: {sft: 20, pref: 200, val: 5, test: 6}}", stages: [.sft])
        .isEmpty)
  }

  @Test(arguments: [1, 2]) func poolsOfOneOrTwoPictures(count: Int) throws {
    let found = try problems(
      """
      data: {source: shapes, sizes: {sft: 20, pref: \(count), val: 5, test: 300}}
      compose: {sequence: {3: 4}, grid: {4: 2}, pic_in_pic: {total: 0}}
      """, stages: [.compose])
    #expect(found.count == 2 && found[0].hasPrefix("run.yaml:2: compose.sequence: has 3, the pref split has"))
    #expect(found[1].hasPrefix("run.yaml:2: compose.grid: has 4, the pref split has"))
    #expect(found.allSatisfy { $0.contains("raise data.sizes.pref or drop") }, "\(found)")
  }

  /// Some questions have too few pictures beside them: the policy says whether that stops the run.
  @Test func someQuestionsWithTooFewPictures() throws {
    let yaml = """
      data: {source: shapes, sizes: {sft: 20, pref: 14, val: 5, test: 300}}
      compose: {sequence: {5: 14}, grid: {4: 0}, pic_in_pic: {total: 0}}
      """
    let found = try problems(yaml, stages: [.compose])
    #expect(
      found.count == 1
        && found[0].contains(
          #/^run\.yaml:2: compose\.sequence: has 5, and for \d+ of 14 questions of the pref split fewer .* record \S+ \(data source shapes\), question ".*": \d of 4; .*run\.on_bad_record: skip$/#
        ), "\(found)")
    #expect(try problems(yaml + "\nrun: {on_bad_record: skip}", stages: [.compose]).isEmpty)
  }

  @Test(arguments: [
    ("chosen_length_max: 1", "has 1, and the shortest answer of the pref split has"),
    ("edit_distance_min: 100000000", "and answers of select.max_new_tokens"),
    ("chosen_length_max: 511", ""), ("edit_distance_min: 3", ""),
    ("chosen_length_max: 1, post_selection: false", ""), ("chosen_length_max: 1, chosen: model", ""),
  ])
  func boundsWithoutAnyPair(_ setting: String, _ words: String) throws {
    let found = try problems(
      """
      data: {source: shapes, sizes: {sft: 20, pref: 200, val: 5, test: 300}}
      select: {\(setting)}
      """, stages: [.select])
    if words.isEmpty {
      #expect(found.isEmpty, "\(found)")
    } else {
      #expect(found.count == 1 && found[0].hasPrefix("run.yaml:2: select."), "\(found)")
      #expect(found[0].contains(words), "\(found)")
    }
  }

  @Test func ballastThatNothingIsMadeOf() throws {
    let found = try problems(
      """
      data: {source: shapes, sizes: {sft: 20, pref: 300, val: 5, test: 300}}
      train: {ballast_per_step: 4, ballast_kinds: [single], gamma: 1}
      """, stages: [.train])
    #expect(
      found == [
        "run.yaml:2: train.ballast_kinds: has single, of which compose makes none; raise compose.single or name another kind"
      ])
  }

  @Test func enoughIsNoProblem() throws {
    #expect(
      try problems(
        """
        data: {source: shapes, sizes: {sft: 20, pref: 300, val: 5, test: 300}}
        compose: {sequence: {total: 40}, grid: {total: 20}}
        evaluate: {questions: 20}
        """
      ).isEmpty)
  }

  @Test func whatIsWorthAWord() throws {
    let configuration = try configuration(
      """
      data: {source: shapes, sizes: {sft: 20, pref: 100, val: 5, test: 50}}
      sft: {per_device_train_batch_size: 32}
      compose: {single: 500, sequence: {total: 4000}}
      evaluate: {questions: 100}
      """)
    let check = RunCheck(configuration, source: try configuration.questionSource())
    #expect(check.records == "shapes: 175 records: sft 20, pref 100, val 5, test 50")
    #expect(
      check.remarks().map { String($0.prefix { $0 != "," }) } == [
        "run.yaml:2: sft.per_device_train_batch_size: has 32", "run.yaml:3: compose: asks for 6800 prompts",
        "run.yaml:3: compose.single: has 500", "run.yaml:4: evaluate.questions: has 100",
      ])
  }

  @Test(arguments: [
    ("train: {attention_threshold: 0.9}", "train.attention_threshold", "train.attention_weight is 0"),
    ("train: {attention_layer: 1}", "train.attention_layer", "train.attention_weight is 0"),
    ("train: {image_corruption: noise}", "train.image_corruption", "train.image_weight is 0"),
    ("train: {ballast_kinds: [single]}", "train.ballast_kinds", "train.ballast_per_step is 0"),
    ("train: {lora_r: 8}", "train.lora_r", "train.adapter is none"),
    ("train: {lora_alpha: 8}", "train.lora_alpha", "train.adapter is none"),
    ("train: {lora_target: [q_proj]}", "train.lora_target", "train.adapter is none"),
    ("train: {num_train_epochs: 2, max_steps: 5}", "train.num_train_epochs", "train.max_steps is 5"),
    ("select: {threshold_quantile: 0.5}", "select.threshold_quantile", "select.threshold_rule is table"),
  ])
  func aKeyThatNothingReadsIsTold(yaml: String, key: String, reason: String) throws {
    let configuration = try self.configuration(yaml)
    let remarks = RunCheck(configuration, source: try configuration.questionSource(), stages: Stage.allCases)
      .remarks()
    #expect(remarks.contains { $0.contains("\(key): has ") && $0.hasSuffix(reason) }, "\(remarks)")
    let usual = try self.configuration("{}")
    #expect(
      RunCheck(usual, source: try usual.questionSource(), stages: Stage.allCases).remarks()
        .allSatisfy { !$0.contains("nothing reads") })
  }

  @Test func memoryAndDiskAreNamedWithNumbers() throws {
    var huge = RunConfiguration()
    huge.model.textConfig.hiddenSize = 65_536
    huge.model.textConfig.intermediateSize = 262_144
    huge.model.textConfig.numHiddenLayers = 400
    let found = RunCheck(huge, source: try huge.questionSource()).resourceProblems().map(\.description)
    #expect(found.count == 2)
    #expect(
      found[0].contains(
        #/^train\.per_device_train_batch_size: about \d+ MiB of memory are needed \(estimate\), \d+ MiB are free; /#
      ),
      "\(found)")
    #expect(
      found[1].contains(
        #/^run\.output_dir: runs\/run: about \d+ MiB of disk are needed \(estimate\), \d+ MiB are free; /#),
      "\(found)")
    let small = RunConfiguration()
    #expect(RunCheck(small, source: try small.questionSource()).resourceProblems().isEmpty)
  }
}

/// Which picture files can be read is found out by reading them, once.
@Suite struct PictureCheckTests {
  @Test func everyFileIsDecoded() throws {
    let folder = try TemporaryFolder()
    let picture = RGBImage(width: 30, height: 20, colour: RGBColour(9, 90, 200))
    let jpeg = try picture.jpegBytes()
    let files: [(String, [UInt8], String?)] = [
      ("good.png", try picture.pngBytes(), nil), ("good.jpg", jpeg, nil),
      ("cut.jpg", Array(jpeg.prefix(300)), "image is cut short"),
      ("cut.png", Array(try picture.pngBytes().dropLast(20)), "image is cut short"),
      (
        "gif.jpg", Array("GIF89a\u{1}\0\u{1}\0".utf8),
        "is a GIF, which is not read; convert it to PNG, JPEG or WebP"
      ),
      ("a.webp", Array("RIFF\u{1}\0\0\0WEBPVP8 ".utf8), "image is damaged: WebP: its chunks"),
      ("a.bmp", Array("BM123456789012".utf8), "is a BMP"),
      ("a.tiff", Array("II*\0abcdefgh".utf8), "is a TIFF"),
      ("a.avif", Array("\0\0\0\u{1C}ftypavif1234".utf8), "is a AVIF"),
      ("a.heic", Array("\0\0\0\u{1C}ftypheic1234".utf8), "is a HEIC"),
      ("lfs.jpg", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "Git LFS pointer"),
      ("page.jpg", Array("<!DOCTYPE html><html>".utf8), "is a HTML page"),
      ("empty.png", [], "not an image: expected a PNG, JPEG or WebP, found an empty file"),
    ]
    for (name, bytes, _) in files { try folder.write(bytes, to: name) }
    let paths = files.map { folder.path + "/" + $0.0 } + [folder.path + "/none.png", folder.path]
    let found = try PictureCheck().problems(of: paths)
    for (name, _, expected) in files {
      let problem = found[folder.path + "/" + name]
      if let expected {
        #expect(problem?.contains(expected) == true, "\(name): \(problem ?? "nothing")")
      } else {
        #expect(problem == nil)
      }
    }
    #expect(found[folder.path + "/none.png"]?.hasSuffix(": no such image file") == true)
    #expect(found[folder.path]?.contains("it is a folder") == true)
  }

  /// A file is read again when it has changed, and only then.
  @Test func whatWasReadIsRemembered() throws {
    let folder = try TemporaryFolder()
    let bytes = try RGBImage(width: 3, height: 2, colour: .white).pngBytes()
    let path = try folder.write(bytes, to: "a.png")
    let first = PictureCheck(remembering: folder.url)
    #expect(try first.problems(of: [path]).isEmpty)
    try first.remember(in: folder.url)
    let list = folder.url.appendingPathComponent("checked-pictures.txt")
    #expect(try String(contentsOf: list, encoding: .utf8).contains(path))
    // A limit of no file at all: what is remembered needs none.
    #expect(try PictureCheck(most: 0, remembering: folder.url).problems(of: [path]).isEmpty)
    try folder.write(Array(bytes.dropLast(20)), to: "a.png")
    #expect(try PictureCheck(remembering: folder.url).problems(of: [path]).count == 1)
    // A damaged list is not believed.
    try first.remember(in: folder.url)
    let text = try String(contentsOf: list, encoding: .utf8)
    let cut = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    try Data(text.replacing("\n\(bytes.count) ", with: "\n\(cut) ").utf8).write(to: list)
    #expect(try PictureCheck(remembering: folder.url).problems(of: [path]).count == 1)
  }
}
