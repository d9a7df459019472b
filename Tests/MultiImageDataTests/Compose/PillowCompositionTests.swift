import Foundation
import LVLM
import MultiImageData
import TestSupport
import Testing

/// The authors' geometry against Pillow doing the same: every sample but the labels' ink.
@Suite struct PillowCompositionTests {
  private struct Expected: Decodable {
    struct Case: Decodable {
      var width: Int
      var height: Int
      var checksum: String
    }
    var cases: [String: Case]
  }

  private static let sizes = [
    (640, 480), (480, 640), (427, 640), (500, 375), (333, 500), (1024, 768), (300, 200), (448, 448),
    (100, 900),
  ]

  private static func picture(_ number: Int) -> RGBImage {
    let (width, height) = sizes[number]
    let samples = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
      for y in 0..<height {
        for x in 0..<width {
          for c in 0..<3 {
            buffer[count] = UInt8(
              truncatingIfNeeded: ((x &* 7 &+ y &* 13 &+ c &* 29) ^ (x &* y) >> 3) &+ number &* 31)
            count += 1
          }
        }
      }
    }
    return RGBImage(width: width, height: height, pixels: samples)
  }

  private func check(_ picture: RGBImage, _ name: String) throws {
    let file = Fixtures.url("composition/checksums.json")
    let expected = try #require(
      JSONDecoder().decode(Expected.self, from: Data(contentsOf: file)).cases[name])
    #expect(picture.width == expected.width && picture.height == expected.height, "\(name)")
    let checksum = picture.pixels.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    #expect(checksum == UInt64(expected.checksum, radix: 16), "\(name)")
  }

  private func grid(_ count: Int) throws -> RGBImage {
    let geometry = try #require(GridGeometry(count: count, cell: 448))
    var canvas = Collage.grid((0..<count).map(Self.picture), geometry: geometry)
    let strip = RGBImage(width: geometry.width, height: geometry.gap, colour: .white)
    for row in 0..<geometry.rows {
      let top = row * (geometry.cell + geometry.gap)
      for column in 0..<geometry.columns {
        let left = column * (geometry.cell + geometry.gap)
        let label = canvas.cropped(x: left, y: top, width: geometry.cell, height: geometry.gap)
        // The digit 1 has no dot in its last column.
        let width = row + column == 0 ? 132 : 136
        #expect(ink(label) == PixelRectangle(x: 24, y: 6, width: width, height: 28))
      }
      canvas.paste(strip, x: 0, y: top)
    }
    return canvas
  }

  /// The box around everything that is not white.
  private func ink(_ picture: RGBImage) -> PixelRectangle {
    var (xs, ys): ([Int], [Int]) = ([], [])
    for y in 0..<picture.height {
      for x in 0..<picture.width where picture[x, y] != .white {
        xs.append(x)
        ys.append(y)
      }
    }
    let (left, top) = (xs.min() ?? 0, ys.min() ?? 0)
    return PixelRectangle(
      x: left, y: top, width: (xs.max() ?? 0) - left + 1, height: (ys.max() ?? 0) - top + 1)
  }

  @Test("Grids", arguments: [2, 3, 4, 6, 9])
  func grids(count: Int) throws { try check(grid(count), "grid \(count)") }

  @Test("Pictures in pictures", arguments: [(0, 1), (1, 0), (5, 6), (8, 3), (3, 8)], [0.7, 0.5])
  func pictures(numbers: (inner: Int, outer: Int), scale: Double) throws {
    let composed = Collage.pictureInPicture(
      inner: Self.picture(numbers.inner), outer: Self.picture(numbers.outer), scale: scale)
    try check(composed, "pic-in-pic \(numbers.inner) in \(numbers.outer) at \(scale)")
  }

  @Test func jpegFilesHoldWhatPillowsDo() throws {
    try check(try RGBImage(decoding: try grid(2).jpegBytes(), name: "grid"), "grid 2 as JPEG")
  }
}
