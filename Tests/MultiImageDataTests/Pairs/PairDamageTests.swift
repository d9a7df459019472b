import MultiImageData
import Records
import TestSupport
import Testing

/// Every value of every sample, at any depth, replaced by others or left out: a record is refused in a
/// sentence, or it is a pair that every format either refuses or gives back.
@Suite struct PairDamageTests {
  private static let replacements: [OrderedJSON?] = [
    nil, .null, .bool(true), .integer(3), .string(""), .string(" \n"), .string("<image>"), .string("x"),
    .string("a.png"), .array([]), .array([.null]), .array([.string("a.png")]), .array([.array([])]),
    .object([]), .object([.init("path", .string("a.png"))]), .object([.init("bytes", .string("a"))]),
    .array([.object([.init("role", .string("user")), .init("content", .string("x"))])]),
  ]

  /// The value with each of its parts replaced in turn.
  private static func damaged(_ value: OrderedJSON) -> [OrderedJSON] {
    var results: [OrderedJSON] = []
    switch value {
    case .object(let members):
      for (index, member) in members.enumerated() {
        for other in replacements.map({ $0.map { [$0] } ?? [] }) + damaged(member.value).map({ [$0] }) {
          var changed = members
          changed.replaceSubrange(index...index, with: other.map { .init(member.key, $0) })
          results.append(.object(changed))
        }
      }
    case .array(let values):
      for (index, part) in values.enumerated() {
        for other in replacements.map({ $0.map { [$0] } ?? [] }) + damaged(part).map({ [$0] }) {
          var changed = values
          changed.replaceSubrange(index...index, with: other)
          results.append(.array(changed))
        }
      }
    default: break
    }
    return results
  }

  @Test(arguments: PairSamples.records)
  func damageIsRefusedOrKept(sample: PairSamples.Sample) throws {
    let folder = try TemporaryFolder()
    let whole = try OrderedJSON(parsing: Array(sample.text.utf8))
    let records = Self.damaged(whole)
    let path = try folder.write(records.map(\.line).joined(separator: "\n"), to: "in.jsonl")
    var problems: [DataError] = []
    let pairs = try PairFile.read(path, format: sample.format, broken: { problems.append($0) }).pairs
    #expect(pairs.count + problems.count == records.count)
    #expect(!problems.isEmpty && problems.allSatisfy { !$0.problem.isEmpty && !$0.problem.contains("\n") })
    for format in PairFormat.allCases {
      let output = folder.path + "/out.jsonl"
      let held = pairs.filter { pair in
        message { try PairFile.write([pair], to: output, format: format) }.isEmpty
      }
      try PairFile.write(held, to: output, format: format)
      let back = try PairFile.read(held.isEmpty ? path : output, format: format, broken: { _ in }).pairs
      #expect(held.isEmpty || back.count == held.count)
      for (one, other) in zip(held, back) where !held.isEmpty {
        // A key that is null and means something in the format is not written.
        var one = one
        let kept = Set(other.extra.map(\.key))
        one.extra.removeAll { $0.value == .null && !kept.contains($0.key) }
        #expect(other == one, "\(format)")
      }
    }
  }
}
