import Foundation
import Runs
import Testing

@Suite struct ConfigurationReferenceTests {
  private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("docs/configuration.md")

  /// `WRITE_REFERENCE=1 scripts/test --filter ConfigurationReferenceTests` writes the page.
  @Test func thePageIsThatOfTheSchema() throws {
    if ProcessInfo.processInfo.environment["WRITE_REFERENCE"] == "1" {
      try Data(ConfigurationReference.markdown.utf8).write(to: Self.file)
    }
    let page = try String(contentsOf: Self.file, encoding: .utf8)
    #expect(page == ConfigurationReference.markdown, "run with WRITE_REFERENCE=1 to write it again")
  }

  @Test func everyKeyIsExplained() {
    let rows = ConfigurationReference.markdown.split(separator: "\n").filter { $0.hasPrefix("| `") }
    #expect(rows.count > 90)
    for row in rows {
      #expect(row.components(separatedBy: " | ").count >= 4)
      #expect(!row.hasSuffix(" |  |"), "\(row)")
    }
  }
}
