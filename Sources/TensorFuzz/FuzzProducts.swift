import Tensor

// MARK: Products and layers

extension FuzzOperation {
  static var products: [FuzzOperation] {
    [
      FuzzOperation("matmul") { g in
        let batch = g.shape(rank: 0...2)
        let (m, k, n) = (g.below(6), g.below(6), g.below(6))
        let type = g.pick(floats)
        let vector = g.below(5)
        let a = RandomOperand(vector == 0 ? [k] : batch + [m, k], dtype: type, in: -2...2, using: &g)
        let b = RandomOperand(
          vector == 1 ? [k] : g.broadcastable(with: batch) + [k, n], dtype: type, in: -2...2, using: &g)
        return FuzzCase(
          operands: [a, b], python: "torch.matmul(x[0], x[1])", isDifferentiable: true, slack: 4
        ) {
          $0[0].matmul($0[1])
        }
      },
      FuzzOperation("linear") { g in
        let (inputs, outputs) = (1 + g.below(6), 1 + g.below(6))
        let type = g.pick(floats)
        let x = RandomOperand(g.shape(rank: 1...3) + [inputs], dtype: type, in: -2...2, using: &g)
        let weight = RandomOperand([outputs, inputs], dtype: type, in: -2...2, using: &g)
        let bias = RandomOperand([outputs], dtype: type, in: -2...2, using: &g)
        return FuzzCase(
          operands: [x, weight, bias], python: "F.linear(x[0], x[1], x[2])", isDifferentiable: true, slack: 4
        ) { linear($0[0], weight: $0[1], bias: $0[2]) }
      },
      FuzzOperation("einsum") { g in
        let equation = g.pick([
          "ij,jk->ik", "bij,bjk->bik", "ij->ji", "ii->i", "ij,ij->", "bhqd,bhkd->bhqk", "i,j->ij",
          "ij,kj->ik",
          "abc->b",
          "bij,bik->jk",
        ])
        let sides = equation.split(separator: "-")[0].split(separator: ",")
        let type = g.pick(floats)
        var sizes: [Character: Int] = [:]
        let operands = sides.map { side in
          let shape = side.map { letter in
            if sizes[letter] == nil { sizes[letter] = 1 + g.below(4) }
            return sizes[letter]!
          }
          return RandomOperand(shape, dtype: type, in: -2...2, using: &g)
        }
        return FuzzCase(
          operands: operands, python: "torch.einsum('\(equation)', *x)", isDifferentiable: true, slack: 4
        ) { einsum(equation, $0) }
      },
      FuzzOperation("einsum ellipsis") { g in
        let equation = g.pick([
          "...ij,...jk->...ik", "...ij,...jk", "...ij,...jk->ik", "i...j,j...k->...ki", "...ij,jk...->k...i",
        ])
        let batch = g.shape(rank: 0...2, allowsEmpty: false)
        let type = g.pick(floats)
        let sizes = ["i": 1 + g.below(4), "j": 1 + g.below(4), "k": 1 + g.below(4)]
        let operands = equation.split(separator: "-")[0].split(separator: ",").enumerated().map {
          place, group in
          let lead = place == 0 ? batch : g.broadcastable(with: batch)
          let shape = group.split(separator: "...", omittingEmptySubsequences: false).map { part in
            part.map { sizes[String($0)] ?? 1 }
          }
          return RandomOperand(
            Array(shape.joined(separator: group.contains(".") ? lead : [])), dtype: type, in: -2...2,
            using: &g)
        }
        return FuzzCase(
          operands: operands, python: "torch.einsum('\(equation)', *x)", isDifferentiable: true, slack: 4
        ) { einsum(equation, $0) }
      },
      FuzzOperation("tensordot") { g in
        let (a, b, shared) = (g.shape(rank: 0...2), g.shape(rank: 0...2), g.shape(rank: 0...2))
        let type = g.pick(floats)
        let x = RandomOperand(a + shared, dtype: type, in: -2...2, using: &g)
        let y = RandomOperand(shared + b, dtype: type, in: -2...2, using: &g)
        return FuzzCase(
          operands: [x, y], python: "torch.tensordot(x[0], x[1], dims=\(shared.count))",
          isDifferentiable: true,
          slack: 4
        ) { tensordot($0[0], $0[1], axes: shared.count) }
      },
      FuzzOperation("inverse") { g in
        let n = 1 + g.below(4)
        let x = RandomOperand(g.shape(rank: 0...1) + [n, n], dtype: .float64, in: 0...1, using: &g)
        let python = "torch.linalg.inv(x[0] + 3 * torch.eye(\(n), dtype=torch.float64))"
        return FuzzCase(operands: [x], python: python, isDifferentiable: true, slack: 1e3) {
          // Diagonally dominant enough never to be singular.
          (try? ($0[0] + 3 * Tensor.eye(n, dtype: .float64)).inverse()) ?? Tensor.zeros([])
        }
      },
      FuzzOperation("det") { g in
        let n = 1 + g.below(4)
        let x = RandomOperand(g.shape(rank: 0...1) + [n, n], dtype: .float64, in: -1...1, using: &g)
        let python = "torch.linalg.det(x[0] + 3 * torch.eye(\(n), dtype=torch.float64))"
        return FuzzCase(operands: [x], python: python, isDifferentiable: true, slack: 1e3) {
          ($0[0] + 3 * Tensor.eye(n, dtype: .float64)).det()
        }
      },
    ]
  }

