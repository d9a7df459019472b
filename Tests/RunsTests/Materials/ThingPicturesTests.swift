import Foundation
import LVLM
import MultiImageData
import Records
import Runs
import TestData
import TestSupport
import Testing

@Suite struct ThingPicturesTests {
  @Test func emojiHaveTheirNameKindAndColour() throws {
    let folder = try TemporaryFolder()
    let (font, names) = try SmallFont.write(to: folder)
    let source = try ThingPictures.emoji(font: font, names: names, seed: 3, size: 24, limits: [.sft: 300])
    #expect(DataSplit.allCases.reduce(0) { $0 + source.pictureCount(of: $1) } == 60)
    #expect(source.count(of: .sft) == 300 && source.count(of: .test) == source.pictureCount(of: .test))
    var families = Set<String>()
    var pictures: [DataSplit: Set<String>] = [:]
    for split in DataSplit.allCases {
      for index in 0..<source.count(of: split) {
        let record = source.record(split, index)
        let id = try #require(record.image.path.split(separator: "/").last?.split(separator: "-").first)
        let number = try #require(Int(id, radix: 16)) - 0x1F400
        pictures[split, default: []].insert(String(id))
        families.insert(record.family)
        #expect(source.answer(to: record.question, about: record.image) == record.answer)
        let kind = number % 2 == 0 ? "An animal or plant." : "Food or drink."
        switch record.family {
        case "name": #expect(record.answer == "Thing \(number)." && split == .sft)
        case "kind": #expect(record.answer == kind)
        case "color": #expect(record.answer == ["Red.", "Blue.", "Green."][number % 3])
        default: #expect(["Yes.", "No."].contains(record.answer))
        }
        let yes = source.answer(to: "Is this food or drink?", about: record.image) == "Yes."
        #expect(yes == (kind == "Food or drink."))
      }
    }
    #expect(families == Set(source.families))
    #expect(pictures.values.reduce(0) { $0 + $1.count } == 60, "a picture is in one split only")
    // The list has all animals before all food; the records have not.
    let kinds = (0..<8).map { source.answer(to: "Is this food or drink?", about: source.image(.sft, $0)) }
    #expect(Set(kinds) == ["Yes.", "No."])
    #expect(source.answer(to: "Who is this?", about: source.image(.sft, 0)) == nil)
  }

  @Test func picturesMoveOnAWhiteGround() throws {
    let folder = try TemporaryFolder()
    let (font, names) = try SmallFont.write(to: folder)
    let source = try ThingPictures.emoji(font: font, names: names, seed: 3, size: 32, limits: [.sft: 400])
    let first = source.image(.sft, 0)
    let again = source.image(.sft, source.pictureCount(of: .sft))
    #expect(first.path != again.path)
    #expect(first.path.split(separator: "-").first == again.path.split(separator: "-").first)
    let (one, other) = (try source.image(for: first), try source.image(for: again))
    #expect(one != other && one.width == 32 && one.height == 32)
    #expect(try source.image(for: first) == one)
    #expect(!source.isCompanion(again, of: source.record(.sft, 0)), "the same thing gives the same answer")
    for picture in [one, other] {
      #expect([picture[0, 0], picture[31, 31]].contains(.white))
      #expect(picture.pixels.count { $0 < 100 } > 100)
    }
  }

  @Test(arguments: [1, 3]) func indexTables(_ format: Int) throws {
    let folder = try TemporaryFolder()
    let (_, names) = try SmallFont.write(to: folder)
    let png = try RGBImage(width: 4, height: 4, colour: RGBColour(200, 0, 0)).pngBytes()
    let font = try folder.write(
      SmallFont.bytes([(0x1F400, png), (0x1F404, png)], format: format), to: "two.ttf")
    let source = try ThingPictures.emoji(font: font, names: names, seed: 1, size: 8)
    #expect(DataSplit.allCases.reduce(0) { $0 + source.pictureCount(of: $1) } == 2)
    #expect(source.omissions == ["\(font): no picture for 58 of 60 emoji"])
  }

