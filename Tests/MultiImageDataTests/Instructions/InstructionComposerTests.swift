import Foundation
import LVLM
import MultiImageData
import Records
import TestSupport
import Testing

@Suite struct InstructionComposerTests {
  /// Records of two turns about 30 pictures of `coco`, 30 of `gqa` and 6 of `vg`, some pictures used twice.
  private func pool(_ folder: TemporaryFolder, step: Int = 1) throws -> InstructionPool {
    var lines: [String] = []
    for (source, count) in [("coco", 30), ("gqa", 30), ("vg", 6)] {
      for number in 0..<count {
        let image = "\(source)/\(number % 25).png"
        let side = 20 + number
        try folder.write(
          try RGBImage(width: side, height: 30, colour: RGBColour(UInt8(number * 8), 200, 10)).pngBytes(),
          to: image)
        let second = number == 3 ? "Where? [0.1, 0.25,0.5 , 1]" : "Why is it so?"
        lines.append(
          #"{"id": "\#(source)-\#(number)", "image": "\#(image)", "conversations": [{"from": "human", "value": "What is in the picture?\n<image>"}, {"from": "gpt", "value": "A thing."}, {"from": "human", "value": "\#(second)"}, {"from": "gpt", "value": "Because."}], "extra": 1}"#
        )
      }
    }
    lines.append(
      #"{"id": "text", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}"#)
    return try InstructionPool(
      path: folder.write(lines.joined(separator: "\n"), to: "llava.jsonl"), imageFolder: folder.path,
      step: step)
  }

  @Test func sequencesByTheRulesOfTheNotebooks() throws {
    let folder = try TemporaryFolder()
    let pool = try pool(folder)
    #expect(pool.entries.count == 66 && pool.otherRecords == 1 && pool.sources == ["coco", "gqa", "vg"])
    let composer = InstructionComposer(pool: pool, seed: 3)
    #expect(composer.entries(for: .sequence).count == 66)
    var counts: [Int: Int] = [:]
    for index in pool.entries.indices {
      let entry = pool.entries[index]
      let made = try composer.instruction(.sequence, entry: index, path: "")
      let count = made.sources.count
      if entry.source == "coco" { counts[count, default: 0] += 1 }
      #expect(made.sources[made.target - 1] == entry.image)
      #expect(made.sources.firstIndex(of: entry.image) == made.target - 1)
      #expect(made.sources.allSatisfy { $0.hasPrefix(entry.source + "/") })
      #expect(made.picture == nil && made.json[key: "image"] == .array(made.sources.map(OrderedJSON.string)))
      #expect(made.json[key: "extra"] == .integer(1) && made.json[key: "id"]?.text == entry.id)
      guard case .array(let turns)? = made.json[key: "conversations"] else { continue }
      let block = (1...count).map { "Image\($0):<image>\n" }.joined()
      #expect(
        turns[0][key: "value"]?.text == block + "In Image\(made.target), what is in the picture?\n")
      let later = entry.rank == 3 ? "where? [0.1, 0.25,0.5 , 1]" : "why is it so?"
      #expect(turns[2][key: "value"]?.text == "In image\(made.target), \(later)")
      #expect(turns[1][key: "value"]?.text == "A thing." && turns[3][key: "value"]?.text == "Because.")
    }
    #expect(counts == [2: 17, 3: 5, 4: 5, 5: 3])
  }

