import DPOTrain
import Records

/// A page about several runs: how far each one is, and what it came to.
public struct OverviewPage {
  /// One run.
  public struct Entry: Sendable {
    /// Its path from the page.
    public var name: String
    /// Where it stands.
    public var state = ""
    /// Whether it is finished.
    public var isDone = false
    /// Multi-image accuracy before training.
    public var before: Double?
    /// Multi-image accuracy after it.
    public var after: Double?
    /// The paired change.
    public var change: Interval?
    /// Whether it has a report of its own.
    public var hasReport = false

    /// A run of which nothing is known.
    public init(name: String) { self.name = name }
  }

  private let title: String
  private let entries: [Entry]
  private let files: [String]

  /// Creates a page.
  /// - Parameter files: tables beside it.
  public init(title: String, entries: [Entry], files: [String]) {
    (self.title, self.entries, self.files) = (title, entries, files)
  }

  /// The file's text; the same content gives the same bytes.
  public var html: String {
    let rows = entries.map { entry -> HTML in
      let name: HTML =
        entry.hasReport ? "<a href=\"\(entry.name)/report.html\">\(entry.name)</a>" : "\(entry.name)"
      let style = entry.change.map { $0.low > 0 ? "good" : $0.high < 0 ? "bad" : "" } ?? ""
      let change = entry.change.map {
        "\(Format.points($0.estimate)) [\(Format.points($0.low)), \(Format.points($0.high))]"
      }
      return """
        <tr><th>\(name)</th><td>\(entry.state)</td><td>\(Format.percent(entry.before))</td>\
        <td>\(Format.percent(entry.after))</td><td class="\(style)">\(change ?? "–")</td></tr>

        """
    }
    let links = files.map { file -> HTML in "<li><a href=\"\(file)\">\(file)</a></li>\n" }
    let tables: HTML = links.isEmpty ? "" : "<h3>Tables</h3>\n<ul class=\"files\">\n\(links)</ul>\n"
    let body: HTML = """
      <header>
      <p class="kicker">Runs</p>
      <h1>\(title)</h1>
      <p class="lead">\(entries.count(where: \.isDone)) of \(entries.count) runs are done. Accuracy on all
      multi-image questions in per cent, the change in points with its 95 % interval over questions.</p>
      </header>
      <div class="scroll"><table class="results">
      <thead><tr><th></th><th>state</th><th>before</th><th>after</th><th>change</th></tr></thead>
      <tbody>
      \(rows)</tbody></table></div>
      \(tables)
      """
    return ReportStyle.page(title: "\(title) – runs", body)
  }
}
