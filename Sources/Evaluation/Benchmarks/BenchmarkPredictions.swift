import Checkpoint
import Foundation

/// The prediction file: the columns of the benchmark's file without `image`, which is what VLMEvalKit writes,
/// then `prediction`, what it was read as, whether that is right, and how likely each option is.
package struct BenchmarkPredictions {
  let rows: BenchmarkRows
  let answers: [BenchmarkAnswer]
  let verdicts: [BenchmarkVerdict?]

  package init(rows: BenchmarkRows, answers: [BenchmarkAnswer], verdicts: [BenchmarkVerdict?]) {
    self.rows = rows
    self.answers = answers
    self.verdicts = verdicts
  }

  /// Writes the file; it is replaced only when all is written.
  package func write(to url: URL) throws {
    let own = ["prediction", "extracted", "hit"]
    let letters = answers.flatMap(\.likelihoods).map(\.option)
    let options = Array(Set(letters)).sorted()
    let hasLetters = answers.contains { $0.likelihoods.contains { $0.letter != nil } }
    let scores = options.flatMap { option in
      (hasLetters ? ["loglik_letter_\(option)"] : []) + ["loglik_\(option)", "loglik_mean_\(option)"]
    }
    let file = rows.file
    let kept = file.columns.indices.filter { place in
      file.columns[place].lowercased() != "image" && !(own + scores).contains(file.columns[place])
    }
    var text = Data((kept.map { Self.cell(file.columns[$0]) } + own + scores).joined(separator: "\t").utf8)
    text += Data("\n".utf8)
    for (place, row) in rows.rows.enumerated() {
      let stored = file.rows[row.place]
      for column in kept { text += file.raw(stored, column) + Data("\t".utf8) }
      let (answer, verdict) = (answers[place], verdicts[place])
      var cells = [
        Self.cell(answer.prediction ?? ""), Self.cell(verdict?.extracted ?? ""),
        row.reference == nil || verdict == nil ? "" : verdict?.isRight == true ? "1" : "0",
      ]
      for option in options {
        let likelihood = answer.likelihoods.first { $0.option == option }
        if hasLetters { cells.append(likelihood?.letter.map { "\($0)" } ?? "") }
        cells += [likelihood.map { "\($0.sum)" } ?? "", likelihood.map { "\($0.mean)" } ?? ""]
      }
      text += Data((cells.joined(separator: "\t") + "\n").utf8)
    }
    try AtomicFile.write(text, to: url)
  }

  /// A text as a cell, in quotes where it must be.
  private static func cell(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { "\t\n\r\"".unicodeScalars.contains($0) }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
