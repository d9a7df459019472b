import DPOTrain
import LVLM
import Reporting

/// Pictures of a prompt side by side in one PNG, as TensorBoard shows them.
struct EventPicture {
  var png: [UInt8]
  var width: Int
  var height: Int

  private static let side = 224
  private static let gap = 8
  private static let border = 3
  private static let green = RGBColour(31, 157, 119)
  private static let red = RGBColour(224, 67, 31)

  private init?(_ image: RGBImage) {
    guard let bytes = try? image.pngBytes() else { return nil }
    (png, width, height) = (bytes, image.width, image.height)
  }

  /// The pictures of a prompt; the ones asked about have a frame.
  /// - Parameter asked: counted from 1.
  /// - Returns: `nil` where there is no picture.
  static func strip(_ pictures: [ReportPicture?], asked: [Int]) -> EventPicture? {
    guard !pictures.isEmpty else { return nil }
    return EventPicture(rows([pictures.map(square)], asked: asked))
  }

  /// The pictures of a prompt, and under each one the same with what it got of the answer's attention.
  /// - Returns: `nil` where there is no map.
  static func attention(_ example: ReportAttention) -> EventPicture? {
    guard let map = example.candidate.attention, !map.values.isEmpty else { return nil }
    let scale = AttentionScale(map)
    let plain = map.values.indices.map { index in
      square(index < example.pictures.count ? example.pictures[index] : nil)
    }
    let heated = zip(plain, map.values).map { picture, values in
      var picture = picture
      for y in 0..<side {
        for x in 0..<side {
          let patch = y * map.rows / side * map.columns + x * map.columns / side
          let strength = patch < values.count ? scale.strength(values[patch]) : 0
          picture[x, y] = blended(picture[x, y], Float(strength))
        }
      }
      return picture
    }
    let candidate = example.candidate
    let asked = map.values.count > 1 ? candidate.targets ?? [candidate.target] : []
    return EventPicture(rows([plain, heated], asked: asked))
  }

  private static func rows(_ rows: [[RGBImage]], asked: [Int]) -> RGBImage {
    let columns = rows.map(\.count).max() ?? 1
    var canvas = RGBImage(
      width: columns * (side + gap) + gap, height: rows.count * (side + gap) + gap, colour: .white)
    for (row, pictures) in rows.enumerated() {
      for (column, picture) in pictures.enumerated() {
        let (x, y) = (gap + column * (side + gap), gap + row * (side + gap))
        if asked.contains(column + 1) {
          let framed = side + 2 * border
          canvas.paste(
            RGBImage(width: framed, height: framed, colour: green), x: x - border, y: y - border)
        }
        canvas.paste(picture, x: x, y: y)
      }
    }
    return canvas
  }

  /// The picture in a square, as the model sees it; grey where it cannot be read.
  private static func square(_ picture: ReportPicture?) -> RGBImage {
    guard let picture, let image = try? RGBImage(decoding: picture.bytes, name: "picture") else {
      return RGBImage(width: side, height: side, colour: RGBColour(200, 200, 200))
    }
    return image.resized(width: side, height: side, filter: picture.width <= 128 ? .nearest : .bilinear)
  }

  private static func blended(_ colour: RGBColour, _ strength: Float) -> RGBColour {
    func mixed(_ own: UInt8, _ heat: UInt8) -> UInt8 {
      UInt8(min(max(Float(own) + (Float(heat) - Float(own)) * strength * 0.8, 0), 255))
    }
    return RGBColour(
      mixed(colour.red, red.red), mixed(colour.green, red.green), mixed(colour.blue, red.blue))
  }
}