  @Test func gridsAndPicturesInPictures() throws {
    let folder = try TemporaryFolder()
    let pool = try pool(folder)
    let composer = InstructionComposer(pool: pool, seed: 3, innerScale: 0.5)
    // No vg, no coco with a box; gqa may have one.
    let entries = composer.entries(for: .grid)
    #expect(entries.count == 59 && !entries.contains(3) && entries.contains(33))
    #expect(composer.entries(for: .pictureInPicture) == entries)
    for index in [0, 20, 29, 33] {
      let made = try composer.instruction(.grid, entry: index, path: "grid/x.jpg")
      let geometry = try #require(GridGeometry(count: made.sources.count, cell: 448))
      let picture = try #require(made.picture)
      #expect(picture.width == geometry.width && picture.height == geometry.height)
      let corner = geometry.region(made.target)
      let target = try RGBImage(contentsOf: folder.path + "/" + pool.entries[index].image)
      #expect(picture[corner.x, corner.y] == target[0, 0])
      #expect(made.json[key: "image"] == .array([.string("grid/x.jpg")]))
      #expect(made.json[key: "image_list"] == .array(made.sources.map(OrderedJSON.string)))
      let text = made.json[key: "conversations"].flatMap { $0[0]?[key: "value"]?.text }
      #expect(text == "<image>\nIn Image\(made.target), what is in the picture?\n")
    }
    let made = try composer.instruction(.pictureInPicture, entry: 5, path: "p.jpg")
    #expect(made.target == 1 && made.sources[0] == pool.entries[5].image && made.sources.count == 2)
    let (outer, picture) = (
      try RGBImage(contentsOf: folder.path + "/" + made.sources[1]), try #require(made.picture)
    )
    #expect(picture.width == outer.width && picture.height == outer.height)
    let inner = try RGBImage(contentsOf: folder.path + "/" + made.sources[0])
    #expect(picture[picture.width / 2, picture.height / 2] == inner[0, 0])
    let turns = try #require(made.json[key: "conversations"])
    let first = try #require(turns[0]?[key: "value"]?.text)
    let later = try #require(turns[2]?[key: "value"]?.text)
    let phrases = PromptRewriting.centrePhrases
    #expect(phrases.contains { first == "<image>\n\($0), what is in the picture?\n" })
    #expect(phrases.contains { later == "\($0), why is it so?" })
  }

