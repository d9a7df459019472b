import Tensor
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

private func mapped(_ x: Tensor, _ function: (Double) -> Double) -> Tensor {
  Tensor(x.array(of: Double.self).map(function), shape: x.shape)
}

/// Backward closures of sinh that leave the record, each in another way.
private struct LeavingRow: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let make: @Sendable () -> CustomOperation
  /// Whether the part that is missing depends on the gradient that arrives too, as a product with a direction
  /// needs.
  let losesGradient: Bool
}

private let leavingRows: [LeavingRow] = [
  LeavingRow(
    testDescription: "all by arrays",
    make: {
      CustomOperation("sinh") {
        mapped($0, sinh)
      } backward: { g, x, _ in
        Tensor(zip(g.array(of: Double.self), x.array(of: Double.self)).map { $0 * cosh($1) }, shape: x.shape)
      }
    }, losesGradient: true),
  LeavingRow(
    testDescription: "the derivative by arrays",
    make: {
      CustomOperation("sinh") {
        mapped($0, sinh)
      } backward: { g, x, _ in
        g * mapped(x, cosh)
      }
    },
    losesGradient: false),
  LeavingRow(
    testDescription: "by items",
    make: {
      CustomOperation("sinh") {
        mapped($0, sinh)
      } backward: { g, x, _ in
        g * Tensor((0..<x.count).map { cosh(x[$0].item()) }, shape: x.shape)
      }
    }, losesGradient: false),
  LeavingRow(
    testDescription: "noGradient",
    make: {
      CustomOperation("sinh") {
        mapped($0, sinh)
      } backward: { g, x, _ in
        noGradient { g * x.cosh() }
      }
    }, losesGradient: true),
  LeavingRow(
    testDescription: "detached",
    make: {
      CustomOperation("sinh") {
        mapped($0, sinh)
      } backward: { g, x, _ in
        g.detached() * x.detached().cosh()
      }
    }, losesGradient: true),
  LeavingRow(
    testDescription: "saved",
    make: {
      CustomOperation("sinh") { inputs, saved in
        saved = [mapped(inputs[0], cosh)]
        return [mapped(inputs[0], sinh)]
      } backward: { gradients, context in
        [gradients[0]! * context.saved[0]]
      }
    }, losesGradient: false),
]

@Suite struct UserDerivativeTests {
  private let x = Tensor([0.5, 1.0])

  private func expectFailure(_ body: @escaping @Sendable () -> Tensor) {
    do {
      let found = try withTensorErrors { body().array(of: Double.self) }
      Issue.record("gave \(found) in silence")
    } catch {
      let description = "\(error)"
      #expect(description.hasPrefix("[sinh] a derivative of its derivative is needed"), "\(description)")
    }
  }