  /// A damaged font is an error or has fewer or other pictures; it never stops the program.
  @Test func damagedFonts() throws {
    let folder = try TemporaryFolder()
    let (_, names) = try SmallFont.write(to: folder)
    let png = try RGBImage(width: 4, height: 4, colour: RGBColour(200, 0, 0)).pngBytes()
    let whole = SmallFont.bytes([(0x1F400, png), (0x1F404, png)])
    func problem(_ bytes: [UInt8]) throws -> String {
      let font = try folder.write(bytes, to: "bad.ttf")
      return message { _ = try ThingPictures.emoji(font: font, names: names, seed: 1, size: 8) }
        .replacing(folder.path, with: "DIR")
    }
    #expect(try problem(whole).isEmpty)
    for length in stride(from: 0, to: whole.count, by: 7) {
      #expect(try problem(Array(whole[..<length])).hasPrefix("DIR/bad.ttf: "))
    }
    let tables = 0..<whole.count - 2 * png.count
    for place in tables {
      for value in [UInt8(0), 0xFF] {
        var bytes = whole
        bytes[place] = value
        let text = try problem(bytes)
        #expect(text.isEmpty || text.hasPrefix("DIR/bad.ttf: "), "byte \(place): \(text)")
      }
    }
    #expect(try problem(Array("no font at all".utf8)).contains("is not an OpenType font"))
    #expect(try problem(SmallFont.bytes([(0x41, png)])).contains("has a picture for none of the 60 emoji"))
    var other = whole
    other.replaceSubrange(12..<16, with: Array("glyf".utf8))
    #expect(try problem(other).contains("found the tables CBLC cmap glyf, expected cmap, CBLC and CBDT"))
  }

