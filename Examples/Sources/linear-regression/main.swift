// Recovers the coefficients of a noisy plane by gradient descent, and compares them with the ones it was made
// from.
import Foundation
import Tensor

var generator = RandomGenerator(seed: 1)
let truth = Tensor([2.0, -3.5, 0.5] as [Float], shape: [3, 1])
let offset = 1.25
let x = Tensor.randomNormal([500, 3], using: &generator)
let y = x.matmul(truth) + offset + 0.05 * Tensor.randomNormal([500, 1], using: &generator)

var weights = Tensor.zeros([3, 1]).requiringGradient()
var bias = Tensor.zeros([1]).requiringGradient()
for step in 0...100 {
  let loss = (x.matmul(weights) + bias - y).square().mean()
  if step % 20 == 0 { print("step \(step)  loss \(String(format: "%.5f", loss.item()))") }
  let gradients = loss.backward()
  weights = (weights.detached() - 0.1 * gradients[weights]!).requiringGradient()
  bias = (bias.detached() - 0.1 * gradients[bias]!).requiringGradient()
}

let found = weights.array(of: Float.self)
print("found \(found) and \(bias.item()), made from \(truth.array(of: Float.self)) and \(offset)")
let error = (weights.detached() - truth).abs().max().item()
guard error < 0.02, abs(bias.item() - offset) < 0.02 else {
  print("did not learn: a coefficient is \(error) away")
  exit(1)
}
