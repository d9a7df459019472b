import Foundation
import Tensor
import Testing

/// Every line of Swift on the page `FromPyTorch` of `Tensor.docc`, each on a line of its own, with what it
/// gives.
@Suite("The page From PyTorch") struct FromPyTorchTests {
  let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
  let y = Tensor([6, 5, 4, 3, 2, 1] as [Float], shape: [2, 3])
  let v = Tensor([3, 1, 2] as [Float])
  let a = Tensor([4, 1, 1, 3] as [Double], shape: [2, 2])
  let b = Tensor([1, 2] as [Double])
  let s = Tensor.ones([4, 2, 2])
  let i = Tensor([2, 0] as [Int64])
  let m = Tensor([false, false, false, true, true, true], shape: [2, 3])

  final class Model: Module {
    let first: Linear, head: Linear

    init(using generator: inout RandomGenerator) {
      first = Linear(3, 4, using: &generator)
      head = Linear(4, 1, using: &generator)
    }

    func callAsFunction(_ x: Tensor) -> Tensor { head(first(x).relu()) }

    func visitParameters(_ visitor: inout ParameterVisitor) {
      visitor.child("first", first)
      visitor.child("head", head)
    }
  }

  /// Whether a row gives these numbers, in this shape and type.
  func gives(
    _ numbers: [Double], _ shape: [Int], _ dtype: DType? = nil, _ place: SourceLocation = #_sourceLocation,
    row: () throws -> Tensor
  ) rethrows {
    let found = try row()
    let elements = found.array(of: Double.self)
    #expect(found.shape == shape, sourceLocation: place)
    #expect(
      elements.count == numbers.count
        && zip(elements, numbers).allSatisfy { abs($0 - $1) <= 1e-6 * Swift.max(1, abs($1)) },
      "\(elements), expected \(numbers)", sourceLocation: place)
    if let dtype { #expect(found.dtype == dtype, sourceLocation: place) }
  }

  /// Whether a row gives a tensor of this shape.
  func hasShape(_ shape: [Int], _ place: SourceLocation = #_sourceLocation, row: () throws -> Tensor) rethrows
  {
    let found = try row().shape
    #expect(found == shape, sourceLocation: place)
  }

  /// Whether a row gives this value.
  func same<Value: Equatable>(
    _ value: Value, _ place: SourceLocation = #_sourceLocation, row: () throws -> Value
  ) rethrows {
    let found = try row()
    #expect(found == value, sourceLocation: place)
  }

  @Test func differences() {
    // Types.
    #expect(Tensor([0.5, 1.5]).dtype == .float64 && Tensor([1, 2]).dtype == .int64)
    same(.float32) {
      Tensor([0.5, 1.5] as [Float]).dtype
    }
    same(.float64) {
      (v + Tensor(2, dtype: .float64)).dtype
    }
    gives([-2, 2, 0], [3], .int32) {
      Tensor([-2.7, 2.7, .nan] as [Float]).to(.int32)
    }
    // Integers.
    gives([-4, 0], [2], .int64) {
      Tensor([-7, 7] as [Int64]).floorDivided(by: Tensor([2, 0] as [Int64]))
    }
    gives([-3.5, 3.5], [2], .float32) {
      Tensor([-7, 7] as [Int64]) / 2
    }
    gives([1, 1], [2], .int64) {
      Tensor([-7, 7] as [Int64]) % 2
    }
    // Values.
    var table = x
    let row = table[0]
    table[0] = 0
    #expect(row.array(of: Int.self) == [1, 2, 3])
    var step = table
    step += 1
    #expect(table[1, 0].item() == 4 && step[1, 0].item() == 5)
    // Gradients.
    let u = v.requiringGradient()
    var total = u.sum().backward()
    total.add(u.square().sum().backward())
    #expect(total[u]!.array(of: Int.self) == [7, 3, 5])
    #expect(Tensor.ones([2]).median().item() == 1 && Tensor([1, 2, 3, 4] as [Float]).median().item() == 2.5)
    // Errors.
    #expect(throws: TensorError.self) {
      try withTensorErrors { [x] in x.reshaped([4]) }
    }
    #expect(throws: TensorError.self) {
      try x.reshaped(validating: [4])
    }
  }

  // MARK: - The page itself

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

  private static var page: [Substring] {
    get throws {
      // The folder of this file may be a link.
      let root = folder.resolvingSymlinksInPath().appendingPathComponent("../../..").standardizedFileURL
      let page = root.appendingPathComponent("Sources/Tensor/Tensor.docc/FromPyTorch.md")
      return try String(contentsOf: page, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
    }
  }

  /// The lines of this folder's files, without their indentation.
  private static var lines: Set<String> {
    get throws {
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
        $0.hasSuffix(".swift")
      }
      return try files.reduce(into: []) { lines, file in
        let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
        for line in text.split(separator: "\n") { lines.insert(line.trimmingCharacters(in: .whitespaces)) }
      }
    }
  }

  /// The code in the last cell of a table's row; empty for other lines.
  private static func snippets(_ line: Substring) -> [String] {
    guard line.hasPrefix("| "), line != "| --- | --- |", line != "| PyTorch | here |" else { return [] }
    let cells = line.replacing("\\|", with: "\0").split(separator: "|")
    guard cells.count == 2 else { return ["a row of \(cells.count) cells: \(line)"] }
    return cells[1].replacing("\0", with: "|").split(separator: "`", omittingEmptySubsequences: false)
      .enumerated()
      .compactMap { $0 % 2 == 1 ? String($1) : nil }
  }

  @Test func everySnippetOfThePageIsALineHere() throws {
    let (page, lines) = (try Self.page, try Self.lines)
    var (rows, isSwift) = (0, false)
    for line in page {
      if line.hasPrefix("```") {
        isSwift = line == "```swift"
      } else if isSwift {
        let code = line.split(separator: "  //").first ?? ""
        let trimmed = code.trimmingCharacters(in: .whitespaces)
        let isRun = trimmed.isEmpty || lines.contains(trimmed)
        #expect(isRun, "the page shows what no test runs: \(trimmed)")
      } else {
        let code = Self.snippets(line)
        if line.hasPrefix("| "), line != "| --- | --- |", line != "| PyTorch | here |" {
          rows += 1
          #expect(!code.isEmpty, "a row without code: \(line)")
        }
        for snippet in code {
          let isRun = lines.contains(snippet)
          #expect(isRun, "the page shows what no test runs: \(snippet)")
        }
      }
    }
    #expect(rows >= 100)
  }
}
