import Tensor

private let sample = VectorizingMapRow.numbers
private let whole = VectorizingMapRow.counts

extension VectorizingMapRow {
  private static var cube: CustomOperation {
    CustomOperation("cube") { x in
      x * x * x
    } backward: { gradient, x, _ in
      3 * x * x * gradient
    }
  }

  /// What has to see one example at a time.
  static let oneByOne: [VectorizingMapRow] = [
    .init("branch", .each) { x, w in x[0].sum().item() > 0 ? x[0] * w : x[0].square() },
    .init("branch behind a pole", .each, [Tensor([1.0, 0, 2, 0])]) { x, w in
      let logarithm = (x[0] * w.square()).log()
      return x[0].item() > 0 ? logarithm : w
    },
    .init("elements", .each) { x, w in w * x[0].array(of: Double.self)[3] },
    .init("printing", .each) { x, w in "\(x[0])".isEmpty ? w : x[0] * w },
    .init("integers read", .each, [whole([4], 3, .int64)]) { x, w in w[x[0].item(of: Int.self)] },
    .init("reading in the middle", .each) { x, w in
      let y = (x[0] * w).tanh()
      let scale = y.max().item()
      return y.square() * x[0] * scale
    },
    .init("mask that picks", .each, [Tensor([1.0, -1, 2, 3], shape: [2, 2])]) { x, w in
      x[0][x[0] .> 0].sum() * w
    },
    .init("inverse", .each, [sample([4, 3, 3], .float64, 1)]) { x, w in try! x[0].inverse() * w },
    .init("convolution", .each, [sample([4, 1, 5, 5], .float32, 1)], isTwiceDifferentiable: false) { x, w in
      conv2d(x[0].expandedDimensions(axis: 0), weight: w.reshaped([1, 1, 1, 3]))
    },
    .init("custom operation", .eachWhenRecorded) { x, w in cube(x[0] * w) * w },
    .init("checkpoint", .each) { x, w in checkpoint { (x[0] * w).exp() * w } },
    .init("dropout", .each) { x, w in
      var generator = RandomGenerator(seed: 3)
      return dropout(x[0] * w, probability: 0.5, using: &generator) * w
    },
    .init("backward pass inside", .each) { x, _ in
      let leaf = x[0].detached().requiringGradient()
      return (leaf * leaf.exp()).sum().backward()[leaf]!
    },
    // Where the operands are recorded too, a second pass would walk through what the first has released.
    .init("backward pass to what is captured", .each) { x, w in
      let leaf = w.detached().requiringGradient()
      let loss = (leaf * x[0].detached()).log().sum()
      return loss.backward()[leaf]! + loss.detached()
    },
    .init("gradient with a branch inside", .each) { x, w in
      grad { y in
        let z = (y * w).sin()
        return z.sum().item() > 0 ? z.sum() : (z * z).sum()
      }(x[0])
    },
    .init("gradient in what is captured with a branch inside", .each) { x, w in
      grad { (v: Tensor) in
        let z = (v * x[0]).sin()
        return z.sum().item() > 0 ? z.sum() : (z * v).sum()
      }(w)
    },
    .init("reading between gradients", .each) { x, w in
      let (value, pullback) = vjp({ ($0 * w).sin() }, x[0])
      return value.sum().item() > 0 ? pullback(value) : pullback(value * 2)
    },
    .init("jvp with a branch inside", .each) { x, w in
      jvp({ $0.sum().item() > 0 ? $0 * w : $0 * $0 }, x[0], x[0] + 1).derivative
    },
    .init("map inside with a branch", .each) { x, w in vmap { $0.sum().item() > 0 ? $0 * w : -$0 }(x[0]) },
    .init("map inside with a branch on the outer slice", .each) { x, w in
      vmap { y in (y * w).exp() * (x[0].sum().item() > 0 ? 1.0 : 2.0) }(x[0])
    },
    .init("gradient of a map with a branch", .each) { x, w in
      vmap(grad { y in y.sum().item() > 0 ? (y * w).sum() : y.square().sum() })(x[0])
    },
    .init("errors caught inside", .each) { x, w in
      (try? withTensorErrors { x[0].matmul(x[0]) }) ?? x[0] * w
    },
    // An assignment that is recorded is an operation, and has a rule.
    .init("captured mask assigned", .eachUnlessRecorded) { x, w in
      var y = w
      y[[0, 2]] = x[0][0, 0..<2]
      return y * x[0]
    },
  ]
}
