import Foundation
import LVLM
import Testing

@Suite struct ImageDecodingTests {
  @Test(
    "PNG of every colour type decodes to Pillow's samples, on white",
    arguments: [
      ("rgb0_37x61.png", 61, 37, 0xe97f_2f8e_dc8f_95d8), ("rgb1_90x45.png", 45, 90, 0xb850_a223_daa9_4f44),
      ("rgb2_28x28.png", 28, 28, 0xc4bf_17f0_8d04_24b4), ("rgb3_19x23.png", 23, 19, 0x4b66_1560_7223_f27e),
      ("rgb4_101x64.png", 64, 101, 0x6725_0a2a_966c_4c2c), ("gray.png", 63, 40, 0x838f_3b8a_7848_4649),
      ("palette.png", 63, 40, 0x59fc_5619_4dce_c595), ("bilevel.png", 63, 40, 0x61b4_de76_83f6_574a),
      ("rgba.png", 63, 40, 0x0967_6b66_e2de_e713), ("gray_alpha.png", 63, 40, 0x9e02_c59a_89f4_feaa),
    ] as [(String, Int, Int, UInt64)])
  func goldenPNG(name: String, width: Int, height: Int, checksum: UInt64) throws {
    let picture = try RGBImage(contentsOf: ImageFixtures.golden(name))
    #expect(picture.width == width && picture.height == height)
    #expect(ImageFixtures.checksum(picture) == checksum)
  }

  @Test(
    "Palettes with transparency, 16 bits, grey of 2 and 4 bits, interlacing, CMYK and progressive JPEG",
    arguments: [
      ("palette1_trns.png", 0x28a4_5901_262f_df4f), ("palette2_trns.png", 0xe73a_fb2d_3987_67f2),
      ("palette4_trns.png", 0x4e5f_9886_c4f9_ada9), ("palette8_trns.png", 0xf738_4416_8c43_11d7),
      ("rgb16.png", 0x9807_ea05_0f33_f8fa), ("adam7.png", 0x9054_f738_cfa6_784d),
      ("gray2.png", 0x920e_42d7_1c0e_c945), ("gray4.png", 0x4d00_a8c7_ffa8_0843),
      ("cmyk.jpg", 0x4219_cf23_b549_234d),
      ("progressive.jpg", 0x5cbe_b4a3_ec8b_8c3f),
    ] as [(String, UInt64)])
  func otherFormats(name: String, checksum: UInt64) throws {
    #expect(ImageFixtures.checksum(try RGBImage(contentsOf: ImageFixtures.plain(name))) == checksum)
  }

  @Test(
    "JPEG in colour, subsampled and grey",
    arguments: [
      ("photo.jpg", 0xff2b_6e59_2f6c_87cc), ("photo420.jpg", 0x43b8_f3ed_2a35_5ed1),
      ("photo_gray.jpg", 0x39e8_b3a0_0678_306f),
    ] as [(String, UInt64)])
  func goldenJPEG(name: String, checksum: UInt64) throws {
    #expect(ImageFixtures.checksum(try RGBImage(contentsOf: ImageFixtures.golden(name))) == checksum)
  }

  @Test func contentDecidesNotTheName() throws {
    let folder = try ImageFixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(ImageFixtures.bytes(ImageFixtures.golden("photo.jpg")))
      .write(to: URL(fileURLWithPath: folder + "/really.png"))
    let picture = try RGBImage(contentsOf: folder + "/really.png")
    #expect(picture.width == 63 && picture.height == 40)
  }

  @Test("All eight EXIF orientations", arguments: 1...8)
  func orientation(number: Int) throws {
    let stored = try ImageFixtures.bytes(ImageFixtures.golden("photo.jpg"))
    let upright = try RGBImage(decoding: stored, name: "photo")
    var block: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
    if number % 2 == 0 {
      block += [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, UInt8(number), 0, 0, 0]
    } else {
      block += [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(number), 0, 0]
    }
    block += [0, 0, 0, 0]
    let segment = [0xFF, 0xE1, UInt8((block.count + 2) >> 8), UInt8((block.count + 2) & 255)] + block
    let turned = try RGBImage(decoding: stored[..<2] + segment + stored[2...], name: "turned")
    let (w, h) = (upright.width, upright.height)
    #expect(turned.width == (number < 5 ? w : h) && turned.height == (number < 5 ? h : w))
    // Where the stored top-left pixel is shown (EXIF 2.3, table 6).
    let corners = [
      (0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1), (0, 0), (h - 1, 0), (h - 1, w - 1), (0, w - 1),
    ]
    let corner = corners[number - 1]
    #expect(turned[corner.0, corner.1] == upright[0, 0])
    // And the stored pixel one to its right: row and column are only exchanged for 5 … 8.
    let steps = [(1, 0), (-1, 0), (-1, 0), (1, 0), (0, 1), (0, 1), (0, -1), (0, -1)]
    #expect(turned[corner.0 + steps[number - 1].0, corner.1 + steps[number - 1].1] == upright[1, 0])
  }

