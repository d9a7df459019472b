import Foundation
import LVLM
import MultiImageData
import TestData
import TestSupport
import Testing

@Suite struct FashionMNISTTests {
  @Test func readsASmallSet() throws {
    let folder = try SmallFashion.small()
    let source = try FashionMNIST(folder: folder.path, seed: 1)
    #expect(DataSplit.allCases.map { source.count(of: $0) } == [100, 30, 10, 30])
    #expect(source.label(.preference, 3) == 3)
    let picture = source.image(for: source.image(.sft, 2))
    #expect(picture.width == 28 && picture.height == 28)
    #expect(picture[3, 0] == RGBColour(6, 6, 6))
    #expect(source.image(.preference, 3).path == "fashion/train/00103.png")
    #expect(source.record(.test, 7).id == "fashion-t10k-00007")
    let limited = try FashionMNIST(folder: folder.path, seed: 1, limits: [.sft: 12])
    #expect(limited.count(of: .sft) == 12 && limited.record(.sft, 11) == source.record(.sft, 11))
  }

  @Test func everyRecordAnswersItsQuestion() throws {
    let folder = try SmallFashion.small()
    let source = try FashionMNIST(folder: folder.path, seed: 3)
    for index in 0..<100 {
      let record = source.record(.sft, index)
      #expect(
        !record.answer.isEmpty && source.answer(to: record.question, about: record.image) == record.answer)
      #expect(source.families.contains(record.family))
    }
    let boot = source.image(.sft, 9)
    #expect(source.answer(to: "Is this a coat or an ankle boot?", about: boot) == "An ankle boot.")
    #expect(source.answer(to: "Is this a coat or a bag?", about: boot) == nil)
    #expect(source.answer(to: "Is this an ankle boot?", about: boot) == "Yes.")
    #expect(source.answer(to: "Where is this item worn?", about: boot) == "On the feet.")
    #expect(source.answer(to: "Is the item light or dark?", about: boot) == "Light.")
    #expect(
      source.answer(to: "Name the item in the image.", about: source.image(.sft, 1)) == "A pair of trousers.")
    #expect(source.answer(to: "Who wore it?", about: boot) == nil)
  }

  @Test func errorsNameTheFile() throws {
    func problem(_ index: Int, _ bytes: [UInt8]?) throws -> String {
      let folder = try SmallFashion.small()
      let path = folder.path + "/" + SmallFashion.names[index]
      if let bytes {
        try folder.write(bytes, to: SmallFashion.names[index])
      } else {
        try FileManager.default.removeItem(atPath: path)
      }
      let text = message { _ = try FashionMNIST(folder: folder.path, seed: 0) }
      #expect(text.hasPrefix(path + ": "), "\(text)")
      return String(text.dropFirst(path.count + 2))
    }
    #expect(
      try problem(0, nil)
        == "no such file; install it with: apt-get install -y --no-install-recommends dataset-fashion-mnist")
    #expect(
      try problem(1, SmallFashion.gzipped(SmallFashion.pictures(3)))
        == "not an IDX file of bytes with 1 sizes: expected magic number 2049, found 2051")
    #expect(
      try problem(2, SmallFashion.gzipped(Array(SmallFashion.pictures(30).dropLast(500)))).hasPrefix(
        "is cut short: expected 30 x 28 x 28 bytes"))
    #expect(
      try problem(2, Array(SmallFashion.gzipped(SmallFashion.pictures(30)).dropLast(40))).hasPrefix(
        "is cut short: expected 30"))
    #expect(
      try problem(2, Array(SmallFashion.gzipped(SmallFashion.pictures(30)).dropLast(5))).hasPrefix(
        "is damaged at its end: "))
    var flipped = try SmallFashion.gzipped(SmallFashion.labels(30))
    flipped[flipped.count - 6] ^= 1
    #expect(try problem(3, flipped).contains("incorrect data check"))
    #expect(
      try problem(2, SmallFashion.gzipped(SmallFashion.pictures(29)))
        == "expected 30 pictures, one for each label, found 29")
    #expect(
      try problem(3, SmallFashion.gzipped(SmallFashion.labels(30) + [0])).hasPrefix(
        "has more than the 38 bytes"))
    #expect(
      try problem(3, SmallFashion.gzipped(SmallFashion.labels(29).dropLast() + [11, 0])).hasPrefix(
        "has more than"))
    #expect(
      try problem(
        3,
        SmallFashion.gzipped(
          SmallFashion.big(2049) + SmallFashion.big(30) + [UInt8](repeating: 12, count: 30)))
        == "record 0: expected a class 0 ... 9, found 12")
  }

  static let isInstalled = FileManager.default.fileExists(
    atPath: FashionMNIST.debianFolder + "/t10k-labels-idx1-ubyte.gz")

  @Test(
    "The real set",
    .enabled(if: isInstalled, "needs apt-get install -y --no-install-recommends dataset-fashion-mnist"))
  func real() throws {
    let source = try FashionMNIST(seed: 0)
    #expect(DataSplit.allCases.map { source.count(of: $0) } == [40_000, 12_000, 4_000, 10_000])
    var classes = [Int](repeating: 0, count: 10)
    for index in 0..<10_000 { classes[source.label(.test, index)] += 1 }
    #expect(classes == [Int](repeating: 1000, count: 10))
    #expect(source.answer(to: "What is this?", about: source.image(.test, 0)) == "An ankle boot.")
    var total = 0.0
    for index in 0..<1000 { total += source.image(for: source.image(.sft, index)).mean.red }
    #expect(abs(total / 255_000 - 0.2860) < 0.01)
    let families = (0..<4000).map { source.record(.sft, $0).family }
    func share(_ family: String) -> Double { Double(families.filter { $0 == family }.count) / 4000 }
    #expect(abs(share("choice") - 0.2) < 0.03 && abs(share("worn") - 0.1) < 0.02)
    #expect(abs(share("name") + share("tone") - 0.5) < 0.03 && abs(share("tone") - 0.066) < 0.02)
  }
}
