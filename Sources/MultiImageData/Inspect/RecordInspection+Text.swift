import Records

extension RecordInspection: CustomStringConvertible {
  /// What `dpotrain inspect` prints: a line for every count, histograms of lengths, then problems.
  public var description: String {
    var lines = ["\(path): \(count) records, \(layout)"]
    func row(_ name: String, _ text: String) {
      guard !text.isEmpty else { return }
      lines.append("  " + name + String(repeating: " ", count: max(1, 14 - name.count)) + text)
    }
    row("formats", formatsLine)
    row(
      "keys",
      keys.map { $0.count == goodCount ? $0.name : "\($0.name) (\($0.count))" }.joined(separator: ", "))
    row("ids", idsLine)
    row("images", imagesLine)
    row("per record", counts(imagesPerRecord) { "\($0) in \($1)" })
    row(
      "marks",
      [ImageMark.text, ImageMark.placeholder].compactMap { mark in marks[mark].map { "\(mark) in \($0)" } }
        .joined(separator: ", "))
    row("composition", kindsLine)
    row("turns", counts(turns) { "\($0) in \($1)" })
    for role in RecordContents.Role.allCases {
      guard let histogram = lengths[role].map(LengthHistogram.init) else { continue }
      lines.append(
        "  characters of \(role.rawValue): \(histogram.least) to \(histogram.most), median "
          + "\(histogram.median)"
      )
      lines += histogram.lines.map { "    " + $0 }
    }
    lines.append(problemCount == 0 ? "no problems" : "problems in \(problemCount) of \(count) records")
    lines += problems.map { "  \($0)" }
    if problemCount > problems.count { lines.append("  and \(problemCount - problems.count) more") }
    return lines.joined(separator: "\n")
  }

  private var layout: String {
    let form =
      style.layout == .lines
      ? "JSONL" : style.indent.map { "JSON list indented by \($0)" } ?? "JSON list on one line"
    return form + (style.escapesNonASCII ? ", ASCII" : ", UTF-8")
  }

  private var formatsLine: String {
    RecordFormat.allCases.compactMap { format in
      formats[format].map { number in
        switch format {
        case .conversation: "LLaVA conversations: \(number)"
        case .pair: "preference pairs: \(number)"
        case .composed: "composed prompts: \(number)"
        }
      }
    }.joined(separator: ", ")
  }

  private var idsLine: String {
    guard goodCount > 0 else { return "" }
    let texts = goodCount - numberIDs
    let spelling =
      numberIDs == 0 ? "strings" : texts == 0 ? "numbers" : "strings in \(texts), numbers in \(numberIDs)"
    return repeatedIDs == 0 ? spelling : "\(spelling); \(repeatedIDs) were there before"
  }

  private var imagesLine: String {
    guard pictureCount > 0 else { return "" }
    let (missing, unreadable) = (missingPictureCount, unreadablePictureCount)
    let lists = imageLists == 0 ? "" : "; a list in \(imageLists) records"
    return "\(pictureCount) different" + (missing == 0 ? "" : ", \(missing) missing")
      + (unreadable == 0 ? "" : ", \(unreadable) that cannot be read") + lists
  }

  private var kindsLine: String {
    var parts: [String] = []
    for kind in CompositionKind.allCases {
      guard let own = kinds[kind] else { continue }
      let total = own.values.reduce(0, +)
      let name = kind.rawValue.replacing("_", with: "-")
      parts.append(
        kind == .sequence
          ? "\(name): \(total) (\(counts(own) { "\($0) images in \($1)" }))" : "\(name): \(total)")
    }
    // A file of nothing but single pictures has no composition to tell of.
    if !parts.isEmpty, singles > 0 { parts.append("single: \(singles)") }
    if unnamed > 0 { parts.append("several images, none named: \(unnamed)") }
    return parts.joined(separator: ", ")
  }

  private func counts(_ table: [Int: Int], _ text: (Int, Int) -> String) -> String {
    table.sorted { $0.key < $1.key }.map { text($0.key, $0.value) }.joined(separator: ", ")
  }
}
