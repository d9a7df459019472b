import Tensor

private let small = Tensor.ones([2, 3])
private let vector = Tensor.ones([5])
private let cube = Tensor.ones([2, 3, 4])
private let image = Tensor.ones([1, 2, 6, 6])
private let volume = Tensor.ones([1, 2, 4, 4, 4])
private let grid = Tensor.zeros([1, 2, 2, 2])
private let huge = Int.max

private func random(_ body: (inout RandomGenerator) throws -> Void) rethrows {
  var generator = RandomGenerator(seed: 1)
  try body(&generator)
}

private let recurrent: [HostileCall] = [
  .init("LSTM", "-1, 2") { random { _ = LSTM(-1, 2, using: &$0) } },
  .init("LSTM", "sizes max") { random { _ = LSTM(huge, huge, using: &$0) } },
  .init("GRU", "layers 0") { random { _ = GRU(3, 2, layers: 0, using: &$0) } },
  .init("GRU", "layers max") { random { _ = GRU(3, 2, layers: huge, using: &$0) } },
  .init("RNN", "dropout NaN") { random { _ = RNN(3, 2, dropout: .nan, using: &$0) } },
  .init("LSTM", "an input of another width") { random { _ = LSTM(3, 2, using: &$0)(cube) } },
  .init("LSTM", "a vector") { random { _ = LSTM(5, 2, using: &$0)(vector) } },
  .init("LSTM", "a cell of another shape") {
    random { _ = LSTM(4, 2, using: &$0)(cube, state: (Tensor.zeros([1, 3, 2]), small)) }
  },
  .init("GRU", "lengths of two") { random { _ = GRU(4, 2, using: &$0)(cube, lengths: [1, 2]) } },
  .init("GRU", "lengths beyond the end") { random { _ = GRU(4, 2, using: &$0)(cube, lengths: [1, 2, 3]) } },
  .init("RNN", "lengths -1") { random { _ = RNN(4, 2, using: &$0)(cube, lengths: [-1, 2, 2]) } },
  .init("lstmCell", "a state of other width") {
    _ = lstmCell(
      small, hidden: small, cell: vector, inputWeight: Tensor.ones([12, 3]),
      hiddenWeight: Tensor.ones([12, 3]))
  },
  .init("gruCell", "a weight of three gates too few") {
    _ = gruCell(small, hidden: small, inputWeight: Tensor.ones([3, 3]), hiddenWeight: Tensor.ones([9, 3]))
  },
  .init("rnnCell", "a bias") {
    _ = rnnCell(
      small, hidden: small, inputWeight: Tensor.ones([3, 3]), hiddenWeight: Tensor.ones([3, 3]),
      inputBias: vector)
  },
  .init("rnnCell", "scalars") {
    _ = rnnCell(Tensor(1), hidden: Tensor(1), inputWeight: Tensor(1), hiddenWeight: Tensor(1))
  },
]

private let maps: [HostileCall] = [
  .init("unstacked", "axis 2") { _ = small.unstacked(axis: 2) },
  .init("unstacked", "a scalar") { _ = Tensor(1).unstacked() },
  .init("vmap", "axis -3") { _ = vmap({ $0 }, inAxis: -3)(small) },
  .init("vmap", "no slice") { _ = vmap { $0 }(Tensor.ones([0, 3])) },
  .init("vmap", "extents") { _ = vmap { $0 + $1 }(small, cube.transposed(0, 1)) },
  .init("vmap", "nothing to map") { _ = vmap({ $0 + $1 }, inAxes: (nil, nil))(small, small) },
  .init("vmap", "outAxis 2") { _ = vmap({ $0.sum() }, outAxis: 2)(small) },
  .init("vmap", "results of several shapes") {
    _ = vmap { $0[0].item() > 0 ? $0 : $0.sum() }(Tensor([1, 0] as [Float], shape: [2, 1]))
  },
  .init("scan", "no step") { _ = scan(initial: vector, over: Tensor.ones([0, 3])) { ($0, $1) } },
  .init("scan", "a scalar") { _ = scan(initial: vector, over: Tensor(1)) { ($0, $1) } },
  .init("scan", "a carry of another shape") { _ = scan(initial: vector, over: small) { ($1, $0) } },
  .init("scan", "sequences of two lengths") {
    _ = scan(initial: [vector], over: [small, vector]) { ($0, $1) }
  },
]

