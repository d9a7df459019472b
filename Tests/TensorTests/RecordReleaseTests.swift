import Tensor
import Testing

/// Records that are dropped without a backward pass. Released one inside the other, a chain this long would
/// overflow the stack, in a debug build after a few ten thousand links.
@Suite(.serialized) struct RecordReleaseTests {
  private static let length = 1_000_000

  private struct Row: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Makes the next tensor of a chain.
    let link: @Sendable (Tensor) -> Tensor
  }

  private static func identity() -> CustomOperation {
    CustomOperation("identity") {
      $0
    } backward: { gradient, _, _ in
      gradient
    }
  }

  private static func pair() -> CustomOperation {
    CustomOperation("pair") { inputs, saved in
      saved = inputs
      return [inputs[0], inputs[0]]
    } backward: { gradients, _ in
      [gradients[0]]
    }
  }

  private static let rows: [Row] = [
    Row(testDescription: "one operand") { $0 + 1 },
    Row(testDescription: "kept output") { $0.exp() },
    Row(testDescription: "both operands") { $0 * $0 },
    Row(testDescription: "view") { $0.reshaped([1, 2]).reshaped([2]) },
    Row(testDescription: "branches that meet again") { x in x.sin() + x.cos() },
    Row(testDescription: "custom operation") { Self.identity()($0) },
    Row(testDescription: "joint operation, one output used") { Self.pair()([$0])[1] },
    Row(testDescription: "checkpoint") { x in checkpoint { x * 2 } },
    Row(testDescription: "hook that refers to the tensor before") { x in
      x.onGradient { gradient in gradient * x }
    },
  ]

  @Test(arguments: rows) private func longChainsCanBeDropped(_ row: Row) {
    let leaf = Tensor([0.5, 1]).requiringGradient()
    var x = leaf
    for _ in 0..<Self.length / 10 { x = row.link(x) }
    #expect(x.requiresGradient)
    x = leaf
    #expect((x * 2).sum().backward()[leaf]!.array(of: Double.self) == [2, 2])
  }

  @Test func aMillionNodesCanBeDropped() {
    var x = Tensor(1).requiringGradient()
    for _ in 0..<Self.length { x = x + 1 }
    #expect(x.requiresGradient)
    x = Tensor(0)
    #expect(!x.requiresGradient)
  }

  /// Nothing but the closures of hooks holds this chain together.
  @Test func chainsOfClosuresCanBeDropped() {
    let leaf = Tensor(1).requiringGradient()
    var x = leaf
    for _ in 0..<Self.length / 10 {
      let before = x
      x = leaf.onGradient { gradient in gradient + before.detached() }
    }
    #expect(x.requiresGradient)
    x = leaf
    #expect(x.requiresGradient)
  }

  /// The recorded backward pass is a chain of its own.
  @Test func derivativesOfLongChainsCanBeDropped() {
    let leaf = Tensor(0.5).requiringGradient()
    var x = leaf
    for _ in 0..<20_000 { x = x.sin() }
    let gradients = x.backward(keepingGraph: true)
    #expect(gradients[leaf]!.requiresGradient)
    #expect(gradients[leaf]!.item().isFinite)
  }

  @Test func branchesKeepWhatTheyShare() {
    let leaf = Tensor(1).requiringGradient()
    var trunk = leaf
    for _ in 0..<Self.length / 10 { trunk = trunk + 1 }
    var branch = trunk
    for _ in 0..<Self.length / 10 { branch = branch + 1 }
    branch = trunk * 3
    #expect(branch.backward()[leaf]!.item() == 3)
  }

  @Test func recordsAreDroppedOnSeveralThreads() async {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var x = Tensor(1).requiringGradient()
          for _ in 0..<50_000 { x = x + 1 }
          return x.requiresGradient
        }
      }
      for await isRecorded in group { #expect(isRecorded) }
    }
  }
}
