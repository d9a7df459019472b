import MultiImageData
import Testing

@Suite struct ImageCountsTests {
  private func table(_ kind: CompositionKind, _ sources: [(String, Int)]) throws -> [Int: Int] {
    var table: [Int: Int] = [:]
    for (source, total) in sources {
      let counts = try #require(ImageCounts.of(source, kind))
      for rank in 0..<total { table[counts.images(ofRank: rank, of: total), default: 0] += 1 }
    }
    return table
  }

  @Test func theAuthorsSourcesGiveTheAuthorsNumbers() throws {
    let sizes = [("textvqa", 2195), ("coco", 36_410), ("ocr_vqa", 8000), ("vg", 8642), ("gqa", 7214)]
    #expect(try table(.sequence, sizes) == [2: 34_300, 3: 10_050, 4: 9950, 5: 8161])
    #expect(try table(.sequence, [("vg", 8642)]) == [2: 4800, 3: 1300, 4: 1300, 5: 1242])
    #expect(try table(.grid, [("coco", 36_410)]) == [2: 18_000, 3: 5000, 4: 5000, 6: 4000, 9: 4410])
    #expect(try table(.grid, [("textvqa", 2195)]) == [2: 1000, 3: 300, 4: 300, 6: 300, 9: 295])
    #expect(ImageCounts.of("vg", .grid) == nil && ImageCounts.of("vg", .pictureInPicture) == nil)
    #expect(try table(.pictureInPicture, [("gqa", 100)]) == [2: 100])
  }

  @Test func ranksRiseAndOtherSizesGetTheSameShares() throws {
    let counts = try #require(ImageCounts.of("gqa", .sequence))
    #expect(
      [0, 3799, 3800, 4999, 5000, 6099, 6100, 7213].map { counts.images(ofRank: $0, of: 7214) }
        == [2, 2, 3, 3, 4, 4, 5, 5])
    #expect(try table(.sequence, [("gqa", 14_428)]) == [2: 7600, 3: 2400, 4: 2200, 5: 2228])
    // Sources the authors did not have get the shares of all.
    #expect(try table(.sequence, [("my_pictures", 62_461)]) == [2: 34_300, 3: 10_050, 4: 9950, 5: 8161])
    #expect(try table(.grid, [("my_pictures", 10)]) == [2: 5, 3: 2, 4: 1, 6: 1, 9: 1])
    #expect(counts.images(ofRank: 0, of: 1) == 2)
  }
}
