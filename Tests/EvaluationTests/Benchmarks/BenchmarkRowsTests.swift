import Evaluation
import Foundation
import LVLM
import Records
import TestSupport
import Testing

@Suite struct BenchmarkRowsTests {
  private static let files = [
    "MMMU_DEV_VAL": "MMMU", "BLINK": "BLINK", "Mantis_Eval": "Mantis-Eval", "NLVR2": "NLVR2",
    "MVBench": "MVBench",
    "MMStar": "MMStar", "ScienceQA_TEST": "ScienceQA", "MMVet": "MMVet", "POPE": "POPE",
    "MMBench_DEV_EN": "MMBench",
    "MathVista_MINI": "MathVista", "AI2D_TEST": "AI2D",
  ]

  private func read(_ path: String, _ preset: BenchmarkPreset, text: Bool = true) throws -> BenchmarkRows {
    try BenchmarkRows(
      TSVFile(contentsOf: path), preset: preset, imageRoot: nil, asksTextRows: text, limit: nil)
  }

  @Test func everyPresetReadsItsFile() throws {
    for (file, name) in Self.files {
      let path = Fixtures.url("benchmarks/\(file).tsv").path
      let preset = try #require(BenchmarkPreset(inferredFrom: path))
      #expect(preset.name == name)
      let rows = try read(path, preset)
      #expect(rows.problems.isEmpty && rows.rows.count > 1, "\(file): \(rows.problems)")
      #expect(rows.rows.allSatisfy { $0.reference != nil })
      #expect(try BenchmarkPictures(rows: rows).problems { _ in }.isEmpty)
    }
    #expect(Set(Self.files.values).count + 3 == BenchmarkPreset.all.count)
    #expect(BenchmarkPreset(inferredFrom: "x/MMVet_Hard.tsv")?.name == "MMVet")
    #expect(BenchmarkPreset(inferredFrom: "x/mme.tsv")?.name == "yes-no")
    #expect(BenchmarkPreset(inferredFrom: "x/questions.tsv") == nil)
    #expect(BenchmarkPreset(named: "mmbench")?.name == "MMBench")
  }

  /// What VLMEvalKit's `build_prompt` gives for the same rows, images as its LLaVA model writes them.
  @Test func promptsAreVLMEvalKits() throws {
    let data = try Data(contentsOf: Fixtures.url("benchmarks/prompts.json"))
    let expected = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    #expect(expected.count == 37)
    for item in expected {
      let file = try #require(item["file"] as? String)
      let preset = try #require(BenchmarkPreset(inferredFrom: file))
      let rows = try read(Fixtures.url("benchmarks/\(file)").path, preset)
      let row = rows.rows[try #require(item["row"] as? Int)]
      for form in BenchmarkPrompt.Form.allCases {
        guard let text = item[form.rawValue] as? String else { continue }
        let prompt = try BenchmarkPrompt(row, form: form, suffix: "", marksImages: preset.marksImages)
        // A row of Mantis-Eval has marks of its own, in the place of those in front.
        let marks =
          row.question.contains("<image> ")
          ? text.replacing("  <image>  <image> ".dropFirst(), with: "") : text
        #expect(prompt.text == marks, "\(file) \(row.index) \(form)")
        #expect(
          prompt.text.split(separator: "<image>", omittingEmptySubsequences: false).count == prompt.pictures
            .count + 1)
      }
    }
  }

  @Test func picturesOfMarksAndReferences() throws {
    let preset = try #require(BenchmarkPreset(named: "MMMU"))
    let rows = try read(Fixtures.url("benchmarks/MMMU_DEV_VAL.tsv").path, preset).rows
    let prompt = try BenchmarkPrompt(rows[1], form: .llava, suffix: "", marksImages: true)
    // Options name pictures too.
    #expect(prompt.pictures == [0, 1, 0, 1])
    #expect(rows[2].options.isEmpty)
    let circular = try #require(BenchmarkPreset(named: "MMBench"))
    let turned = try read(Fixtures.url("benchmarks/MMBench_DEV_EN.tsv").path, circular).rows
    #expect(turned[1].images == turned[0].images && turned[4].images != turned[0].images)
    #expect(turned[7].circularGroup == 1)
  }

  @Test func rowsWithoutPictures() throws {
    let preset = try #require(BenchmarkPreset(named: "ScienceQA"))
    let path = Fixtures.url("benchmarks/ScienceQA_TEST.tsv").path
    #expect(try read(path, preset).rows.count == 2)
    let pictured = try read(path, preset, text: false)
    #expect(pictured.rows.count == 1 && pictured.leftOut == 1)
    #expect(pictured.rows[0].hint == "A tomato \"ripens\"\nin the sun.")
  }