  static var layers: [FuzzOperation] {
    [
      FuzzOperation("conv2d") { g in
        let groups = 1 + g.below(2)
        let (inputs, outputs) = (groups * (1 + g.below(2)), groups * (1 + g.below(2)))
        let (kernel, dilation) = ((1 + g.below(3), 1 + g.below(3)), 1 + g.below(2))
        let (stride, padding) = ((1 + g.below(2), 1 + g.below(2)), (g.below(2), g.below(2)))
        let size = [(kernel.0 - 1) * dilation + 1 + g.below(5), (kernel.1 - 1) * dilation + 1 + g.below(5)]
        let type = g.pick(floats)
        let x = RandomOperand([g.below(3), inputs] + size, dtype: type, in: -1...1, using: &g)
        let weight = RandomOperand(
          [outputs, inputs / groups, kernel.0, kernel.1], dtype: type, in: -1...1, using: &g)
        let bias = RandomOperand([outputs], dtype: type, in: -1...1, using: &g)
        return FuzzCase(
          operands: [x, weight, bias],
          python:
            "F.conv2d(x[0], x[1], x[2], (\(stride.0), \(stride.1)), (\(padding.0), \(padding.1)), "
            + "\(dilation), \(groups))",
          isDifferentiable: true, slack: 4
        ) {
          conv2d(
            $0[0], weight: $0[1], bias: $0[2], stride: stride, padding: padding,
            dilation: (dilation, dilation),
            groups: groups)
        }
      },
      FuzzOperation("max pool") { g in
        let kernel = 1 + g.below(3)
        let stride = 1 + g.below(3)
        let size = [kernel + g.below(5), kernel + g.below(5)]
        let x = RandomOperand(
          elements: (0..<2 * size[0] * size[1]).map { _ in g.uniform() }, shape: [1, 2] + size,
          dtype: g.pick(floats))
        return FuzzCase(
          operands: [x], python: "F.max_pool2d(x[0], \(kernel), \(stride))", isDifferentiable: true
        ) {
          maxPool2d($0[0], kernel: (kernel, kernel), stride: (stride, stride))
        }
      },
      FuzzOperation("layer norm") { g in
        let width = 2 + g.below(5)
        let type = g.pick(floats)
        let x = RandomOperand(
          elements: (0..<3 * width).map { _ in g.uniform() * 4 - 2 }, shape: [3, width], dtype: type)
        let weight = RandomOperand([width], dtype: type, in: 0.5...2, using: &g)
        let bias = RandomOperand([width], dtype: type, in: -1...1, using: &g)
        return FuzzCase(
          operands: [x, weight, bias], python: "F.layer_norm(x[0], (\(width),), x[1], x[2])",
          isDifferentiable: true,
          slack: 100
        ) { layerNorm($0[0], weight: $0[1], bias: $0[2]) }
      },
      FuzzOperation("cross entropy") { g in
        let (rows, classes) = (1 + g.below(6), 2 + g.below(5))
        let x = RandomOperand([rows, classes], dtype: g.pick(floats), in: -3...3, using: &g)
        let targets = RandomOperand([rows], dtype: .int64, in: 0...Double(classes - 1), using: &g)
        let smoothing = g.pick([0.0, 0.1])
        return FuzzCase(
          operands: [x, targets], python: "F.cross_entropy(x[0], x[1], label_smoothing=\(smoothing))",
          isDifferentiable: true, slack: 4
        ) { crossEntropy($0[0], targets: $0[1], labelSmoothing: smoothing) }
      },
      // PyTorch 2.13's fused kernel gives wrong results for a query that is expanded along its tokens: it
      // gets copies.
      FuzzOperation("attention") { g in
        let (batch, heads, tokens, width) = (
          1 + g.below(2), 1 + g.below(3), 1 + g.below(5), 2 * (1 + g.below(3))
        )
        let type = g.pick(floats)
        let parts = (0..<3).map { _ in
          RandomOperand([batch, heads, tokens, width], dtype: type, in: -2...2, using: &g)
        }
        let isCausal = g.below(2) == 0
        return FuzzCase(
          operands: parts,
          python:
            "F.scaled_dot_product_attention(*[t.contiguous() for t in x], "
            + "is_causal=\(isCausal ? "True" : "False"))",
          isDifferentiable: true, slack: 10
        ) { scaledDotProductAttention(query: $0[0], key: $0[1], value: $0[2], isCausal: isCausal) }
      },
    ]
  }
}