  @Test func badEmojiLists() throws {
    let folder = try TemporaryFolder()
    let (font, _) = try SmallFont.write(to: folder)
    func problem(_ text: String) throws -> String {
      let names = try folder.write(text, to: "names.txt")
      return message { _ = try ThingPictures.emoji(font: font, names: names, seed: 1, size: 8) }
        .replacing(folder.path, with: "DIR")
    }
    let group = "# group: Objects\n"
    #expect(try problem("") == "DIR/names.txt: lists no fully-qualified emoji")
    #expect(
      try problem(group + "XYZ ; fully-qualified # ☺ E1.0 x").hasPrefix("DIR/names.txt:2: found no code"))
    #expect(
      try problem(group + "D800 ; fully-qualified # ☺ E1.0 x").hasPrefix("DIR/names.txt:2: found no code"))
    #expect(try problem(group + "1F400 ; fully-qualified # x").hasPrefix("DIR/names.txt:2: found no version"))
    #expect(try problem(group + "1F400 ; fully-qualified # ☺ E1.0 ").hasPrefix("DIR/names.txt:2: found no"))
    let missing = message {
      _ = try ThingPictures.emoji(font: font, names: folder.path + "/no.txt", seed: 1, size: 8)
    }
    #expect(
      missing.hasSuffix(
        "no such file; install it with: apt-get install -y --no-install-recommends "
          + "fonts-noto-color-emoji unicode-data"))
  }

  /// Stamps of three kinds, and files that are left out.
  private func stamps() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (index, kind) in ["animals/birds", "food", "vehicles", "symbols", "town/flags"].enumerated() {
      for number in 0..<8 {
        let picture = RGBImage(width: 10 + number, height: 12, colour: SmallFont.colours[index % 3])
        try folder.write(picture.pngBytes(), to: "\(kind)/n\(number).png")
        try folder.write("A \(kind) \(number).\nde.utf8=Etwas\n", to: "\(kind)/n\(number).txt")
      }
    }
    try folder.write(RGBImage(width: 3, height: 3, colour: .black).pngBytes(), to: "food/alone.png")
    try folder.write(RGBImage(width: 3, height: 3, colour: .black).pngBytes(), to: "food/n1_mirror.png")
    return folder
  }

  @Test func stampsHaveTheirCaption() throws {
    let folder = try stamps()
    let source = try ThingPictures.stamps(folder: folder.path, seed: 1, size: 16, limits: [.sft: 200])
    #expect(DataSplit.allCases.reduce(0) { $0 + source.pictureCount(of: $1) } == 24)
    #expect(source.omissions == ["\(folder.path): left out 1 pictures without caption"])
    let records = (0..<200).map { source.record(.sft, $0) }
    #expect(records.contains { $0.answer.hasPrefix("A animals/birds ") && $0.answer.hasSuffix(".") })
    #expect(!records.contains { $0.answer.hasSuffix("..") })
    #expect(
      Set(records.filter { $0.family == "kind" }.map(\.answer)).isSubset(
        of: ["An animal or plant.", "Food or drink.", "A place or vehicle."]))
  }

  @Test func badStamps() throws {
    let folder = try stamps()
    let missing = message { _ = try ThingPictures.stamps(folder: folder.path + "/no", seed: 1, size: 16) }
    #expect(
      missing.hasSuffix(
        "install it with: apt-get install -y --no-install-recommends "
          + "tuxpaint-stamps-default"))
    let picture = try folder.write([1, 2, 3], to: "food/n4.png")
    let broken = message { _ = try ThingPictures.stamps(folder: folder.path, seed: 1, size: 16) }
    #expect(broken.hasPrefix("\(picture): not an image"), "\(broken)")
    let skipped = try ThingPictures.stamps(folder: folder.path, seed: 1, size: 16, badRecords: .skip)
    #expect(DataSplit.allCases.reduce(0) { $0 + skipped.pictureCount(of: $1) } == 23)
    #expect(
      skipped.omissions.count == 2
        && skipped.omissions[1].hasPrefix("left out: \(picture): not an image"))
    let caption = try folder.write("\nde.utf8=x\n", to: "food/n5.txt")
    let foreign = try folder.write([0x41, 0xFF, 0x0A], to: "food/n6.txt")
    let expected = [
      "\(caption): its first line is empty, expected a caption", "\(foreign): is not text in UTF-8",
    ]
    let all = message { _ = try ThingPictures.stamps(folder: folder.path, seed: 1, size: 16) }
    #expect(expected.allSatisfy(all.contains) && all.contains("3 records cannot be used"), "\(all)")
    let collected = try ThingPictures.stamps(folder: folder.path, seed: 1, size: 16, badRecords: .collect)
    #expect(Array(collected.badRecords.map(\.description).prefix(2)) == expected)
    #expect(DataSplit.allCases.reduce(0) { $0 + collected.pictureCount(of: $1) } == 21)
    // A run's own policy, and nothing left.
    var configuration = RunConfiguration()
    configuration.data.source = .stamps
    configuration.data.path = folder.path
    #expect(throws: UnusableRecords.self) { try configuration.questionSource() }
    configuration.run.onBadRecord = .skip
    #expect(try configuration.questionSource().badRecords.count == 3)
    let ruined = try TemporaryFolder()
    for number in 0..<3 {
      try ruined.write([1, 2, 3], to: "food/n\(number).png")
      try ruined.write("A thing.\n", to: "food/n\(number).txt")
    }
    let nothing = message {
      _ = try ThingPictures.stamps(folder: ruined.path, seed: 1, size: 16, badRecords: .skip)
    }
    #expect(nothing.contains("none of its pictures can be used; the first of 3 problems: "), "\(nothing)")
    let other = try TemporaryFolder()
    let none = message { _ = try ThingPictures.stamps(folder: other.path, seed: 1, size: 16) }
    #expect(none.contains("has no PNG with a caption in any of animals, clothes, food"))
  }

  /// The font and the names as Debian installs them.
  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: ThingPictures.debianEmojiFont)
        && FileManager.default.fileExists(atPath: ThingPictures.debianEmojiNames),
      "needs fonts-noto-color-emoji and unicode-data: scripts/dependencies fonts-noto-color-emoji unicode-data"
    ))
  func debiansEmoji() throws {
    let source = try ThingPictures.emoji(seed: 1, size: 64)
    #expect(DataSplit.allCases.reduce(0) { $0 + source.pictureCount(of: $1) } > 800)
    let splits = DataSplit.allCases
    let tomato = try #require(
      splits.lazy.flatMap { split in (0..<source.count(of: split)).map { source.image(split, $0) } }
        .first { $0.path.contains("1f345-") })
    #expect(source.answer(to: "What is in the picture?", about: tomato) == "Tomato.")
    #expect(source.answer(to: "What is its main color?", about: tomato) == "Red.")
    #expect(source.answer(to: "What kind of thing is this?", about: tomato) == "Food or drink.")
  }
}
