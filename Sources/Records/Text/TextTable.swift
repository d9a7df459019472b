import Foundation

/// A table of text cells, printed for a terminal or as Markdown.
public struct TextTable: Sendable, Equatable {
  /// The column titles.
  public var header: [String]
  /// The rows, each as long as the header.
  public var rows: [[String]]
  /// How many leading columns are aligned to the left; the others are aligned to the right.
  public var leftColumns: Int

  /// Creates a table.
  public init(header: [String], rows: [[String]], leftColumns: Int = 1) {
    self.header = header
    self.rows = rows
    self.leftColumns = leftColumns
  }

  /// The table in columns of equal width, with a line under the header.
  public var plain: String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max()! }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < leftColumns ? cell + space : space + cell
      }
      var text = padded.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ") + "\n"
    return line(header) + rule + rows.map(line).joined()
  }

  /// The table in Markdown.
  public var markdown: String {
    func line(_ cells: [String]) -> String {
      let escaped = cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }
      return "| " + escaped.joined(separator: " | ") + " |\n"
    }
    let marks = header.indices.map { $0 < leftColumns ? ":--" : "--:" }
    return line(header) + line(marks) + rows.map(line).joined()
  }
}
