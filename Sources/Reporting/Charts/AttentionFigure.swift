import DPOTrain
import Foundation
import Records

/// Pictures of one prompt, and under each the attention it got while the answer was written.
struct AttentionFigure {
  var map: AttentionMap
  var pictures: [ReportPicture?]
  /// The pictures asked about, from 1, where pictures are given one by one.
  var targets: [Int]
  /// The share of each picture, where pictures are given one by one.
  var shares: [Double]
  /// Makes element ids unique on the page.
  var id: String

  /// Steps of opacity in a heat map.
  private static let levels = 12

  var html: HTML {
    let scale = AttentionScale(map)
    let cells = map.values.indices.map { index -> HTML in
      let picture = index < pictures.count ? pictures[index] : nil
      let name = "\(id)-\(index)"
      let style = targets.contains(index + 1) ? "pair target" : "pair"
      var label: HTML = ""
      if map.values.count > 1, index < shares.count {
        let share = Format.decimal(shares[index] * 100, 0)
        label = "<figcaption>Image\(index + 1) <b>\(share) %</b></figcaption>"
      }
      return """
        <figure class="\(style)">\(Self.picture(picture, name))\
        \(heat(map.values[index], scale, name, picture != nil))\
        \(label)</figure>
        """
    }
    return """
      <div class="\(map.values.count > 1 ? "maps" : "maps one")">\(cells)</div>
      <div class="heatbar"><span>even share</span><i></i><span>\(Format.decimal(scale.most, 1)) × even</span></div>

      """
  }

  /// The picture in a square, as the model sees it.
  static func picture(_ picture: ReportPicture?, _ name: String) -> HTML {
    guard let picture else { return "<svg viewBox=\"0 0 100 100\" class=\"absent\"></svg>" }
    return """
      <svg viewBox="0 0 100 100" role="img" aria-label="picture">\
      <image id="\(name)" width="100" height="100" \
      class="\(picture.isSmall ? "pixels" : "")" href="\(picture.dataURI)"/></svg>
      """
  }

  /// The patches over the picture: the more attention beyond an even share, the stronger the colour.
  private func heat(_ values: [Double], _ scale: AttentionScale, _ name: String, _ hasPicture: Bool) -> HTML {
    let (wide, high) = (100 / Double(max(map.columns, 1)), 100 / Double(max(map.rows, 1)))
    var paths: [HTML] = Array(repeating: "", count: Self.levels + 1)
    for (index, value) in values.enumerated() {
      let level = Int(clamping: (scale.strength(value) * Double(Self.levels)).rounded())
      guard level > 0, index < map.rows * map.columns else { continue }
      let (x, y) = (Double(index % map.columns) * wide, Double(index / map.columns) * high)
      paths[min(level, Self.levels)] += "M\(x) \(y)h\(wide)v\(high)h\(-wide)z"
    }
    var content: HTML = hasPicture ? "<use href=\"#\(name)\" class=\"greyed\"/>" : ""
    for level in 1...Self.levels where paths[level] != "" {
      let opacity = Double(level) / Double(Self.levels) * 0.8
      content += "<path class=\"heat\" opacity=\"\(opacity)\" d=\"\(paths[level])\"/>"
    }
    if let region = map.region {
      content +=
        "<rect class=\"region\" x=\"\(Double(region.column) * wide)\" y=\"\(Double(region.row) * high)\" "
      content += "width=\"\(Double(region.columns) * wide)\" height=\"\(Double(region.rows) * high)\"/>"
    }
    return "<svg viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"attention\">\(content)</svg>"
  }
}
