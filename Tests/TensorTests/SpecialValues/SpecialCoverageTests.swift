import Foundation
import Tensor
import TestSupport
import Testing

/// No operation is forgotten: what `Tensor` offers is in a table of special values, in every element type, or
/// in a list of `SpecialExclusions` with the reason why it is not.
struct SpecialCoverageTests {
  /// The public functions and operators of a folder of `Sources/Tensor`; those of complex numbers have their
  /// type before them.
  private func publicNames(of folder: String) throws -> Set<String> {
    let place = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/Tensor/\(folder)")
    let files = try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "swift" }
    var names: Set<String> = []
    for file in files {
      let text = try String(contentsOf: file, encoding: .utf8)
      let declaration = /\n( *)public (?:static |mutating )?(?:prefix )?func ([A-Za-z0-9_]+|[^ A-Za-z0-9_]+)/
      for match in text.matches(of: declaration) {
        // Methods of layers are tested with them; functions stand at the margin.
        if folder == "Layers" && !match.1.isEmpty { continue }
        names.insert((folder == "Complex" ? "ComplexTensor." : "") + match.2)
      }
    }
    return names
  }

  @Test(arguments: ["Operations", "Complex", "Layers"]) func everyPublicOperation(folder: String) throws {
    let names = try publicNames(of: folder)
    #expect(names.count > (folder == "Layers" ? 2 : 40), "\(names)")
    let inTables = Set(SpecialOperations.all.keys.map(SpecialExclusions.publicName))
    let excused = SpecialExclusions.reasons.values.flatMap { $0 }
    #expect(Set(excused).count == excused.count)
    let missing = names.subtracting(inTables).subtracting(SpecialExclusions.spellings).subtracting(excused)
    #expect(missing.isEmpty, "without special values: \(missing.sorted())")
    #expect(Set(excused).intersection(inTables).isEmpty)
  }

  /// An exclusion or another name of what is no longer there is left behind.
  @Test func nothingIsExcusedInVain() throws {
    var names: Set<String> = []
    for folder in ["Operations", "Complex", "Layers"] { names.formUnion(try publicNames(of: folder)) }
    let excused = SpecialExclusions.reasons.values.flatMap { $0 } + SpecialExclusions.spellings
    #expect(Set(excused).subtracting(names).isEmpty, "\(Set(excused).subtracting(names))")
    let named = SpecialExclusions.otherNames.keys
    #expect(Set(named).subtracting(SpecialOperations.all.keys).isEmpty)
  }

  /// Every operation of the tables has rows there, and every row its operation.
  @Test func everyOperationHasRows() throws {
    var found: Set<String> = []
    for table in SpecialTableTests.tables { found.formUnion(try SpecialTable(table).cases.map(\.operation)) }
    #expect(found.symmetricDifference(SpecialOperations.all.keys).isEmpty)
  }

  private func typesOfRows(_ tables: [String]) throws -> [String: Set<DType>] {
    var types: [String: Set<DType>] = [:]
    for table in tables {
      for row in try SpecialTable(table).cases {
        types[row.operation, default: []].insert(row.inputs[0].dtype)
      }
    }
    return types
  }

  @Test func everyOperationInEveryFloatingType() throws {
    let types = try typesOfRows(SpecialTableTests.tables)
    let others =
      [SpecialOperations.integers, SpecialOperations.integerArrays, SpecialOperations.bits]
      .flatMap(\.keys) + SpecialExclusions.ofIntegers
    for name in SpecialOperations.all.keys where !others.contains(name) {
      let isComplex = SpecialOperations.complex[name] != nil
      let wanted: [DType] = isComplex ? [.float32, .float64] : SpecialTable.floatingTypes
      let missing = Set(wanted).subtracting(types[name] ?? [])
      #expect(missing.isEmpty, "\(name) has no rows in \(missing)")
    }
  }

  /// What an integer type can do without becoming another one, and what else is not a function of float32.
  @Test func everyOperationInEveryIntegerType() throws {
    let types = try typesOfRows(SpecialTableTests.tables)
    let others = Set(SpecialOperations.complex.keys).union(SpecialOperations.besideNumbers.keys)
      .union(SpecialOperations.ofReals).union(SpecialExclusions.withoutIntegers.values.flatMap { $0 })
    for name in SpecialOperations.all.keys where !others.contains(name) {
      // The older tables have three; `IntegerTests` walks all.
      let missing = Set<DType>([.uint8, .int32, .int64]).subtracting(types[name] ?? [])
      #expect(missing.isEmpty, "\(name) has no rows in \(missing)")
    }
  }

  @Test func closeness() {
    let (infinity, nan) = (Double.infinity, Double.nan)
    let rows: [(Double, Double, Bool)] = [
      (infinity, infinity, true), (infinity, -infinity, false), (1, infinity, false), (infinity, 1, false),
      (nan, nan, false), (0, -0.0, true), (1e308, -1e308, false), (.leastNonzeroMagnitude, 0, true),
      (1, 1 + 1e-6, true),
      (1, 1.1, false),
    ]
    for (a, b, expected) in rows {
      #expect(Tensor([a]).isClose(to: Tensor([b])) == expected, "\(a) and \(b)")
      #expect(
        Tensor([a]).to(.float32).isClose(to: Tensor([b]).to(.float32)) == expected || abs(a) == 1e308,
        "\(a), \(b)")
      #expect(Tensor([0, a, 0, 0]).isClose(to: Tensor([0, b, 0, 0])) == expected)
    }
    #expect(Tensor.zeros([3, 4]).isClose(to: Tensor.zeros([4])))
    #expect(!Tensor.zeros([3, 4]).isClose(to: Tensor([0, 0, 1, 0] as [Float])))
  }
}
