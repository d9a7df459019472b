import DPOTrain
import Evaluation
import MultiImageData
import Records

/// Renders a report as one HTML file that needs nothing else: no scripts, no fonts, pictures inside.
public struct ReportPage {
  let content: ReportContent

  /// Creates a page.
  public init(_ content: ReportContent) { self.content = content }

  /// The file's text; the same content gives the same bytes.
  public var html: String {
    let sections = sections
    let body: HTML = """
      \(header)\(progress)\(verdict)\(headline)\(omitted)\(missing)\(contents(of: sections))\(sections)
      """
    return ReportStyle.page(title: "\(content.title) – MIA-DPO report", body)
  }

  private var sections: [HTML] {
    [
      idea, accuracy, heldOut, training, selection, attention, answers, samples, provenance, configuration,
    ]
  }

  /// Links to the sections that are there.
  private func contents(of sections: [HTML]) -> HTML {
    let titles = sections.compactMap { section in
      section.source.firstMatch(of: #/<section id="([^"]*)">\n<h2>([^<]*)<\/h2>/#).map { ($0.1, $0.2) }
    }
    guard titles.count > 2 else { return "" }
    // The titles are of this file, and escaped already.
    let links = titles.map { HTML(markup: "<a href=\"#\($0.0)\">\($0.1)</a>\n") }
    return "<nav>\n\(links)</nav>\n"
  }

  /// What a title is linked by.
  private static func anchor(_ title: String) -> String {
    title.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
  }

  /// A section with its title, or nothing where there is no content.
  static func section(_ title: String, _ lead: String? = nil, _ body: HTML) -> HTML {
    guard body != "" else { return "" }
    let text: HTML = lead.map { "<p class=\"lead\">\($0)</p>\n" } ?? ""
    return "<section id=\"\(anchor(title))\">\n<h2>\(title)</h2>\n\(text)\(body)</section>\n"
  }

  // MARK: Head

  private var header: HTML {
    var facts: [(String, String)] = []
    if let seed = content.seed { facts.append(("seed", String(seed))) }
    if let hash = content.configHash { facts.append(("configuration", String(hash.prefix(12)))) }
    let total = content.seconds.map(\.seconds).reduce(0, +)
    if !content.seconds.isEmpty { facts.append(("time", Format.duration(total))) }
    facts += content.versions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    let items = facts.map { fact -> HTML in "<div><dt>\(fact.0)</dt><dd>\(fact.1)</dd></div>" }
    return """
      <header>
      <p class="kicker">MIA-DPO run report</p>
      <h1>\(content.title)</h1>
      <dl class="facts">\(items)</dl>
      \(stageTimes(total))</header>

      """
  }

  private func stageTimes(_ total: Double) -> HTML {
    guard total > 0 else { return "" }
    var bar: HTML = ""
    var keys: HTML = ""
    for (index, entry) in content.seconds.enumerated() {
      let text = "\(entry.stage) \(Format.duration(entry.seconds))"
      bar +=
        "<i class=\"t\(index % 6)\" style=\"flex-grow:\(entry.seconds / total * 1000)\" title=\"\(text)\"></i>"
      keys += "<span class=\"key\"><i class=\"t\(index % 6)\"></i>\(text)</span>"
    }
    return "<div class=\"times\">\(bar)</div><div class=\"legend\">\(keys)</div>\n"
  }

  /// Where the stages of a run stand that is not finished.
  private var progress: HTML {
    guard content.stages.contains(where: { $0.state != .done }) else { return "" }
    let items = content.stages.map { stage -> HTML in
      "<li class=\"\(stage.state.rawValue)\"><b>\(stage.stage)</b> \(stage.words)</li>\n"
    }
    return """
      <aside class="missing progress"><p>This run is not finished; the report shows what is there.</p>
      <ul>
      \(items)</ul></aside>

      """
  }

  /// What the figures say.
  private var verdict: HTML {
    let sentences = content.results?.verdict ?? []
    guard !sentences.isEmpty else { return "" }
    return "<p class=\"verdict\">\(sentences.joined(separator: " "))</p>\n"
  }

  /// The three figures one wants first.
  private var headline: HTML {
    guard let results = content.results else { return "" }
    var tiles: HTML = ""
    func tile(
      _ name: String, _ old: Double?, _ new: Double?, _ change: Interval?
    ) -> HTML {
      guard let old else { return "" }
      guard let new else {
        return
          "<div class=\"tile\"><p>\(name)</p><strong>\(Format.percent(old))<small> %</small></strong></div>"
      }
      // Colour says that it is more than chance, as in the table.
      let style = change.map { $0.low > 0 ? "good" : $0.high < 0 ? "bad" : "" } ?? ""
      let note = change.map { " [\(Format.points($0.low)), \(Format.points($0.high))]" } ?? ""
      return """
        <div class="tile"><p>\(name)</p><strong><span class="was">\(Format.percent(old))</span> → \
        \(Format.percent(new))<small> %</small></strong>\
        <p class="delta \(style)">\(Format.points(new - old)) points<span>\(note)</span></p></div>
        """
    }
    let (old, new) = (results.before, results.after)
    tiles += tile(
      "Multi-image accuracy", old.multiImage?.accuracy, new?.multiImage?.accuracy,
      results.multiImageChange)
    tiles += tile(
      "Single-image accuracy", old.kinds[.single]?.all.accuracy, new?.kinds[.single]?.all.accuracy,
      results.change[.single])
    if old.multiImage != nil, old.multiImage?.answeredFromAnotherImage == nil {
      tiles += """
        <div class="tile"><p>Answered from another image</p><strong>–</strong>\
        <p class="delta">the data do not say what is right for the others</p></div>
        """
    }
    tiles += tile(
      "Answered from another image", old.multiImage?.answeredFromAnotherImage,
      new?.multiImage?.answeredFromAnotherImage, nil)
    return "<div class=\"tiles\">\n\(tiles)</div>\n"
  }

  /// What the stages left out of the data.
  private var omitted: HTML {
    guard !content.omissions.isEmpty else { return "" }
    let total = content.omissions.reduce(0) { $0 + $1.count }
    let parts = content.omissions.map { "\($0.stage) \($0.count)" }.joined(separator: ", ")
    return
      "<aside class=\"missing\"><p>Left out: \(total) (\(parts)); omissions.txt lists each with its reason.</p></aside>\n"
  }

  private var missing: HTML {
    guard !content.missing.isEmpty else { return "" }
    let items = content.missing.map { sentence -> HTML in "<li>\(sentence)</li>\n" }
    return "<aside class=\"missing\"><p>Not in this report:</p>\n<ul>\n\(items)</ul></aside>\n"
  }

  // MARK: Foot

  /// When, where and by which command; and the files beside this one.
  private var provenance: HTML {
    var body: HTML = ""
    if !content.provenance.isEmpty {
      let rows = content.provenance.map { fact -> HTML in
        "<tr><th>\(fact.name)</th><td>\(fact.value)</td></tr>\n"
      }
      body += "<div class=\"scroll\"><table class=\"provenance\"><tbody>\n\(rows)</tbody></table></div>\n"
    }
    if !content.files.isEmpty {
      let items = content.files.map { file -> HTML in
        "<li><a href=\"\(file.name)\">\(file.name)</a>: \(file.holds)</li>\n"
      }
      body += "<h3>Files beside this page</h3>\n<ul class=\"files\">\n\(items)</ul>\n"
    }
    return Self.section("Provenance", nil, body)
  }

  private var configuration: HTML {
    guard let text = content.configuration else { return "" }
    return Self.section(
      "Configuration", nil,
      "<details><summary>config.yaml as resolved</summary><pre>\(text)</pre></details>\n")
  }
}
