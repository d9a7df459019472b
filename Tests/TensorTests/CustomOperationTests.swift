import Tensor
import Testing

@Suite struct CustomOperationTests {
  private let x = Tensor([0.5, -1, 2])

  @Test func oneInputAndOneOutput() {
    let cube = CustomOperation("cube") {
      $0 * $0 * $0
    } backward: { gradient, x, _ in
      3 * x * x * gradient
    }
    #expect(cube(x).array(of: Double.self) == [0.125, -1, 8])
    #expect(!cube(x).requiresGradient)
    #expect(gradCheck([x]) { cube($0[0]) } <= 1)
    // The backward closure is differentiable, so there are higher derivatives.
    let slope = grad { cube($0).sum() }
    #expect(grad { slope($0).sum() }(x).array(of: Double.self) == [3, -6, 12])
  }

  @Test func theOutputCanCarryTheDerivative() {
    let exponential = CustomOperation("exponential") {
      $0.exp()
    } backward: { gradient, _, y in
      gradient * y
    }
    #expect(gradCheck([x]) { exponential($0[0]) } <= 1)
    #expect(gradCheck([x]) { a in grad { exponential($0).square().sum() }(a[0]) } <= 1)
  }

  @Test func severalInputsAndOutputsAndSavedTensors() {
    var calls = 0
    // Sum and product of two tensors; the gradient of the product uses what was saved.
    let both = CustomOperation("sumAndProduct") { inputs, saved in
      saved = [inputs[1], inputs[0]]
      return [inputs[0] + inputs[1], inputs[0] * inputs[1]]
    } backward: { gradients, context in
      calls += 1
      #expect(context.inputs.count == 2 && context.outputs.count == 2 && context.saved.count == 2)
      return (0..<2).map { index in
        let parts = [gradients[0], gradients[1].map { $0 * context.saved[index] }].compactMap { $0 }
        return parts.dropFirst().reduce(parts[0], +)
      }
    }
    let y = Tensor([3.0, 4, 5])
    #expect(gradCheck([x, y]) { a in both(a)[0] * both(a)[1] } <= 1)
    // Only one output is used: the gradient of the other is nil.
    let leaf = x.requiringGradient()
    calls = 0
    let gradients = both([leaf, y])[1].sum().backward()
    #expect(gradients[leaf]!.array(of: Double.self) == [3, 4, 5] && calls == 1)
  }

  @Test func forwardMayLeaveTheTensorsWorld() {
    // Rounds to whole numbers in Swift; the gradient passes straight through.
    let rounded = CustomOperation("straightThrough") { x in
      Tensor(x.array(of: Double.self).map { $0.rounded() }, shape: x.shape)
    } backward: { gradient, _, _ in
      gradient
    }
    let leaf = Tensor([0.4, 1.6]).requiringGradient()
    let y = rounded(leaf)
    #expect(y.array(of: Double.self) == [0, 2])
    #expect((y * 3).sum().backward()[leaf]!.array(of: Double.self) == [3, 3])
  }

  @Test func integerOutputsAndInputsWithoutGradient() {
    let largest = CustomOperation("largest") { inputs, _ in
      [inputs[0].max(), inputs[0].argmax()]
    } backward: { gradients, context in
      let place = (Tensor.arange(context.inputs[0].count) .== context.outputs[1]).to(.float64)
      return [gradients[0].map { $0 * place }]
    }
    let leaf = x.requiringGradient()
    let found = largest([leaf])
    #expect(found[1].item() == 2 && !found[1].requiresGradient)
    #expect(found[0].backward()[leaf]!.array(of: Double.self) == [0, 0, 1])
    let partial = CustomOperation("partial") { inputs, _ in
      [inputs[0] * 2]
    } backward: { _, _ in
      [nil]
    }
    #expect(partial([leaf])[0].sum().backward()[leaf] == nil)
  }

  @Test func insideCheckpointsAndFunctionalGradients() {
    let cube = CustomOperation("cube") {
      $0 * $0 * $0
    } backward: { gradient, x, _ in
      3 * x * x * gradient
    }
    let found = grad { x in checkpoint { cube(x).sum() } }(x)
    #expect(found.array(of: Double.self) == [0.75, 3, 12])
    #expect(jvp({ cube($0) }, x, Tensor([1.0, 1, 1])).derivative.array(of: Double.self) == [0.75, 3, 12])
  }
}
