import Tensor
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// A call with an argument that no program should pass, and the operation its error must name.
struct HostileCall: CustomTestStringConvertible, Sendable {
  let operation: String
  let call: String
  let body: @Sendable () throws -> Void
  var testDescription: String { "\(operation): \(call)" }

  init(_ operation: String, _ call: String, _ body: @escaping @Sendable () throws -> Void) {
    self.operation = operation
    self.call = call
    self.body = body
  }
}

private let small = Tensor.ones([2, 3])
private let empty = Tensor.ones([0, 3])
private let scalar = Tensor(1)
private let huge = Int.max

private func random(_ body: (inout RandomGenerator) throws -> Void) rethrows {
  var generator = RandomGenerator(seed: 1)
  try body(&generator)
}

/// Calls with strange arguments that have a meaning all the same.
private let harmless: [HostileCall] = [
  .init("slice", "step min") { _ = small.slice(axis: 1, 0..<2, step: Int.min).contiguous() },
  .init("slice", "step max") { _ = small.slice(axis: 1, 1..<3, step: huge).contiguous() },
  .init("slice", "an empty range") { _ = small.slice(axis: 1, 3..<3, step: -1).contiguous() },
  .init("chunked", "into max") { _ = small.chunked(huge) },
  .init("rolled", "by min") { _ = small.rolled(Int.min, axis: 0) },
  .init("diff", "of order max") { _ = small.diff(huge).contiguous() },
  .init("bitwiseLeftShift", "by min") { _ = Tensor([1] as [Int64]).bitwiseLeftShift(Int.min) },
  .init("matrixPower", "min of an identity") { _ = try Tensor.eye(2, dtype: .float64).matrixPower(Int.min) },
  .init("randomNormal", "deviation 0") {
    random { _ = Tensor.randomNormal([2], standardDeviation: 0, using: &$0) }
  },
  .init("einsum", "of a scalar") { _ = einsum("", scalar) },
  .init("conv2d", "an empty batch") {
    _ = conv2d(Tensor.ones([0, 2, 6, 6]), weight: Tensor.ones([2, 2, 3, 3]))
  },
  .init("LearningRateSchedule", "no steps") {
    for kind in LearningRateSchedule.Kind.allCases {
      _ = LearningRateSchedule(kind, peak: 1, totalSteps: 0).rate(step: 0)
      _ = LearningRateSchedule(kind, peak: 0, warmupSteps: 9, totalSteps: 3).rate(step: 1 << 53)
    }
  },
]

@Suite(.serialized) struct HostileArgumentTests {
  /// A trap of Swift's own in a scope's thread becomes an error named "trap", so that a row of the table
  /// fails and not the whole run.
  private static let trapsAreErrors: Void = {
    #if canImport(Glibc)
      for number in [SIGILL, SIGTRAP, SIGSEGV, SIGFPE] {
        signal(number) {
          TensorErrorScope.fail(TensorError(operation: "trap", message: "signal \($0)"))
          signal($0, SIG_DFL)
        }
      }
    #endif
  }()

  @Test(arguments: harmless) func strangeArgumentsWithAMeaningAreTaken(_ row: HostileCall) throws {
    _ = Self.trapsAreErrors
    try withTensorErrors(row.body)
  }

  @Test(arguments: hostileShapeCalls + hostileArrayCalls + hostileModelCalls + hostileLayerCalls)
  func everyHostileCallHasASentence(
    _ row: HostileCall
  ) throws {
    _ = Self.trapsAreErrors
    let error = #expect(throws: TensorError.self, "\(row.call)") { try withTensorErrors(row.body) }
    guard let error else { return }
    #expect(error.operation == row.operation, "\(row.call): \(error)")
    #expect(error.message.count > 10)
  }
}
