import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// WebP against what Pillow and transformers make of the same files (`Tests/Fixtures/images/make_webp.py`).
@Suite struct ImageWebPTests {
  private static func path(_ name: String) -> String { ImageFixtures.plain("webp/\(name).webp") }

  @Test(
    "Lossy, lossless, transparent, turned and animated: Pillow's samples",
    arguments: TransparencyRule.allCases)
  func samples(rule: TransparencyRule) throws {
    let expected = try SafeTensorsFile(reading: Fixtures.url("images/webp/expected.safetensors"))
    let names = expected.names.filter { $0.hasSuffix("on_white") }.map { $0.dropLast("/on_white".count) }
    #expect(names.count == 28)
    for name in names {
      let own = "\(name)/\(rule.rawValue)"
      let array = try expected.array(expected.names.contains(own) ? own : "\(name)/on_white")
      let picture = try RGBImage(contentsOf: ImageFixtures.plain("webp/\(name)"), transparency: rule)
      #expect([picture.height, picture.width, 3] == array.shape, "\(name)")
      #expect(picture.pixels == array.bytes, "\(name)")
    }
  }

  @Test("Transparency is seen in some of them", arguments: ["lossy_alpha", "lossless_alpha", "animated"])
  func rulesDiffer(name: String) throws {
    let white = try RGBImage(contentsOf: Self.path(name), transparency: .onWhite)
    #expect(try white != RGBImage(contentsOf: Self.path(name), transparency: .dropped))
  }

  @Test(
    "Cut at any length: an error, never a crash or a picture",
    arguments: ["lossy", "lossless_alpha", "lossy_alpha_coarse", "turned6", "animated_lossy", "canvas_alpha"])
  func truncated(name: String) throws {
    let bytes = try ImageFixtures.bytes(Self.path(name))
    for length in 0..<bytes.count {
      #expect(throws: ImageError.self, "\(name) cut to \(length) bytes") {
        try RGBImage(decoding: Array(bytes[..<length]), name: name)
      }
    }
  }

  @Test(
    "A changed byte is an error or a picture, never a crash",
    arguments: ["lossy", "lossless", "lossy_alpha_coarse", "turned6", "animated_lossy", "canvas_alpha"])
  func changedBytes(name: String) throws {
    let bytes = try ImageFixtures.bytes(Self.path(name))
    let limits = ImageLimits(maximumPixels: 100_000)
    for position in bytes.indices {
      for change: UInt8 in [0x01, 0x11, 0x80, 0xFF] {
        var broken = bytes
        broken[position] ^= change
        if let picture = try? RGBImage(decoding: broken, name: name, limits: limits) {
          #expect(picture.pixels.count == picture.width * picture.height * 3)
        }
      }
    }
  }

  @Test("Bytes that are no picture behind a good header, and bytes behind the end")
  func otherBytes() throws {
    let bytes = try ImageFixtures.bytes(Self.path("lossy"))
    let longer = try RGBImage(decoding: bytes + [1, 2, 3], name: "longer")
    #expect(try longer == RGBImage(decoding: bytes, name: "lossy"))
    for kind in ["VP8 ", "VP8L", "VP8X", "ANMF", "ALPH", "none"] {
      let body = Array("WEBP".utf8) + Array(kind.utf8) + [10, 0, 0, 0] + [UInt8](repeating: 0x2F, count: 10)
      let file = Array("RIFF".utf8) + [UInt8(body.count), 0, 0, 0] + body
      #expect(throws: ImageError.self, "\(kind)") { try RGBImage(decoding: file, name: kind) }
    }
  }

  @Test func errorsNameTheFile() throws {
    func message(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) -> String {
      do throws(ImageError) {
        _ = try RGBImage(decoding: bytes, name: "a.webp", limits: limits)
        return ""
      } catch {
        return error.description
      }
    }
    let bytes = try ImageFixtures.bytes(Self.path("lossy"))
    #expect(
      message(Array(bytes.prefix(100)))
        == "a.webp: image is cut short: WebP ends at byte 100, its header states \(bytes.count) bytes")
    #expect(
      message(bytes, limits: ImageLimits(maximumPixels: 600))
        == "a.webp: image is too large: 33x21 pixels, at most 600 pixels are allowed")
    #expect(
      message(bytes, limits: ImageLimits(maximumSide: 32))
        == "a.webp: image is too large: 33x21 pixels, a side may have at most 32")
    var broken = bytes
    broken[23] = 0
    #expect(message(broken).hasPrefix("a.webp: image is damaged: WebP: "))
  }

  @Test func aClaimOfHugeSizeTakesNoMemory() throws {
    var bytes = try ImageFixtures.bytes(Self.path("canvas_alpha"))
    // Width and height less one, of three bytes each.
    bytes.replaceSubrange(24..<30, with: [0xFF, 0xFF, 0, 0xFE, 0xFF, 0])
    #expect(
      throws: ImageError(
        file: "bomb", reason: .tooManyPixels(width: 65536, height: 65535, limit: 64_000_000))
    ) { try RGBImage(decoding: bytes, name: "bomb") }
  }

  @Test func contentDecidesNotTheName() throws {
    let folder = try ImageFixtures.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/really.png"
    try Data(ImageFixtures.bytes(Self.path("lossless"))).write(to: URL(fileURLWithPath: path))
    #expect(try RGBImage(contentsOf: path) == RGBImage(contentsOf: Self.path("lossless")))
  }
}
