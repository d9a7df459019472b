import Foundation

/// How a page that this package wrote is told from another one of the same name, which is never written over.
package enum ReportMark {
  /// What stands in the head of every page.
  static let line: HTML = "<meta name=\"generator\" content=\"dpotrain\">"

  /// What earlier versions, which wrote no such line, put above the title.
  private static let earlier: [String] = ["MIA-DPO run report", "Runs"].map { title in
    "<p class=\"kicker\">\(title)</p>\n<h1>"
  }

  /// The title may be of any length; what stands before it is not.
  private static let headBytes = 1024

  /// Whether a page is one of these.
  package static func isIn(_ page: Data) -> Bool {
    page.prefix(headBytes).range(of: Data(line.source.utf8)) != nil
      || earlier.contains { page.range(of: Data($0.utf8)) != nil }
  }
}