  @Test func gridsThatAskAboutSeveralImages() throws {
    let folder = try TemporaryFolder()
    let pool = try pool(folder)
    let composer = InstructionComposer(pool: pool, seed: 3)
    // 59 usable samples: 19, 10, 10, 6 and 6 of them in grids of 1, 2, 2, 3 and 3 targets.
    let groups = composer.groups()
    #expect(
      groups.map(\.targets.count) == [Int](repeating: 1, count: 19) + [
        2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3,
      ])
    #expect(groups.map(\.companions).suffix(14) == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 6, 6])
    let targets = groups.flatMap(\.targets)
    #expect(Set(targets).count == targets.count && Set(targets).isSubset(of: composer.entries(for: .grid)))
    let number = groups.count - 1
    let made = try composer.instruction(groups[number], number: number, path: "g.jpg")
    let entries = groups[number].targets.map { pool.entries[$0] }
    #expect(made.sources.count == 9 && made.picture?.width == 1424 && made.picture?.height == 1464)
    #expect(made.json[key: "id"]?.text == entries.map(\.id).joined(separator: "_"))
    let turns = try #require(made.json[key: "conversations"])
    for (index, entry) in entries.enumerated() {
      let place = try #require(made.sources.firstIndex(of: entry.image)) + 1
      let first = index == 0 ? "<image>\nIn Image" : "In image"
      #expect(turns[4 * index]?[key: "value"]?.text == "\(first)\(place), what is in the picture?\n")
      #expect(turns[4 * index + 2]?[key: "value"]?.text?.hasPrefix("In image\(place), wh") == true)
      #expect(turns[4 * index + 1]?[key: "value"]?.text == "A thing.")
    }
    let again = try composer.instruction(groups[number], number: number, path: "g.jpg")
    #expect(again.json == made.json && again.picture == made.picture)
    let folderOfGroups = folder.url.appendingPathComponent("out")
    let count = try InstructionWriter(composer: composer, folder: folderOfGroups).writeGroups(limit: 5)
    let found = try RecordInspection(
      path: folder.path + "/out/grid_groups.json", imageFolder: folder.path + "/out")
    #expect(count == 5 && found.problemCount == 0 && found.kinds == [.grid: [1: 5]])
  }

  @Test func everyTenthAndTooFewCompanions() throws {
    let folder = try TemporaryFolder()
    let some = try pool(folder, step: 10)
    #expect(some.entries.map(\.id) == ["coco-9", "coco-19", "coco-29", "gqa-9", "gqa-19", "gqa-29"])
    #expect(some.entries.map(\.rank) == [0, 1, 2, 0, 1, 2])
    let few = try pool(folder, step: 30)
    let composer = InstructionComposer(pool: few, seed: 0)
    #expect(
      message { _ = try composer.instruction(.sequence, entry: 0, path: "") }
        .replacing(folder.path, with: "D")
        == "D/llava.jsonl:30: record coco-29: found 0 other images of coco, expected at least 1")
  }

  @Test func theSameSeedGivesTheSameBytes() throws {
    let folder = try TemporaryFolder()
    let pool = try pool(folder)
    func write(_ seed: UInt64, _ format: PictureFormat, to name: String) throws -> [String: Data] {
      let target = folder.url.appendingPathComponent(name)
      let writer = InstructionWriter(
        composer: InstructionComposer(pool: pool, seed: seed), folder: target, format: format)
      for kind in CompositionKind.allCases { try writer.write(kind, limit: 40) }
      var files: [String: Data] = [:]
      for path in try FileManager.default.subpathsOfDirectory(atPath: target.path) where path.contains(".") {
        files[path] = try Data(contentsOf: target.appendingPathComponent(path))
      }
      return files
    }
    let first = try write(1, .jpeg, to: "a")
    #expect(first.count == 3 * 3 + 2 * 40 && first["grid/000000.jpg"] != nil)
    #expect(try write(1, .jpeg, to: "b") == first)
    #expect(try write(2, .jpeg, to: "c") != first)
    let png = try write(1, .png, to: "d")
    #expect(png["pic_in_pic/000000.png"] != nil && png["sequence.json"] == first["sequence.json"])
    let inspected = try RecordInspection(path: folder.path + "/a/grid.json", imageFolder: folder.path + "/a")
    #expect(inspected.problemCount == 0 && inspected.kinds == [.grid: [1: 40]])
  }

  /// What a run takes of them says what the conversations say, and where the target is.
  @Test func promptsOfARun() throws {
    let folder = try TemporaryFolder()
    let composer = InstructionComposer(pool: try pool(folder), seed: 1)
    let target = folder.url.appendingPathComponent("out")
    let writer = InstructionWriter(composer: composer, folder: target, format: .png)
    for kind in CompositionKind.allCases {
      try writer.write(kind, limit: 30)
      let prompts = try ComposedRecordFile.read(target.appendingPathComponent(kind.rawValue + ".jsonl"))
      let records = try RecordFile(contentsOf: target.path + "/\(kind.rawValue).json").records
      #expect(prompts.count == 30 && Set(prompts.map(\.id)).count == 30)
      for (prompt, record) in zip(prompts, records) {
        let turns = try #require(record[key: "conversations"])
        #expect(prompt.kind == kind && prompt.prompt == turns[0]?[key: "value"]?.text)
        #expect(prompt.answer == turns[1]?[key: "value"]?.text)
        if kind != .pictureInPicture { #expect(PromptRewriting.target(in: prompt.prompt) == prompt.target) }
        let pictures = try ComposedRecordFile.pictures(of: prompt, in: target)
        guard let layout = prompt.layout else {
          #expect(kind == .sequence && pictures.count == prompt.count)
          continue
        }
        #expect(pictures[0].width == layout.width && pictures[0].height == layout.height)
        #expect(layout.region.x + layout.region.width <= layout.width && layout.region.width > 0)
      }
    }
  }

  @Test func boxes() throws {
    let folder = try TemporaryFolder()
    try folder.write(try RGBImage(width: 2, height: 2, colour: .black).pngBytes(), to: "coco/a.png")
    for (text, expected) in [
      ("[0.1,0.2,0.3,0.4]", true), ("x [ 1 , 2.5,3, 4 ] y", true), ("[1,2,3]", false), ("[1,2,3,4,5]", false),
      ("[.1,.2,.3,.4]", false), ("[[1,2,3,4]", true), ("[1, 2, 3, x]", false), ("[1", false),
      ("é [0.1, 1., 2, 3]", false),
    ] {
      let line =
        #"{"image": "coco/a.png", "conversations": [{"from": "human", "value": "<image>q"}, {"from": "gpt", "value": "\#(text)"}]}"#
      let pool = try InstructionPool(path: folder.write(line, to: "x.jsonl"), imageFolder: folder.path)
      #expect(pool.entries[0].hasBox == expected, "\(text)")
    }
  }
}

extension OrderedJSON {
  fileprivate subscript(index: Int) -> OrderedJSON? {
    guard case .array(let values) = self, values.indices.contains(index) else { return nil }
    return values[index]
  }
}
