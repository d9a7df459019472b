import Tensor

/// A layer in Float64, with the same weights each time.
private func made<Made: Module>(_ make: (inout RandomGenerator) -> Made) -> Made {
  var generator = RandomGenerator(seed: 21)
  let module = make(&generator)
  for (_, parameter) in module.namedParameters() { parameter.convert(to: .float64) }
  return module
}

/// Rows of recurrent layers, maps over axes, sampling, and convolution and pooling of volumes.
let sequenceAndSamplingGradientRows: [GradientRow] = [
  .init(name: "lstmCell", shapes: [[2, 3], [2, 2], [2, 2], [8, 3], [8, 2], [8], [8]]) {
    let (hidden, cell) = lstmCell(
      $0[0], hidden: $0[1], cell: $0[2], inputWeight: $0[3], hiddenWeight: $0[4], inputBias: $0[5],
      hiddenBias: $0[6])
    return Tensor.concatenated([hidden, cell], axis: 1)
  },
  .init(name: "gruCell", shapes: [[2, 3], [2, 2], [6, 3], [6, 2], [6], [6]]) {
    gruCell(
      $0[0], hidden: $0[1], inputWeight: $0[2], hiddenWeight: $0[3], inputBias: $0[4], hiddenBias: $0[5])
  },
  .init(name: "rnnCell", shapes: [[2, 3], [2, 2], [2, 3], [2, 2]]) {
    rnnCell($0[0], hidden: $0[1], inputWeight: $0[2], hiddenWeight: $0[3])
  },
  .init(name: "rnnCell with ReLU", shapes: [[2, 3], [2, 2], [2, 3], [2, 2], [2]]) {
    rnnCell(
      $0[0], hidden: $0[1], nonlinearity: .relu, inputWeight: $0[2], hiddenWeight: $0[3], hiddenBias: $0[4])
  },
  .init(name: "LSTM both ways, with lengths", shapes: [[3, 2, 2], [4, 2, 2], [4, 2, 2]]) {
    let layer = made { LSTM(2, 2, layers: 2, bidirectional: true, using: &$0) }
    let (output, state) = layer($0[0], state: ($0[1], $0[2]), lengths: [3, 1])
    return Tensor.concatenated(
      [output.flattened(), state.hidden.flattened(), state.cell.flattened()], axis: 0)
  },
  .init(name: "GRU of a view", shapes: [[2, 3, 4]]) {
    made { GRU(3, 2, layers: 2, batchFirst: true, using: &$0) }($0[0].transposed(1, 2)).output
  },
  .init(name: "RNN, the last state", shapes: [[2, 3], [1, 2]]) {
    made { RNN(3, 2, using: &$0) }($0[0], state: $0[1]).state
  },
  .init(name: "unstacked", shapes: [[3, 2]]) { x in
    let parts = x[0].unstacked(axis: 1)
    return parts[0].exp() * parts[1] + parts[1]
  },
  .init(name: "unstacked, one part", shapes: [[3, 2]]) { $0[0].unstacked()[1].exp() },
  .init(name: "vmap", shapes: [[2, 3, 2]]) { vmap({ $0.square().sum(axes: [0]).exp() }, inAxis: 1)($0[0]) },
  .init(name: "vmap of three", shapes: [[2, 3], [3, 2], [2]]) {
    vmap({ $0.matmul($1) + $2 }, inAxes: (0, nil, nil), outAxis: 1)($0[0], $0[1], $0[2])
  },
  .init(name: "vmap of a gradient", shapes: [[3, 2]]) { vmap(grad { ($0 * $0 * $0).sum() })($0[0]) },
  .init(name: "scan", shapes: [[2], [3, 2]]) {
    let (carry, outputs) = scan(initial: $0[0], over: $0[1], isReversed: true) { carry, x in
      (carry * x + 0.5, carry.exp())
    }
    return Tensor.concatenated([outputs, carry.expandedDimensions(axis: 0)], axis: 0)
  },
  .init(name: "gridSample", shapes: [[1, 2, 3, 4], [1, 2, 2, 2]]) { gridSample($0[0], grid: $0[1]) },
  .init(name: "gridSample of views, reflected", shapes: [[3, 4, 2, 2], [2, 3, 2, 2]]) {
    gridSample(
      $0[0].permuted([2, 3, 0, 1]), grid: $0[1].flipped(axes: [1]), padding: .reflection, alignsCorners: true)
  },
  .init(name: "gridSample of volumes", shapes: [[1, 2, 2, 3, 3], [1, 1, 2, 2, 3]]) {
    gridSample($0[0], grid: $0[1], padding: .border)
  },
  .init(name: "gridSample, bicubic", shapes: [[1, 1, 4, 3], [1, 2, 2, 2]]) {
    gridSample($0[0], grid: $0[1], mode: .bicubic, padding: .border)
  },
  .init(name: "gridSample, nearest", shapes: [[1, 2, 3, 4], [1, 2, 2, 2]]) {
    gridSample($0[0], grid: $0[1], mode: .nearest).exp()
  },
  .init(name: "affineGrid", shapes: [[2, 2, 3]]) { affineGrid($0[0], size: [2, 1, 3, 2]).exp() },
  .init(name: "conv3d in groups, dilated", shapes: [[1, 2, 4, 3, 3], [2, 1, 2, 2, 1], [2]]) {
    conv3d(
      $0[0], weight: $0[1], bias: $0[2], stride: (1, 2, 1), padding: (1, 0, 1), dilation: (2, 1, 1), groups: 2
    )
  },
  .init(name: "conv3d of a view", shapes: [[3, 3, 2, 2], [2, 2, 1, 2, 2]]) {
    conv3d($0[0].permuted([2, 0, 3, 1]), weight: $0[1].flipped(axes: [3]), stride: (2, 1, 1))
  },
  .init(name: "maxPool3d", shapes: [[1, 1, 3, 4, 3]]) {
    maxPool3d($0[0], kernel: (2, 2, 2), stride: (1, 2, 1), padding: (1, 0, 1)).exp()
  },
  .init(name: "averagePool3d", shapes: [[2, 3, 4, 3]]) {
    averagePool3d($0[0], kernel: (2, 2, 2), padding: (1, 1, 0), ceilMode: true, countsPadding: false).exp()
  },
  .init(name: "adaptiveMaxPool2d", shapes: [[2, 5, 4]]) { adaptiveMaxPool2d($0[0], size: (3, 2)).exp() },
]
