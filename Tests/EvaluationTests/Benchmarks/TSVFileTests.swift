import Evaluation
import Foundation
import Records
import TestSupport
import Testing

@Suite struct TSVFileTests {
  private func cells(_ text: String) throws -> [[String?]] {
    let folder = try TemporaryFolder()
    let file = try TSVFile(contentsOf: folder.write(text, to: "a.tsv"))
    return file.rows.map { row in file.columns.indices.map { file.text(row, $0) } }
  }

  @Test func quotesAndLineEnds() throws {
    #expect(try cells("a\tb\n1\tx\n2\ty") == [["1", "x"], ["2", "y"]])
    #expect(try cells("\u{FEFF}a\tb\r\n1\t\"x\ty\"\r\n\r\n2\t\"\"\r") == [["1", "x\ty"], ["2", nil]])
    #expect(try cells("a\tb\n\"say \"\"no\"\"\nor not\"\tx\"y\"\n") == [["say \"no\"\nor not", "x\"y\""]])
    // A quote ends the quoted part alone, as in pandas.
    #expect(try cells("a\tb\n\"x\"y\"z\t1\n") == [["xy\"z", "1"]])
    #expect(try cells("a\tb\n\t\n") == [[nil, nil]])
  }

  @Test func whatPandasTakesForMissing() throws {
    #expect(try cells("a\tb\nNone\tnan\nnone\tN/A \n") == [[nil, nil], ["none", "N/A "]])
  }

  @Test func rowsKnowTheirLines() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("a\tb\n1\t\"x\n\ny\"\n2\n3\tz\n4\tz\tz\n", to: "a.tsv")
    let file = try TSVFile(contentsOf: path)
    #expect(file.rows.map(\.line) == [2, 6])
    #expect(file.rows.map(\.number) == [1, 3])
    #expect(
      file.unequalRows.map(\.description) == [
        "\(path):5: record (row 2): found 1 cells, expected 2 as in the header",
        "\(path):7: record (row 4): found 3 cells, expected 2 as in the header",
      ])
  }

  @Test func unusableFiles() throws {
    let folder = try TemporaryFolder()
    let open = try folder.write("a\tb\n1\t2\n3\t\"4\n5\t6\n", to: "open.tsv")
    #expect(
      message { _ = try TSVFile(contentsOf: open) }
        == "\(open):3: found a cell that begins with \" and the end of the file in it, expected a closing \"")
    let empty = try folder.write("\n", to: "empty.tsv")
    #expect(message { _ = try TSVFile(contentsOf: empty) } == "\(empty): is empty, expected a header line")
    let twice = try folder.write("a\ta\n1\t2\n", to: "twice.tsv")
    #expect(
      message { _ = try TSVFile(contentsOf: twice) }
        == "\(twice): found column a twice in the header, expected it once")
    #expect(
      message { _ = try TSVFile(contentsOf: folder.path) }
        == "\(folder.path): is a folder, expected a TSV file")
    #expect(message { _ = try TSVFile(contentsOf: "/nowhere/a.tsv") } == "/nowhere/a.tsv: no such file")
  }

  @Test func listsAsPythonPrintsThem() {
    #expect(PythonList.elements(of: #"['a', "it's", 'x\'y\\\n\u00e9']"#) == ["a", "it's", "x'y\\\né"])
    #expect(PythonList.elements(of: "[0, 1.50, True,]") == ["0", "1.50", "True"])
    #expect(PythonList.elements(of: "[]") == [])
    for broken in ["['a'", "['a' 'b']", "[['a']]", "['a]", "a", "['a'] b", #"['\x4']"#] {
      #expect(PythonList.elements(of: broken) == nil, "\(broken)")
    }
    #expect(PythonList.elementsOrText("[") == ["["])
    #expect(PythonList.elementsOrText("[broken") == ["[broken"])
    #expect(PythonList.elementsOrText("['a']") == ["a"])
  }
}