  /// VLMEvalKit#677: an option may be called `None`, and it may be the right one.
  @Test func wordsThatPandasTakesForNothingAreWords() throws {
    let picture = try Data(contentsOf: Fixtures.url("benchmarks/frames/0.png")).base64EncodedString()
    let folder = try TemporaryFolder()
    let words = ["None", "nan", "NaN", "null", "NULL", "NA", "N/A", "n/a", "<NA>", "#N/A"]
    var lines = ["index\timage\tquestion\tA\tB\tC\tD\tanswer"]
    for (index, word) in words.enumerated() {
      lines.append("\(index)\t\(index == 0 ? picture : "0")\tWhich?\tx\ty\tz\t\(word)\tD")
    }
    lines.append("\(words.count)\t0\tnull\tx\ty\t\t\tA")
    let path = try folder.write(lines.joined(separator: "\n"), to: "x.tsv")
    let rows = try read(path, try #require(BenchmarkPreset(named: "choice")))
    #expect(rows.problems.isEmpty, "\(rows.problems)")
    #expect(rows.rows.prefix(words.count).map { $0.options.last?.text } == words)
    #expect(rows.rows.prefix(words.count).allSatisfy { $0.options.count == 4 && $0.reference?.text == "D" })
    // An empty cell is no option, and a question is what it says.
    #expect(rows.rows.last?.options.count == 2 && rows.rows.last?.question == "null")
  }

  @Test func badRowsAreNamed() throws {
    let picture = try Data(contentsOf: Fixtures.url("benchmarks/frames/0.png")).base64EncodedString()
    let folder = try TemporaryFolder()
    let broken = picture.prefix(70) + "?" + picture.dropFirst(71)
    let short = Data([UInt8](try Data(contentsOf: Fixtures.url("benchmarks/frames/0.png"))).prefix(60))
      .base64EncodedString()
    let lines = [
      "index\timage\timage_path\tquestion\tA\tB\tanswer", "0\t\(picture)\t\tq\tx\ty\tA",
      "1\t\(broken)\t\tq\tx\ty\tA",
      "2\t7\t\tq\tx\ty\tA", "3\t4\t\tq\tx\ty\tA", "4\t3\t\tq\tx\ty\tA", "5\t0\t\tq\tx\ty\tC",
      "0\t\(picture)\t\tq\tx\ty\tA",
      "7\t\tnone.png\tq\tx\ty\tA", "8\t0\t\tq\t\t\tA", "9\t\(short)\t\tq\tx\ty\tA", "10\t0\t\t\tx\ty\tA",
      "11\t0\t\tq\tx\ty\t",
      "12\t0\t\tq\tx\t\tB", "\t0\t\tq\tx\ty\tA", "14\t0\t\tq\tx\ty\tB", "15\t0",
    ]
    let path = try folder.write(lines.joined(separator: "\n"), to: "x.tsv")
    var rows = try read(path, try #require(BenchmarkPreset(named: "choice")))
    rows.leaveOut(try BenchmarkPictures(rows: rows).problems { _ in })
    #expect(rows.rows.map(\.index) == ["0", "14"])
    let expected = [
      "\(path):3: record 1 (row 2): column image: found \"?\" at character 71 of the picture, expected base64",
      "\(path):4: record 2 (row 3): column image: found index 7, whose row 8 holds nothing, expected the index of a row that holds a picture itself",
      "\(path):5: record 3 (row 4): column image: found index 4, whose row 5 holds \"3\", expected the index of a row that holds a picture itself",
      "\(path):6: record 4 (row 5): column image: found index 3, whose row 4 holds \"4\", expected the index of a row that holds a picture itself",
      "\(path):7: record 5 (row 6): column answer: found \"C\", expected one of the row's options: A \"x\", B \"y\"",
      "\(path):8: record 0 (row 7): column index: found an index that row 1 has too, expected another one",
      "\(path):9: record 7 (row 8): column image_path: found no file \(folder.path)/none.png, expected a picture (--image-root is where paths start)",
      "\(path):10: record 8 (row 9): column A: found nothing, expected an option",
      "\(path):11: record 9 (row 10): column image: found the picture: image is cut short",
      "\(path):12: record 10 (row 11): column question: found nothing, expected a question",
      "\(path):13: record 11 (row 12): column answer: found nothing, expected an answer",
      "\(path):14: record 12 (row 13): column answer: found \"B\", expected one of the row's options: A \"x\"",
      "\(path):15: record (row 14): column index: found nothing, expected an index",
      "\(path):17: record (row 16): found 2 cells, expected 7 as in the header",
    ]
    #expect(rows.problems.count == expected.count)
    for (found, wanted) in zip(rows.problems, expected) { #expect(found.description.hasPrefix(wanted)) }
  }

  @Test func missingColumns() throws {
    let folder = try TemporaryFolder()
    for (header, preset, missing) in [
      ("index\tquestion\tA\tanswer", "choice", "image or image_path"),
      ("image\tquestion\tA", "choice", "index"),
      ("index\timage\tquestion", "choice", "A"), ("index\timage\tquestion", "MVBench", "candidates"),
      ("index\timage\tquestion\tanswer", "MathVista", "question_type"),
      ("index\timage\tA", "open", "question"),
    ] {
      let path = try folder.write(header + "\n", to: "x.tsv")
      let preset = try #require(BenchmarkPreset(named: preset))
      let found = header.replacing("\t", with: ", ")
      #expect(
        message { _ = try read(path, preset) }
          == "\(path): found no column \(missing) among \(found), expected it in the header")
    }
  }
}
