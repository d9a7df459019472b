import ArgumentParser
import Foundation
import Tensor

/// Draws operations, shapes, strides and types, and compares values, types and gradients with PyTorch.
struct OperationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operations",
    abstract: "Compares random operations with PyTorch.",
    discussion: """
      Case number N is a function of the seed and N alone, so a difference is repeated with \
      --seed S --first N --count 1. Exit status 1 when there is a difference.
      """)

  @Option(help: "Cases to draw.") var count = 10_000
  @Option(help: "What the cases are drawn with.") var seed: UInt64 = 1
  @Option(help: "Number of the first case.") var first = 0
  @Option(help: "A Python with torch.") var python = "python3"
  @Option(help: "Only operations whose name contains this.") var only = ""
  @Flag(help: "Print every case before it is run.") var verbose = false

  func run() throws {
    let peer = try Peer(python: python)
    let table = FuzzOperation.table.filter { only.isEmpty || $0.name.contains(only) }
    guard !table.isEmpty else { throw ValidationError("--only \(only) names none of the operations") }
    var counts: [String: Int] = [:]
    var differences = 0
    var gradients = 0
    for number in first..<(first + count) {
      var generator = RandomGenerator(seed: seed, stream: 0x4F_5053).split(UInt64(number))
      let operation = generator.pick(table)
      let drawn = operation.draw(&generator)
      let title = "case \(number): \(operation.name): \(drawn.description)"
      if verbose {
        print(title)
        // A trap must leave the case it stopped at on the screen.
        fflush(nil)
      }
      counts[operation.name, default: 0] += 1
      let comparison = try compare(drawn, with: peer, using: &generator)
      gradients += comparison.hasGradients ? 1 : 0
      if let difference = comparison.difference {
        differences += 1
        print("\(title)\n  \(difference)")
      }
    }
    print(
      "\(counts.count) operations: "
        + counts.keys.sorted().map { "\($0) \(counts[$0]!)" }.joined(separator: ", "))
    print(
      "\(count) cases of seed \(seed) against \(peer.version), \(gradients) with gradients: \(differences) "
        + "differences"
    )
    if differences > 0 { throw ExitCode(1) }
  }

  private func compare(
    _ drawn: FuzzCase, with peer: Peer, using generator: inout RandomGenerator
  ) throws -> (difference: String?, hasGradients: Bool) {
    let wantsGradients =
      drawn.isDifferentiable && drawn.operands.contains { $0.dtype == .float64 || $0.dtype == .float32 }
      && drawn.operands.allSatisfy { $0.dtype != .float16 && $0.dtype != .bfloat16 }
    let stored = drawn.operands.map {
      wantsGradients && $0.dtype.isFloatingPoint ? $0.stored.requiringGradient() : $0.stored
    }
    let result = drawn.apply(zip(drawn.operands, stored).map { $0.viewed($1) })
    let cotangent = RandomOperand(
      elements: (0..<result.count).map { _ in generator.uniform() * 2 - 1 }, shape: result.shape,
      dtype: result.dtype)
    let reply = try peer.answer(
      Peer.Request(
        expression: drawn.python, operands: drawn.operands.map(\.message),
        cotangent: wantsGradients ? cotangent.message : nil))
    guard let expected = reply.result else {
      return ("the peer failed: \(reply.error ?? "no answer")", wantsGradients)
    }
    let lowest = drawn.operands.map(\.dtype).filter(\.isFloatingPoint).min { $0.digits < $1.digits }
    let tolerance = drawn.slack * (lowest ?? .float32).tolerance
    if let difference = difference(result, expected, tolerance: tolerance) {
      return (difference, wantsGradients)
    }
    guard wantsGradients, let theirs = reply.gradients else { return (nil, false) }
    let ours = (result * cotangent.stored).sum().backward()
    for (index, operand) in drawn.operands.enumerated() where operand.dtype.isFloatingPoint {
      let gradient = ours[stored[index]] ?? Tensor.zeros(operand.storedShape, dtype: operand.dtype)
      if let text = difference(gradient, theirs[index], tolerance: tolerance * 10) {
        return ("gradient of operand \(index): \(text)", true)
      }
    }
    return (nil, true)
  }

  /// What differs; nil when nothing does.
  private func difference(_ ours: Tensor, _ theirs: PeerOperand, tolerance: Double) -> String? {
    guard ours.shape == theirs.shape else { return "shape \(ours.shape), expected \(theirs.shape)" }
    guard ours.dtype.rawValue == theirs.dtype else { return "type \(ours.dtype), expected \(theirs.dtype)" }
    let (found, expected) = (ours.array(of: Double.self), theirs.values)
    let scale = max(1, expected.lazy.filter(\.isFinite).map(abs).max() ?? 1)
    let allowed = ours.dtype.isFloatingPoint ? max(tolerance, ours.dtype.tolerance) * scale : 0
    for (index, (a, b)) in zip(found, expected).enumerated()
    where !(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= allowed) {
      return "element \(index) of \(ours.shape): \(a), expected \(b), allowed \(allowed)"
    }
    return nil
  }
}

extension DType {
  /// Binary digits of the type's numbers.
  fileprivate var digits: Int {
    switch self {
    case .bfloat16: 8
    case .float16: 11
    case .float32: 24
    default: 53
    }
  }

  /// The difference that rounding may make, in parts of the largest value: a few hundred units of the last
  /// place, two of them for the storage types, which are rounded once.
  fileprivate var tolerance: Double {
    switch self {
    case .bfloat16: 0x1p-7
    case .float16: 0x1p-10
    case .float32: 3e-5
    default: 1e-11
    }
  }
}