private let pictures: [HostileCall] = [
  .init("gridSample", "a grid of three") { _ = gridSample(image, grid: Tensor.zeros([1, 2, 2, 3])) },
  .init("gridSample", "another batch") { _ = gridSample(image, grid: Tensor.zeros([2, 2, 2, 2])) },
  .init("gridSample", "no elements") { _ = gridSample(Tensor.ones([1, 2, 0, 6]), grid: grid) },
  .init("gridSample", "a grid of integers") { _ = gridSample(image, grid: grid.to(.int64)) },
  .init("gridSample", "cubic volumes") {
    _ = gridSample(volume, grid: Tensor.zeros([1, 2, 2, 2, 3]), mode: .bicubic)
  },
  .init("gridSample", "a vector") { _ = gridSample(vector, grid: vector) },
  .init("affineGrid", "a size of three") { _ = affineGrid(Tensor.ones([1, 2, 3]), size: [1, 2, 2]) },
  .init("affineGrid", "no size") { _ = affineGrid(Tensor.ones([1, 2, 3]), size: []) },
  .init("affineGrid", "size max") { _ = affineGrid(Tensor.ones([1, 2, 3]), size: [1, 1, huge, huge]) },
  .init("affineGrid", "size -1") { _ = affineGrid(Tensor.ones([1, 2, 3]), size: [1, 1, -1, 2]) },
  .init("affineGrid", "maps of pictures for volumes") {
    _ = affineGrid(Tensor.ones([1, 2, 3]), size: [1, 1, 2, 2, 2])
  },
  .init("adaptiveMaxPool2d", "size 0") { _ = adaptiveMaxPool2d(image, size: (0, 1)) },
  .init("adaptiveMaxPool2d", "size max") { _ = adaptiveMaxPool2d(image, size: (huge, 1)) },
  .init("adaptiveMaxPool2d", "nothing") { _ = adaptiveMaxPool2d(Tensor.ones([1, 2, 0, 6]), size: (1, 1)) },
  .init("adaptiveMaxPool1d", "an image") { _ = adaptiveMaxPool1d(image, size: 1) },
  .init("conv3d", "groups 0") { _ = conv3d(volume, weight: Tensor.ones([2, 2, 1, 1, 1]), groups: 0) },
  .init("conv3d", "stride 0") {
    _ = conv3d(volume, weight: Tensor.ones([2, 2, 1, 1, 1]), stride: (0, 1, 1))
  },
  .init("conv3d", "stride of rows 0") {
    _ = conv3d(volume, weight: Tensor.ones([2, 2, 1, 1, 1]), stride: (1, 0, 1))
  },
  .init("conv3d", "padding -1") {
    _ = conv3d(volume, weight: Tensor.ones([2, 2, 1, 1, 1]), padding: (-1, 0, 0))
  },
  .init("conv3d", "dilation max") {
    _ = conv3d(volume, weight: Tensor.ones([2, 2, 2, 1, 1]), dilation: (huge, 1, 1))
  },
  .init("conv3d", "a kernel too deep") { _ = conv3d(volume, weight: Tensor.ones([2, 2, 5, 1, 1])) },
  .init("conv3d", "bias") { _ = conv3d(volume, weight: Tensor.ones([2, 2, 1, 1, 1]), bias: vector) },
  .init("conv3d", "an image") { _ = conv3d(small, weight: Tensor.ones([2, 2, 1, 1, 1])) },
  .init("Conv3d", "kernel 0") { random { _ = Conv3d(2, 2, kernel: (1, 0, 1), using: &$0) } },
  .init("maxPool3d", "kernel 0") { _ = maxPool3d(volume, kernel: (0, 1, 1)) },
  .init("maxPool3d", "a matrix") { _ = maxPool3d(small, kernel: (1, 1, 1)) },
  .init("maxPool3d", "kernel max") { _ = maxPool3d(volume, kernel: (1, huge, 1)) },
  .init("averagePool3d", "divisor 0") { _ = averagePool3d(volume, kernel: (1, 1, 1), divisor: 0) },
  .init("averagePool3d", "padding 2") { _ = averagePool3d(volume, kernel: (2, 2, 2), padding: (2, 0, 0)) },
]

private let optimizers: [HostileCall] = [
  .init("Adafactor", "rate -1") { _ = Adafactor(learningRate: -1) },
  .init("Adafactor", "clippingThreshold 0.5") { _ = Adafactor(clippingThreshold: 0.5) },
  .init("Adafactor", "beta2Decay NaN") { _ = Adafactor(beta2Decay: .nan) },
  .init("Muon", "iterations 100") { _ = Muon(iterations: 100) },
  .init("Muon", "momentum NaN") { _ = Muon(momentum: .nan) },
  .init("Muon", "rounded to integers") { _ = Muon(iterationType: .int32) },
  .init("LBFGS", "history 0") { _ = LBFGS(historySize: 0) },
  .init("LBFGS", "iterations max") { _ = LBFGS(maxIterations: huge) },
  .init("LBFGS", "rate NaN") { _ = LBFGS(learningRate: .nan) },
  .init("backward", "a loss of LBFGS that is no number") {
    let parameter = Parameter(vector)
    LBFGS().step([("p", parameter)]) { parameter.tensor }
  },
  .init("ExponentialMovingAverage", "decay 2") { _ = ExponentialMovingAverage(decay: 2) },
  .init("ExponentialMovingAverage", "one name twice") {
    let average = ExponentialMovingAverage()
    average.update([("w", Parameter(small)), ("w", Parameter(vector))])
    _ = average.namedState()
  },
  .init("step", "a group of factor -1") {
    SGD().step([ParameterGroup([("w", Parameter(small))], learningRateFactor: -1)], Gradients())
  },
]

let hostileLayerCalls = recurrent + maps + pictures + optimizers
