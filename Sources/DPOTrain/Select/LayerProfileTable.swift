public import Foundation
import MultiImageData
import Records

extension LayerProfile {
  /// The profile that the *select* stage left in a run directory.
  /// - Throws: ``DataError`` where there is none, or it cannot be read.
  public init(ofRun directory: URL) throws {
    let file = directory.appendingPathComponent("select/\(Self.file)")
    try WrittenFile.verify(file)
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw DataError(
        file: file.path,
        problem: "no such file; dpotrain select writes it, with select.layer_profile and several images")
    }
    do {
      self = try JSONDecoder().decode(Self.self, from: data)
    } catch {
      throw DataError(file: file.path, problem: "is no profile by layer; dpotrain select writes it again")
    }
    let layers = parts.first?.areas.count ?? 0
    guard layers > 0, parts.allSatisfy({ $0.areas.count == layers }) else {
      throw DataError(file: file.path, problem: "is no profile by layer; dpotrain select writes it again")
    }
  }

  /// One row per layer, one column for all formats and for each: areas with 95 % intervals, `*` at a format's
  /// largest.
  public var table: TextTable {
    let best = parts.map { $0.best?.layer }
    return TextTable(
      header: ["layer"] + parts.map(\.title),
      rows: parts[0].areas.indices.map { layer in
        [String(layer)]
          + zip(parts, best).map { part, best in
            part.areas[layer].map { $0.text + (best == layer ? " *" : "  ") } ?? "–  "
          }
      })
  }

  /// One line per format and layer: `format,layer,auc,low,high,right,wrong`.
  public var csv: String {
    var text = "format,layer,auc,low,high,right,wrong\n"
    for part in parts {
      for (layer, area) in part.areas.enumerated() {
        let numbers = area.map { "\($0.estimate),\($0.low),\($0.high)" } ?? ",,"
        text += "\(part.kind?.rawValue ?? "all"),\(layer),\(numbers),\(part.right),\(part.wrong)\n"
      }
    }
    return text
  }

  /// For each format the layer that tells right from wrong best and how the layer in use compares, line by
  /// line.
  /// - Parameter used: the layer that the run read, where it is known.
  public func findings(used: Int?) -> [String] {
    parts.map { part in
      let counts = "\(part.right) right and \(part.wrong) wrong answers"
      guard let best = part.best else { return "\(part.title): \(counts), nothing to tell apart" }
      var line = "\(part.title): best in layer \(best.layer), AUC \(best.area.text), of \(counts)"
      guard let used, best.layer != used, part.areas.indices.contains(used), let area = part.areas[used]
      else {
        return line
      }
      line += "; layer \(used), which the run read, \(area.text)"
      return area.high >= best.area.low ? line + ", intervals overlap" : line
    }
  }
}

extension LayerProfile.Part {
  /// The name printed in tables.
  public var title: String { kind?.title ?? "All multi-image" }

  /// The layer with the largest area.
  public var best: (layer: Int, area: LayerProfile.Area)? {
    areas.enumerated().compactMap { layer, area in area.map { (layer, $0) } }
      .max { $0.1.estimate < $1.1.estimate }
  }
}

extension LayerProfile.Area {
  /// `0.71 [0.68, 0.74]`.
  var text: String { "\(fixed(estimate, 2)) [\(fixed(low, 2)), \(fixed(high, 2))]" }
}
