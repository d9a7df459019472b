// Differentiable operations of your own: the cube root, and the change to polar coordinates. Both leave the
// library for Foundation in the forward pass; both have derivatives of every order. Then a position is found
// from noisy bearings.
import Foundation
import Tensor

func fail(_ message: String) -> Never {
  print("wrong: \(message)")
  exit(1)
}

/// y = ∛x. From y³ = x follows y' = 1 / (3 y²), which needs the output only.
let cubeRoot = CustomOperation("cubeRoot") { x in
  Tensor(x.array(of: Double.self).map { cbrt($0) }, shape: x.shape).to(x.dtype)
} backward: { gradient, _, y in
  gradient / (3 * y * y)
}

/// Distance and angle of points: two inputs, two outputs. A gradient is nil when nobody used that output.
let polar = CustomOperation("polar") { inputs, _ in
  let (x, y) = (inputs[0].array(of: Double.self), inputs[1].array(of: Double.self))
  let shape = inputs[0].shape
  return [
    Tensor(zip(x, y).map { hypot($0, $1) }, shape: shape).to(inputs[0].dtype),
    Tensor(zip(x, y).map { atan2($1, $0) }, shape: shape).to(inputs[0].dtype),
  ]
} backward: { gradients, context in
  let (x, y, r) = (context.inputs[0], context.inputs[1], context.outputs[0])
  var (ofX, ofY) = (x * 0, y * 0)
  if let ofR = gradients[0] { (ofX, ofY) = (ofX + ofR * x / r, ofY + ofR * y / r) }
  if let ofAngle = gradients[1] {
    let scaled = ofAngle / (r * r)
    (ofX, ofY) = (ofX - scaled * y, ofY + scaled * x)
  }
  return [ofX, ofY]
}

// Derivatives against differences, the first and the second.
let points = [Tensor([0.7, -1.5, 2.0]), Tensor([1.1, 0.4, -0.9])]
let checks: [(String, Double)] = [
  ("cubeRoot", gradCheck([points[0]]) { cubeRoot($0[0]) }),
  ("cubeRoot, second", gradCheck([points[0]]) { x in grad { cubeRoot($0).sum() }(x[0]) }),
  ("polar, distance", gradCheck(points) { polar($0)[0] }),
  ("polar, angle", gradCheck(points) { polar($0)[1] }),
  (
    "polar, second",
    gradCheck(points) { arguments in
      grad { (a: [Tensor]) in (polar(a)[0] * polar(a)[1]).sum() }(arguments)[0]
    }
  ),
]
for (name, worst) in checks {
  print("\(name): \(String(format: "%.1e", worst)) of the allowed difference")
  if !(worst <= 1) { fail("\(name) does not agree with finite differences") }
}

// Where is the ship? Lighthouses at known places measure its distance and its bearing.
var generator = RandomGenerator(seed: 1)
let (trueX, trueY) = (3.0, -2.0)
let housesX = Tensor([-5.0, 6, 0, 8, -7, 1])
let housesY = Tensor([-6.0, 1, 5, -8, 2, -9])
let noise = 0.01 * Tensor.randomNormal([2, 6], dtype: .float64, using: &generator)
let measured = noGradient { polar([trueX - housesX, trueY - housesY]) }
let (distances, bearings) = (measured[0] + noise[0], measured[1] + noise[1])

let misfit = valueAndGrad { (ship: [Tensor]) in
  let seen = polar([ship[0] - housesX, ship[1] - housesY])
  // 1 − cos does not mind a full turn.
  return (seen[0] - distances).square().mean() + (1 - (seen[1] - bearings).cos()).mean()
}
var ship = [Tensor(0, dtype: .float64), Tensor(0, dtype: .float64)]
for step in 0...60 {
  let (value, gradients) = misfit(ship)
  if step % 20 == 0 { print("step \(step)  misfit \(String(format: "%.6f", value.item()))") }
  ship = zip(ship, gradients).map { $0 - 0.3 * $1 }
}
let (x, y) = (ship[0].item(), ship[1].item())
print(String(format: "found (%.3f, %.3f), the ship is at (%.1f, %.1f)", x, y, trueX, trueY))
if !(hypot(x - trueX, y - trueY) < 0.03) { fail("the ship is more than 0.03 away") }