  @Test("Cut at any length: an error, never a crash or a picture", arguments: ["rgba.png", "photo.jpg"])
  func truncated(name: String) throws {
    let bytes = try ImageFixtures.bytes(ImageFixtures.golden(name))
    for length in 0..<bytes.count {
      #expect(throws: ImageError.self, "\(name) cut to \(length) bytes") {
        try RGBImage(decoding: Array(bytes[..<length]), name: name)
      }
    }
  }

  @Test("Cut at some lengths", arguments: ["palette.png", "photo420.jpg", "photo_gray.jpg", "bilevel.png"])
  func truncatedCoarsely(name: String) throws {
    let bytes = try ImageFixtures.bytes(ImageFixtures.golden(name))
    for length in stride(from: 8, to: bytes.count, by: 29) {
      #expect(throws: ImageError.self, "\(name) cut to \(length) bytes") {
        try RGBImage(decoding: Array(bytes[..<length]), name: name)
      }
    }
  }

  @Test(
    "A flipped bit is an error or a picture, never a crash", arguments: ["rgb3_19x23.png", "photo_gray.jpg"])
  func flippedBits(name: String) throws {
    let bytes = try ImageFixtures.bytes(ImageFixtures.golden(name))
    for position in stride(from: 0, to: bytes.count, by: 3) {
      var broken = bytes
      broken[position] ^= 0x11
      let limits = ImageLimits(maximumPixels: 100_000)
      if let picture = try? RGBImage(decoding: broken, name: name, limits: limits) {
        #expect(picture.pixels.count == picture.width * picture.height * 3)
      }
    }
  }

  @Test func errorsNameTheFile() throws {
    let folder = try ImageFixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func message(_ path: String, limits: ImageLimits = ImageLimits()) -> String {
      do throws(ImageError) {
        _ = try RGBImage(contentsOf: path, limits: limits)
        return ""
      } catch {
        return error.description
      }
    }
    let missing = folder + "/none.png"
    #expect(message(missing) == "\(missing): no such image file")
    #expect(message(folder) == "\(folder): cannot read image file: it is a folder")
    let text = folder + "/list.png"
    try Data("{\"id\": 1}".utf8).write(to: URL(fileURLWithPath: text))
    #expect(
      message(text)
        == "\(text): not an image: expected a PNG, JPEG or WebP, found the bytes 7b 22 69 64 22 3a 20 31")
    let empty = folder + "/empty.jpg"
    try Data().write(to: URL(fileURLWithPath: empty))
    #expect(message(empty) == "\(empty): not an image: expected a PNG, JPEG or WebP, found an empty file")
    let large = ImageFixtures.golden("rgb4_101x64.png")
    #expect(
      message(large, limits: ImageLimits(maximumPixels: 6000))
        == "\(large): image is too large: 64x101 pixels, at most 6000 pixels are allowed")
    #expect(
      message(large, limits: ImageLimits(maximumBytes: 100))
        == "\(large): image is too large: 6193 bytes, at most 100 bytes are allowed")
    #expect(
      message(large, limits: ImageLimits(maximumSide: 100))
        == "\(large): image is too large: 64x101 pixels, a side may have at most 100")
    let cut = folder + "/cut.png"
    try Data(ImageFixtures.bytes(large).prefix(1000)).write(to: URL(fileURLWithPath: cut))
    #expect(
      message(cut).hasPrefix("\(cut): image is cut short: PNG ends at byte 1000, its IDAT chunk at byte"))
  }

  @Test func aClaimOfHugeSizeTakesNoMemory() throws {
    var bytes = try ImageFixtures.bytes(ImageFixtures.golden("rgb3_19x23.png"))
    bytes.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
    #expect(
      throws: ImageError(
        file: "bomb",
        reason: .tooManyPixels(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF, limit: 64_000_000))
    ) { try RGBImage(decoding: bytes, name: "bomb") }
  }

  /// Chunks without their contents: libpng goes on, Pillow and this package do not.
  @Test(arguments: [
    ("cHRM", 32, 0xF6BE5972), ("gAMA", 4, 0xB2E1B71F), ("sRGB", 1, 0x101CD3CE), ("pHYs", 9, 0x96876563),
    ("tRNS", 6, 0x36B970CC),
  ])
  func anEmptyChunkIsRefused(name: String, least: Int, checksum: UInt32) throws {
    var bytes = try ImageFixtures.bytes(ImageFixtures.golden("rgb3_19x23.png"))
    let crc = (0..<4).reversed().map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) }
    bytes.insert(contentsOf: [0, 0, 0, 0] + Array(name.utf8) + crc, at: 33)
    #expect(
      throws: ImageError(
        file: "p", reason: .corrupt("PNG: its \(name) chunk has 0 bytes, expected \(least)"))
    ) { try RGBImage(decoding: bytes, name: "p") }
  }

  @Test func writtenPNGReadsBack() throws {
    let folder = try ImageFixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let picture = try RGBImage(contentsOf: ImageFixtures.golden("rgb1_90x45.png"))
    try picture.writePNG(to: folder + "/copy.png")
    #expect(try RGBImage(contentsOf: folder + "/copy.png") == picture)
    #expect(try picture.pngBytes() == picture.pngBytes())
    #expect(throws: ImageError.self) { try picture.writePNG(to: folder + "/no/such/folder.png") }
    #expect(!FileManager.default.fileExists(atPath: folder + "/no"))
  }
}
