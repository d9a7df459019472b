import Tensor
import Testing

private func values(_ x: Tensor) -> [Double] { x.array(of: Double.self) }

@Suite struct FunctionalGradientTests {
  private let x = Tensor([0.5, -1, 2])

  @Test func gradientsOfOneTwoThreeAndManyArguments() {
    let slope = grad { x in (x * x * x).sum() }
    #expect(values(slope(x)) == [0.75, 3, 12])
    let (a, b) = grad { x, y in (x * y * y).sum() }(Tensor([2.0]), Tensor([3.0]))
    #expect(values(a) == [9] && values(b) == [12])
    let three = grad { x, y, z in (x * y + z).sum() }(Tensor([2.0]), Tensor([3.0]), Tensor([5.0]))
    #expect(values(three.0) == [3] && values(three.1) == [2] && values(three.2) == [1])
    let many = grad { (arguments: [Tensor]) in arguments.reduce(Tensor(1, dtype: .float64), *).sum() }
    #expect(
      many([Tensor([2.0]), Tensor([3.0]), Tensor([5.0]), Tensor([7.0])]).map { $0.item() } == [
        105, 70, 42, 30,
      ])
  }

  @Test func valuesComeWithGradients() throws {
    let (value, gradient) = valueAndGrad { x in x.square().sum() }(x)
    #expect(value.item() == 5.25 && values(gradient) == [1, -2, 4])
    #expect(!value.requiresGradient && !gradient.requiresGradient)
    let two = valueAndGrad { x, y in (x * y).sum() }(Tensor([2.0]), Tensor([3.0]))
    #expect(two.value.item() == 6 && two.gradients.0.item() == 3 && two.gradients.1.item() == 2)
    let three = valueAndGrad { x, y, z in (x * y * z).sum() }(Tensor([2.0]), Tensor([3.0]), Tensor([4.0]))
    #expect(three.value.item() == 24 && three.gradients.2.item() == 6)
    let many = valueAndGrad { (a: [Tensor]) in (a[0] * a[1]).sum() }([Tensor([2.0]), Tensor([3.0])])
    #expect(many.value.item() == 6 && many.gradients.map { $0.item() } == [3, 2])
  }

  @Test func errorsOfTheFunctionComeOut() {
    let function = grad { x in try x.inverse().sum() }
    #expect(throws: LinearAlgebraError.self) { try function(Tensor.zeros([2, 2])) }
  }

  @Test func higherOrdersNest() {
    let f = { (x: Tensor) in x.sin() }
    let first = grad(f)
    let second = grad(first)
    let third = grad(second)
    let point = Tensor(0.7, dtype: .float64)
    #expect(abs(first(point).item() - 0.7648421872844885) < 1e-15)
    #expect(abs(second(point).item() + 0.644217687237691) < 1e-15)
    #expect(abs(third(point).item() + 0.7648421872844885) < 1e-15)
  }

  @Test func anInnerVariableIsNotAnOuterOne() {
    // d/dx x · (d/dy x y²) at y = x is d/dx 2 x³ = 6 x².
    let outer = grad { x in x * grad { y in x * y * y }(x) }
    #expect(outer(Tensor(3, dtype: .float64)).item() == 54)
    // A perturbation that must not be confused with the other: d/dx x · (d/dy (x + y)) is 1.
    #expect(
      grad { x in x * grad { y in x + y }(Tensor(1, dtype: .float64)) }(Tensor(1, dtype: .float64)).item()
        == 1)
  }

  @Test func gradientsArePartOfAnEnclosingRecord() {
    let weight = Tensor([2.0, 3, 4]).requiringGradient()
    let gradient = grad { x in (weight * x * x).sum() }(x)
    #expect(gradient.requiresGradient)
    // The sum of 2 w x has the gradient 2 x for w.
    #expect(values(gradient.sum().backward()[weight]!) == [1, -2, 4])
    let inner = x.requiringGradient()
    let (value, slope) = valueAndGrad { x in (x * x * x).sum() }(inner * 2)
    let found = (value + slope.sum()).backward()[inner]!
    // 8 x³ + 12 x² summed: 24 x² + 24 x.
    #expect(values(found) == [18, 0, 144])
    #expect(!noGradient { grad { x in (weight * x * x).sum() }(x) }.requiresGradient)
  }

  @Test func unusedArgumentsAndConstantFunctionsHaveZeroGradients() {
    let (a, b) = grad { x, _ in x.sum() }(Tensor([2.0, 1]), Tensor([3.0]))
    #expect(values(a) == [1, 1] && values(b) == [0])
    #expect(values(grad { _ in Tensor(3, dtype: .float64) }(x)) == [0, 0, 0])
  }

  @Test func pullbacksCanBeCalledAgain() {
    let (value, pullback) = vjp({ $0.square() }, x)
    #expect(values(value) == [0.25, 1, 4])
    #expect(values(pullback(Tensor([1.0, 0, 0]))) == [1, 0, 0])
    #expect(values(pullback(Tensor([1.0, 2, 3]))) == [1, -4, 12])
    let (both, back) = vjp({ [$0[0] * $0[1], $0[0] + $0[1]] }, [Tensor([2.0]), Tensor([3.0])])
    #expect(both.map { $0.item() } == [6, 5])
    #expect(back([Tensor([10.0]), Tensor([1.0])]).map { $0.item() } == [31, 21])
  }

  @Test func directionalDerivatives() throws {
    let (value, derivative) = jvp({ $0.exp() }, x, Tensor([1.0, 0, 2]))
    let expected = [1.6487212707001282, 0, 14.7781121978613]
    #expect(values(value) == values(x.exp()))
    #expect(zip(values(derivative), expected).allSatisfy { abs($0 - $1) < 1e-14 })
    // Through a matrix function with a known derivative: d(A⁻¹) = −A⁻¹ dA A⁻¹.
    let a = Tensor([2.0, 1, 0.5, 3], shape: [2, 2])
    let d = Tensor([0.1, -0.3, 0.7, 0.2], shape: [2, 2])
    let moved = try jvp({ try $0.inverse() }, a, d).derivative
    let inverse = try a.inverse()
    #expect((moved + inverse.matmul(d).matmul(inverse)).abs().max().item() < 1e-15)
    let (sums, tangents) = jvp(
      { [$0[0] * $0[1], $0[0]] }, [Tensor([2.0]), Tensor([3.0])], [Tensor([1.0]), Tensor([10.0])])
    #expect(sums.map { $0.item() } == [6, 2] && tangents.map { $0.item() } == [23, 1])
    // A derivative of a derivative: d/dx (3 x² · 1) = 6 x.
    let nested = grad { x in jvp({ $0 * $0 * $0 }, x, Tensor.ones([], dtype: .float64)).derivative }
    #expect(nested(Tensor(2, dtype: .float64)).item() == 12)
  }

  @Test func jacobiansAndHessians() {
    let f = { (x: Tensor) in Tensor.stacked([x[0] * x[1], x[2].square()]) }
    #expect(values(jacobian(f, x)) == [-1, 0.5, 0, 0, 0, 4])
    let g = { (x: Tensor) in x[0] * x[1] * x[2] + x[0].square() }
    let expected: [Double] = [2, 2, -1, 2, 0, 0.5, -1, 0.5, 0]
    #expect(values(hessian(g, x)) == expected)
    let v = Tensor([1.0, -2, 3])
    let product = Tensor(expected, shape: [3, 3]).matmul(v)
    #expect(values(hessianVectorProduct(g, x, v)) == values(product))
    #expect(jacobian({ $0.slice(axis: 0, 0..<0) }, x).shape == [0, 3])
  }

  @Test func gradientsWithRespectToIntermediateResults() {
    let leaf = x.requiringGradient()
    let middle = leaf.square()
    let output = (middle * leaf).sum()
    let found = gradients(of: output, withRespectTo: [middle, leaf], keepingGraph: true)
    #expect(values(found[0]!) == values(x) && values(found[1]!) == [0.75, 3, 12])
    let other = Tensor([1.0]).requiringGradient()
    #expect(gradients(of: output, withRespectTo: [other])[0] == nil)
  }

  @Test func hooksRunOncePerPass() {
    var calls = 0
    let leaf = x.requiringGradient()
    let hooked = leaf.onGradient { gradient in
      calls += 1
      return gradient * 2
    }
    #expect(values((hooked * 3).sum().backward()[leaf]!) == [6, 6, 6] && calls == 1)
  }

  @Test func gradCheckTakesSeveralInputsAndFindsMistakes() throws {
    let inputs = [Tensor([0.3, -1.2]), Tensor([2.0]), Tensor([1.0, 2, 3], shape: [3, 1])]
    #expect(gradCheck(inputs) { ($0[0].tanh() * $0[1] + $0[2]).square() } <= 1)
    #expect(gradCheck([Tensor([1, 2] as [Float])]) { $0[0].exp() } <= 1)
    // Second derivatives.
    #expect(gradCheck([x]) { arguments in grad { $0.exp().sum() }(arguments[0]) } <= 1)
    let wrong = CustomOperation("wrong") {
      $0.square()
    } backward: { gradient, x, _ in
      2.1 * x * gradient
    }
    #expect(gradCheck([x]) { wrong($0[0]) } > 1)
    #expect(throws: LinearAlgebraError.self) {
      try gradCheck([Tensor.zeros([2, 2])]) { try $0[0].inverse() }
    }
  }
}
