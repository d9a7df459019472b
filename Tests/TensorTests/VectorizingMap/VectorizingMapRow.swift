import Tensor
import Testing

/// A function mapped over slices, and how it is expected to run.
struct VectorizingMapRow: Sendable, CustomTestStringConvertible {
  /// How often the function is called: once for all slices, or for each.
  enum Calls { case once, each, eachWhenRecorded, eachUnlessRecorded }

  let name: String
  let calls: Calls
  /// The operands, one to three.
  let operands: [Tensor]
  let inAxes: [Int?]
  let outAxis: Int
  /// Whether gradients of gradients are compared too.
  let isTwiceDifferentiable: Bool
  /// Maps slices and a captured tensor of shape `[3]`, of the first operand's type where that is floating
  /// point.
  let function: @Sendable (_ slices: [Tensor], _ captured: Tensor) -> Tensor

  init(
    _ name: String, _ calls: Calls = .once, _ operands: [Tensor]? = nil, inAxes: [Int?]? = nil,
    outAxis: Int = 0,
    isTwiceDifferentiable: Bool = true,
    _ function: @escaping @Sendable (_ slices: [Tensor], _ captured: Tensor) -> Tensor
  ) {
    (self.name, self.calls, self.outAxis, self.function) = (name, calls, outAxis, function)
    self.operands = operands ?? [Self.numbers([4, 2, 3])]
    self.inAxes = inAxes ?? self.operands.map { _ in 0 }
    self.isTwiceDifferentiable = isTwiceDifferentiable
  }

  var testDescription: String { name }

  /// Numbers between −2 and 2, none of them equal.
  static func numbers(_ shape: [Int], dtype: DType = .float64, seed: UInt64 = 1) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return Tensor.randomUniform(shape, in: -2..<2, dtype: dtype, using: &generator)
  }

  /// Whole numbers from 0 on.
  static func counts(_ shape: [Int], below bound: Int = 5, dtype: DType = .int64) -> Tensor {
    var generator = RandomGenerator(seed: 2)
    return Tensor.randomInteger(shape, in: 0..<bound, dtype: dtype, using: &generator)
  }

  private var captured: Tensor {
    let type = operands[0].dtype.isFloatingPoint ? operands[0].dtype : .float32
    return Tensor([0.5, -1.5, 2.5]).to(type)
  }

  /// Results of `function` called for one slice after the other, without `vmap`.
  private func looped(_ operands: [Tensor], _ captured: Tensor) -> Tensor {
    let extents = zip(operands, inAxes).compactMap { operand, axis in
      axis.map { operand.shape[$0 < 0 ? $0 + operand.rank : $0] }
    }
    return Tensor.stacked(
      (0..<extents[0]).map { index in
        function(
          zip(operands, inAxes).map { operand, axis in
            axis.map { operand.slice(axis: $0, index..<index + 1).squeezed(axis: $0) } ?? operand
          }, captured)
      }, axis: outAxis)
  }

  /// The same by `vmap`, and how often it called.
  func mapped(_ operands: [Tensor], _ captured: Tensor, chunkSize: Int? = nil) -> (Tensor, calls: Int) {
    var calls = 0
    let result =
      switch operands.count {
      case 1:
        vmap(
          {
            calls += 1
            return function([$0], captured)
          }, inAxis: inAxes[0]!, outAxis: outAxis, chunkSize: chunkSize)(operands[0])
      case 2:
        vmap(
          {
            calls += 1
            return function([$0, $1], captured)
          }, inAxes: (inAxes[0], inAxes[1]), outAxis: outAxis, chunkSize: chunkSize)(operands[0], operands[1])
      default:
        vmap(
          {
            calls += 1
            return function([$0, $1, $2], captured)
          }, inAxes: (inAxes[0], inAxes[1], inAxes[2]), outAxis: outAxis, chunkSize: chunkSize)(
            operands[0], operands[1], operands[2])
      }
    return (result, calls)
  }

  private func expectClose(_ a: Tensor, _ b: Tensor, _ what: String) {
    #expect(a.shape == b.shape && a.dtype == b.dtype, "\(name): \(what)")
    guard a.shape == b.shape, a.dtype == b.dtype else { return }
    let tolerance =
      switch a.dtype {
      case .float64: 1e-9
      case .float32: 1e-4
      default: a.dtype.isFloatingPoint ? 2e-2 : 0
      }
    let (x, y) = (a.array(of: Double.self), b.array(of: Double.self))
    for (p, q) in zip(x, y) where !(p == q || p.isNaN && q.isNaN) {
      if !(abs(p - q) <= tolerance * (1 + abs(q))) {
        Issue.record("\(name): \(what): \(p) instead of \(q)")
        return
      }
    }
  }

  /// Values.
  func checkValues() {
    let (result, calls) = mapped(operands, captured)
    expectClose(result, looped(operands, captured), "values")
    let count = result.rank == 0 ? 0 : result.shape[outAxis < 0 ? outAxis + result.rank : outAxis]
    if self.calls == .each || self.calls == .eachUnlessRecorded {
      #expect(calls == count || calls == count + 1, "\(name): calls")
    } else {
      #expect(calls == 1, "\(name): calls")
    }
    let (inChunks, _) = mapped(operands, captured, chunkSize: 3)
    expectClose(inChunks, result, "values in chunks")
  }

  /// First and second derivatives in the operands and in what is captured.
  func checkGradients() {
    let inputs = operands.map { $0.dtype.isFloatingPoint ? $0.requiringGradient() : $0 }
    let captured = captured.requiringGradient()
    let leaves = inputs.filter(\.requiresGradient) + [captured]
    let (result, calls) = mapped(inputs, captured)
    let expected = looped(inputs, captured)
    let isOne = self.calls == .once || self.calls == .eachUnlessRecorded
    #expect((calls == 1) == isOne, "\(name): calls when recorded")
    expectClose(result, expected, "recorded values")
    #expect(result.requiresGradient == expected.requiresGradient, "\(name): record")
    guard result.requiresGradient, expected.requiresGradient else { return }
    let weights = Self.numbers(expected.shape, dtype: expected.dtype, seed: 3)
    func derivatives(_ output: Tensor, keepingGraph: Bool) -> [Tensor?] {
      gradients(of: output, withRespectTo: leaves, from: weights, keepingGraph: keepingGraph)
    }
    let first = derivatives(result, keepingGraph: isTwiceDifferentiable)
    let reference = derivatives(expected, keepingGraph: isTwiceDifferentiable)
    for (index, leaf) in leaves.enumerated() {
      let zero = Tensor.zeros(leaf.shape, dtype: leaf.dtype)
      expectClose(first[index] ?? zero, reference[index] ?? zero, "gradient \(index)")
    }
    guard isTwiceDifferentiable else { return }
    func second(_ gradients: [Tensor?]) -> Gradients {
      let squares = gradients.compactMap { $0 }.filter(\.requiresGradient).map {
        $0.to(.float64).square().sum()
      }
      return squares.isEmpty ? Gradients() : squares.dropFirst().reduce(squares[0], +).backward()
    }
    let (again, referenceAgain) = (second(first), second(reference))
    for (index, leaf) in leaves.enumerated() {
      let zero = Tensor.zeros(leaf.shape, dtype: leaf.dtype)
      expectClose(again[leaf] ?? zero, referenceAgain[leaf] ?? zero, "second gradient \(index)")
    }
  }
}