  @Test(arguments: leavingRows) private func secondDerivativesFailInWords(_ row: LeavingRow) {
    let (x, make) = (x, row.make)
    let first = grad { make()($0).sum() }(x).array(of: Double.self)
    #expect(zip(first, [cosh(0.5), cosh(1.0)]).allSatisfy { abs($0 - $1) < 1e-12 })
    expectFailure { grad { x in grad { make()($0).sum() }(x).sum() }(x) }
    expectFailure { hessian({ make()($0).sum() }, x) }
    expectFailure { hessian({ make()($0).square().sum() }, x) }
    expectFailure { hessianVectorProduct({ make()($0).sum() }, x, x) }
    expectFailure { grad { x in checkpoint { grad { make()($0).sum() }(x).sum() } }(x) }
    expectFailure {
      let leaf = x.requiringGradient()
      let slope = make()(leaf * 1).sum().backward(keepingGraph: true)[leaf]!
      return slope.sum().backward()[leaf]!
    }
    if row.losesGradient {
      expectFailure { jvp({ make()($0) }, x, Tensor([1.0, 1.0])).derivative }
    } else {
      // A product with a direction needs the derivative as a function of the gradient alone.
      let found = jvp({ make()($0) }, x, Tensor([1.0, 1.0])).derivative.array(of: Double.self)
      #expect(zip(found, first).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }

  /// The first pass is recorded, but nobody asks for a second derivative of the operation.
  @Test(arguments: leavingRows) private func keepingTheGraphIsNoFailure(_ row: LeavingRow) {
    let leaf = x.requiringGradient()
    let loss = row.make()(leaf).sum()
    let (first, second) = (loss.backward(keepingGraph: true), loss.backward())
    #expect(first[leaf]!.array(of: Double.self) == second[leaf]!.array(of: Double.self))
    let other = Tensor([2.0]).requiringGradient()
    let product = (row.make()(leaf).sum() * other.square()).sum()
    let slope = product.backward(keepingGraph: true)[other]!
    #expect(slope.sum().backward()[other]!.item() == 2 * (sinh(0.5) + sinh(1.0)))
  }

  @Test func whatStaysInTheRecordHasSecondDerivatives() {
    let sine = CustomOperation("sinh") {
      mapped($0, sinh)
    } backward: { g, x, _ in
      g * x.cosh()
    }
    let second = grad { x in grad { sine($0).sum() }(x).sum() }(x).array(of: Double.self)
    #expect(zip(second, [sinh(0.5), sinh(1.0)]).allSatisfy { abs($0 - $1) < 1e-12 })
    // A function that is linear: its derivative is constant, which is no loss.
    let twice = CustomOperation("twice") {
      $0 * 2
    } backward: { g, _, _ in
      g * 2
    }
    #expect(grad { x in grad { twice($0).sum() }(x).sum() }(x).array(of: Double.self) == [0, 0])
    #expect(jvp({ twice($0) }, x, x).derivative.array(of: Double.self) == [1, 2])
    let straight = CustomOperation("round") {
      mapped($0) { $0.rounded() }
    } backward: { g, _, _ in
      g
    }
    #expect(hessian({ straight($0).square().sum() }, x).array(of: Double.self) == [2, 0, 0, 2])
  }

  @Test func savedInputsAndOutputsStayInTheRecord() {
    let cube = CustomOperation("cube") { inputs, saved in
      saved = [inputs[0]]
      return [inputs[0] * inputs[0] * inputs[0]]
    } backward: { gradients, context in
      [gradients[0].map { 3 * $0 * context.saved[0] * context.saved[0] }]
    }
    #expect(grad { x in grad { cube([$0])[0].sum() }(x).sum() }(x).array(of: Double.self) == [3, 6])
    let exponential = CustomOperation("exp") { inputs, saved in
      saved = [inputs[0].exp()]
      return saved
    } backward: { gradients, context in
      [gradients[0].map { $0 * context.saved[0] }]
    }
    #expect(gradCheck([x]) { a in grad { exponential([$0])[0].sum() }(a[0]) } <= 1)
  }

  @Test func constantsAreSaid() {
    let masked = CustomOperation("mask") { inputs, saved in
      saved = [Tensor([0.0, 2.0])]
      return [inputs[0] * saved[0]]
    } backward: { gradients, context in
      [gradients[0].map { $0 * context.saved[0].detached() }]
    }
    #expect(hessian({ masked([$0])[0].square().sum() }, x).array(of: Double.self) == [0, 0, 0, 8])
    let step = CustomOperation("step") {
      mapped($0) { $0 > 0.7 ? 1 : 0 }
    } backward: { _, x, _ in
      CustomOperation.constantGradient(Tensor.zeros(x.shape, dtype: x.dtype))
    }
    #expect(hessian({ step($0).sum() }, x).array(of: Double.self) == [0, 0, 0, 0])
    // Reading what is said to be constant is no way out of the record.
    let scaled = CustomOperation("scaled") {
      $0 * 3
    } backward: { g, x, _ in
      x.detached().max().item() > 100 ? g : g * 3
    }
    #expect(grad { x in grad { scaled($0).square().sum() }(x).sum() }(x).array(of: Double.self) == [18, 18])
  }

  @Test func hooksThatLeaveTheRecordFailToo() {
    let x = x
    do {
      let found = try withTensorErrors {
        hessian({ x in x.onGradient { g in mapped(g) { $0 * 2 } }.square().sum() }, x).array(of: Double.self)
      }
      Issue.record("gave \(found) in silence")
    } catch {
      #expect("\(error)".hasPrefix("[onGradient] a derivative of its derivative is needed"))
    }
    // The gradient passes the hook in each of the two derivatives.
    #expect(
      hessian({ x in x.onGradient { $0 * 2 }.square().sum() }, x).array(of: Double.self) == [8, 0, 0, 8])
  }
}
