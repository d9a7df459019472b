/// Which patches of a view show something, and which of the learned positions each of them takes.
public struct PatchMask: Equatable, Sendable {
  /// Patches from top to bottom.
  public let rows: Int
  /// Patches from left to right.
  public let columns: Int
  /// Row by row: whether the patch shows something.
  public let isOn: [Bool]

  /// A view that shows something everywhere.
  public init(rows: Int, columns: Int) {
    (self.rows, self.columns) = (rows, columns)
    isOn = Array(repeating: true, count: rows * columns)
  }

  /// A view of which some pixels show something; a patch does when any of its pixels does.
  /// - Parameters:
  ///   - pixels: row by row.
  ///   - width: pixels of a row.
  ///   - patch: pixels along a side of a patch.
  public init(pixels: [Bool], width: Int, patch: Int) {
    let (rows, columns) = (pixels.count / width / patch, width / patch)
    (self.rows, self.columns) = (rows, columns)
    isOn = (0..<rows * columns).map { index in
      let (top, left) = (index / columns * patch, index % columns * patch)
      return (top..<top + patch).contains { row in
        pixels[row * width + left..<row * width + left + patch].contains(true)
      }
    }
  }

  /// The learned position of every patch, by the fraction of the shown part at which the patch lies: a view
  /// of another shape stretches over all positions. Patches beyond the shown part take position 0.
  ///
  /// The shown part is as high as the first column and as wide as the first row. As in Idefics3's published
  /// code, fractions are searched among edges in single precision, which for some sides (19, 25, 29, 31, 38,
  /// 40) differs from the rule in whole numbers, `⌊i · side / shown⌋`.
  /// - Parameter side: learned positions along a side.
  public func positions(side: Int) -> [Int32] {
    let shown = (
      rows: (0..<rows).count { isOn[$0 * columns] }, columns: (0..<columns).count { isOn[$0] }
    )
    let down = Self.buckets(rows, shown: shown.rows, side: side)
    let across = Self.buckets(columns, shown: shown.columns, side: side)
    return (0..<rows * columns).map { patch in
      let (row, column) = (patch / columns, patch % columns)
      return isOn[patch] ? Int32(down[row] * side + across[column]) : 0
    }
  }

  private static func buckets(_ count: Int, shown: Int, side: Int) -> [Int] {
    let edges = edges(side)
    let part = 1 / Float(shown)
    return (0..<count).map { index in
      let fraction = min(Float(index) * part, Float(1 - 1e-6))
      return edges.count { $0 <= fraction }
    }
  }

  /// `1/side`, `2/side` … below 1 as `torch.arange` makes them in single precision: by eights while sixteen
  /// are left, each eight from its first one.
  private static func edges(_ side: Int) -> [Float] {
    let step = 1 / Double(side)
    let count = Int(((1 - step) / step).rounded(.up))
    return (0..<count).map { index in
      guard index < count / 16 * 16 else { return Float(step + step * Double(index)) }
      let first = index / 8 * 8
      return Float(Double(Float(step + step * Double(first))) + Double(index - first) * step)
    }
  }
}
