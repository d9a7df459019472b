import Tensor
import Testing

@Suite struct CheckpointingTests {
  private static let width = 64

  private func weights(_ count: Int) -> [Tensor] {
    var generator = RandomGenerator(seed: 4)
    return (0..<count).map { _ in
      Tensor.randomNormal([Self.width, Self.width], standardDeviation: 0.1, using: &generator)
        .requiringGradient()
    }
  }

  private func block(_ x: Tensor, _ weight: Tensor, _ census: Census) -> Tensor {
    var h = x
    for _ in 0..<6 {
      let token = Token(census)
      h = (h.matmul(weight) + x).tanh().onGradient { gradient in
        withExtendedLifetime(token) { gradient }
      }
    }
    return h
  }

  /// Counts how many of its tokens are alive.
  private final class Census {
    var alive = 0
    var most = 0
  }

  private final class Token {
    let census: Census
    init(_ census: Census) {
      self.census = census
      census.alive += 1
      census.most = max(census.most, census.alive)
    }
    deinit { census.alive -= 1 }
  }

  @Test func gradientsAreEqualAndOneBlockAtATimeIsKept() {
    let parameters = weights(6)
    var generator = RandomGenerator(seed: 5)
    let input = Tensor.randomNormal([100, Self.width], using: &generator).requiringGradient()
    let census = Census()
    func step(_ saves: Bool) -> (value: Double, gradients: [[Float]], keptForward: Int, most: Int) {
      census.most = 0
      var x = input
      for weight in parameters {
        let entry = x
        x = saves ? checkpoint { block(entry, weight, census) } : block(entry, weight, census)
      }
      let loss = x.square().mean()
      let kept = census.alive
      let gradients = loss.backward()
      let found = (parameters + [input]).map { gradients[$0]!.array(of: Float.self) }
      return (loss.item(), found, kept, census.most)
    }
    let (plain, saving) = (step(false), step(true))
    #expect(plain.value == saving.value)
    #expect(plain.gradients == saving.gradients)
    // Every activation of the record holds a token as long as it lives.
    #expect(plain.keptForward == 36 && plain.most == 36)
    #expect(saving.keptForward == 0 && saving.most == 6)
    #expect(census.alive == 0)
  }

  @Test func severalResultsAndConstantsAmongThem() {
    let a = Tensor([1.0, 2]).requiringGradient()
    let b = Tensor([3.0, 4]).requiringGradient()
    let found = checkpoint { [a * b, a.exp(), Tensor([5.0]), b] }
    #expect(found[2].requiresGradient == false)
    let gradients = ((found[0] + found[3]).sum() + found[2].sum()).backward()
    #expect(gradients[a]!.array(of: Double.self) == [3, 4])
    #expect(gradients[b]!.array(of: Double.self) == [2, 3])
    #expect(!checkpoint { Tensor([1.0]) * 2 }.requiresGradient)
    #expect(!noGradient { checkpoint { a * 2 } }.requiresGradient)
  }

  @Test func higherDerivativesAndNesting() {
    let f = { (x: Tensor) in
      checkpoint {
        let inner = checkpoint { x.sin() * x }
        return inner * inner
      }
    }
    let plain = { (x: Tensor) in (x.sin() * x).square() }
    let point = Tensor(0.7, dtype: .float64)
    #expect(abs(grad(f)(point).item() - grad(plain)(point).item()) < 1e-14)
    #expect(abs(grad(grad(f))(point).item() - grad(grad(plain))(point).item()) < 1e-14)
    #expect(abs(grad(grad(grad(f)))(point).item() - grad(grad(grad(plain)))(point).item()) < 1e-13)
  }

  @Test func randomNumbersAreDrawnAgainFromTheirState() {
    var generator = RandomGenerator(seed: 9)
    let x = Tensor.ones([1000], dtype: .float64).requiringGradient()
    let state = generator.split(1)
    let y = checkpoint {
      var generator = state
      return x * (Tensor.randomUniform([1000], dtype: .float64, using: &generator) .> 0.5).to(.float64)
    }
    _ = generator.next()
    // The gradient is the mask that made the values.
    #expect(y.sum().backward()[x]!.array(of: Double.self) == y.array(of: Double.self))
  }

  @Test func hooksInsideAndOutsideRunOnce() {
    var (inside, outside) = (0, 0)
    let x = Tensor([1.0, 2]).requiringGradient()
    let entry = x.onGradient {
      outside += 1; return $0 * 10
    }
    let y = checkpoint {
      (entry * 3).onGradient {
        inside += 1; return $0 * 2
      }
    }
    #expect(y.sum().backward()[x]!.array(of: Double.self) == [60, 60])
    #expect(inside == 1 && outside == 1)
  }

  @Test func gradientsOfLinearAlgebraInside() throws {
    let x = Tensor([2.0, 1, 0.5, 3], shape: [2, 2]).requiringGradient()
    let y = checkpoint { try! [x.svd().s, x.inverse()] }
    let found = (y[0].sum() + y[1].sum()).backward()[x]!
    let expected = (try x.svd().s.sum() + x.inverse().sum()).backward()[x]!
    #expect(found.array(of: Double.self) == expected.array(of: Double.self))
  }
}
