import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

extension FromPyTorchTests {
  @Test func layersRows() {
    var generator = RandomGenerator(seed: 1)
    let t = Tensor.randomNormal([2, 5, 8], using: &generator)
    let p = Tensor.randomNormal([2, 3, 8, 8], using: &generator)
    let dense = Linear(8, 4, using: &generator)
    #expect(dense(t).shape == [2, 5, 4])
    let table = Embedding(10, 8, using: &generator)
    #expect(table(i).shape == [2, 8])
    let norm = LayerNorm(8)
    #expect(norm(t).isClose(to: layerNorm(t)))
    let rms = RMSNorm(8)
    #expect(rms(t).isClose(to: rmsNorm(t)))
    let groups = GroupNorm(1, 3)
    #expect(groups(p).shape == p.shape)
    let batches = BatchNorm(3)
    #expect(batches(p).shape == p.shape)
    let drop = Dropout(0.1, using: &generator)
    #expect(drop(t).shape == t.shape)
    let conv = Conv2d(3, 4, kernel: (3, 3), padding: (1, 1), using: &generator)
    #expect(conv(p).shape == [2, 4, 8, 8])
    let conv1 = Conv1d(5, 4, kernel: 3, using: &generator)
    #expect(conv1(t).shape == [2, 4, 6])
    let heads = MultiHeadAttention(8, heads: 2, using: &generator)
    #expect(heads.namedParameters().map(\.name).first == "in_proj_weight")
    hasShape([2, 5, 8]) {
      heads(t, isCausal: true)
    }
    let lstm = LSTM(8, 6, batchFirst: true, using: &generator)
    let (out, state) = lstm(t)
    #expect(out.shape == [2, 5, 6] && state.hidden.shape == [1, 2, 6] && state.cell.shape == [1, 2, 6])
    let gru = GRU(8, 6, batchFirst: true, bidirectional: true, using: &generator)
    #expect(gru(t).output.shape == [2, 5, 12])
    let both = Sequential(dense, ActivationLayer.relu)
    #expect(both(t).min().item() == 0)
    gives([1, 0, 0], [3]) {
      (v - 2).relu()
    }
    gives([2.9959502, 0.84134475, 1.9544997], [3]) {
      v.gelu()
    }
    gives([2.8577224, 0.73105858, 1.7615942], [3]) {
      v.silu()
    }
    gives([-0.03, -0.01, -0.02], [3]) {
      (-v).leakyReLU()
    }
    gives([-0.95021293, -0.63212056, -0.86466472], [3]) {
      (-v).elu()
    }
    gives([0.95257413, 0.73105858, 0.88079708], [3]) {
      v.sigmoid()
    }
    gives([3.04858735, 1.31326169, 2.12692801], [3]) {
      v.softplus()
    }
    gives([-0.04858735, -0.31326169, -0.12692801], [3]) {
      v.logSigmoid()
    }
    gives([0.66524096, 0.09003057, 0.24472847], [3]) {
      v.softmax(axis: 0)
    }
    gives([-0.40760596, -2.40760596, -1.40760596], [3]) {
      v.logSoftmax(axis: 0)
    }
    gives([14, 32, 32, 77], [2, 2]) {
      linear(x, weight: x)
    }
    hasShape([2, 5, 8]) {
      layerNorm(t)
    }
    hasShape([2, 5, 8]) {
      rmsNorm(t)
    }
    hasShape([2, 3, 8, 8]) {
      batchNorm(p)
    }
    hasShape([2, 5, 8]) {
      dropout(t, probability: 0.1, using: &generator)
    }
    hasShape([2, 4, 3, 3]) {
      conv2d(p, weight: Tensor.ones([4, 3, 3, 3]), stride: (2, 2))
    }
    hasShape([2, 3, 4, 4]) {
      maxPool2d(p, kernel: (2, 2))
    }
    hasShape([2, 3, 4, 4]) {
      averagePool2d(p, kernel: (2, 2))
    }
    hasShape([2, 3, 1, 1]) {
      adaptiveAveragePool2d(p, size: (1, 1))
    }
    hasShape([2, 3, 16, 16]) {
      interpolate(p, scale: [2, 2], mode: .bilinear)
    }
    hasShape([2, 5, 8]) {
      scaledDotProductAttention(query: t, key: t, value: t, isCausal: true)
    }
  }

  @Test func modulesRows() {
    var generator = RandomGenerator(seed: 1)
    let model = Model(using: &generator)
    let fresh = Model(using: &generator)
    let weight = Parameter(Tensor.zeros([3]))
    #expect(weight.isTrainable && weight.tensor.requiresGradient)
    same(["first.weight", "first.bias", "head.weight", "head.bias"]) {
      model.namedParameters().map(\.name)
    }
    same(21) {
      model.parameterCounts.all
    }
    model.setTraining(false)
    fresh.setTrainable(false)
    #expect(fresh.trainableParameters().isEmpty)
    fresh.namedParameters().forEach { $0.parameter.convert(to: .float64) }
    #expect(fresh.head.weight.dtype == .float64)
    model.head.weight.tensor = Tensor.ones([1, 4])
    #expect(model.head.weight.tensor.sum().item() == 4)
    model.first.weight.tensor = Initialization.xavierUniform([4, 3], using: &generator)
    model.first.weight.tensor = Initialization.kaimingNormal([4, 3], using: &generator)
    #expect(model.first.weight.tensor.abs().max().item() > 0)
    model.first.bias!.tensor = Tensor.zeros([4])
    #expect(model(x).shape == [2, 1])
  }

  @Test func lossesRows() {
    gives([11.6666667], []) {
      mseLoss(x, y)
    }
    gives([3], []) {
      l1Loss(x, y)
    }
    gives([2.5], []) {
      smoothL1Loss(x, y)
    }
    gives([25, 9, 1, 1, 9, 25], [2, 3]) {
      mseLoss(x, y, reduction: .none)
    }
    gives([1.40760596], []) {
      crossEntropy(x, targets: i)
    }
    gives([1.40760596], []) {
      crossEntropy(x, targets: i, labelSmoothing: 0.1)
    }
    gives([0.40760596], []) {
      crossEntropy(x, targets: i, ignoring: 0)
    }
    gives([1.40760596], []) {
      nllLoss(x.logSoftmax(), targets: i)
    }
    gives([0.16292578], []) {
      binaryCrossEntropy(logits: v, targets: Tensor.ones([3]))
    }
    gives([0], []) {
      klDivergence(logProbabilities: v.logSoftmax(), target: v.softmax(), reduction: .sum)
    }
  }

  @Test func gradientsRows() {
    let f = { (x: Tensor) in x.square().sum() }
    let u = v.requiringGradient()
    #expect(u.requiresGradient && !v.requiresGradient)
    let found = (u * u).sum().backward()
    gives([6, 2, 4], [3]) {
      found[u]!
    }
    same(false) {
      noGradient { (u * u).requiresGradient }
    }
    gives([3, 1, 2], [3]) {
      u.detached()
    }
    gives([6, 2, 4], [3]) {
      gradients(of: (u * u).sum(), withRespectTo: [u])[0]!
    }
    let slope = gradients(of: f(u), withRespectTo: [u], keepingGraph: true)[0]!
    #expect(slope.requiresGradient)
    gives([6, 2, 4], [3]) {
      (u * u).backward(from: Tensor.ones([3]))[u]!
    }
    let hooked = u.onGradient { 2 * $0 }
    #expect(f(hooked).backward()[u]!.array(of: Int.self) == [12, 4, 8])
    gives([6, 2, 4], [3]) {
      grad(f)(v)
    }
    let (value, gradient) = valueAndGrad(f)(v)
    #expect(value.item() == 14 && gradient.array(of: Int.self) == [6, 2, 4])
    gives([28], []) {
      jvp(f, v, v).derivative
    }
    gives([6, 2, 4], [3]) {
      vjp(f, v).pullback(Tensor(1))
    }
    gives([2, 0, 0, 0, 2, 0, 0, 0, 2], [3, 3]) {
      hessian(f, v)
    }
    gives([20.0855369, 2.71828183, 7.3890561], [3]) {
      jacobian({ $0.exp() }, v).diagonal()
    }
    gives([14, 77], [2]) {
      vmap(f)(x)
    }
    gives([14], []) {
      checkpoint { f(u) }
    }
    same(true) {
      gradCheck([v]) { f($0[0]) } < 1
    }
    let twice = CustomOperation("twice", forward: { 2 * $0 }, backward: { g, _, _ in 2 * g })
    #expect(twice(u).sum().backward()[u]!.array(of: Int.self) == [2, 2, 2])
  }

  @Test func optimizersRows() {
    var generator = RandomGenerator(seed: 1)
    let model = Model(using: &generator)
    let (head, body) = (model.head.namedParameters(), model.first.namedParameters())
    let parameters = model.trainableParameters()
    let target = Tensor.ones([2, 1])
    let before = mseLoss(model(x), target).item()
    let sgd = SGD(learningRate: 0.1, momentum: 0.9)
    #expect(sgd.momentum == 0.9)
    let adam = Adam(learningRate: 1e-3)
    #expect(adam.learningRate == 1e-3)
    let optimizer = AdamW(learningRate: 0.01, weightDecay: 0.1)
    let rmsprop = RMSprop(learningRate: 0.01)
    #expect(rmsprop.learningRate == 0.01)
    let loss = mseLoss(model(x), target)
    var gradients = loss.backward()
    let norm = gradients.clip(norm: 1, of: parameters)
    #expect(norm > 0)
    gradients.clip(value: 0.5, of: parameters)
    optimizer.step(parameters, gradients)
    #expect(mseLoss(model(x), target).item() < before)
    optimizer.learningRate = 1e-3
    let groups = [ParameterGroup(head, learningRateFactor: 10), ParameterGroup(body)]
    optimizer.step(groups, mseLoss(model(x), target).backward())
    let schedule = LearningRateSchedule(.cosine, peak: 1e-3, warmupSteps: 10, totalSteps: 110)
    optimizer.learningRate = schedule.rate(step: 10)
    #expect(optimizer.learningRate == 1e-3)
    let lbfgs = LBFGS(lineSearch: .strongWolfe)
    lbfgs.step(parameters) { mseLoss(model(x), target) }
    #expect(mseLoss(model(x), target).item() < 0.01)
    let average = ExponentialMovingAverage(decay: 0.999)
    average.update(model.namedParameters())
    #expect(average.updateCount == 1)
  }

  @Test func savingRows() throws {
    var generator = RandomGenerator(seed: 1)
    let model = Model(using: &generator)
    let (named, parameters) = (model.namedParameters(), model.trainableParameters())
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("w.safetensors")
    let array = folder.url.appendingPathComponent("x.npy")
    let archive = Fixtures.url("pytorch/views.bin")
    let optimizer = AdamW()
    optimizer.step(parameters, mseLoss(model(x), Tensor.ones([2, 1])).backward())
    let weights = named.map { (name: $0.name, tensor: $0.parameter.tensor) }
    #expect(weights.count == 4)
    try SafeTensors.write(weights, to: file)
    let stored = try SafeTensors.read(file)
    #expect(stored.names.sorted() == weights.map(\.name).sorted())
    for (name, parameter) in named { parameter.tensor = try stored.tensor(name) }
    #expect(model.head.weight.tensor.isClose(to: weights[2].tensor))
    let loaded = try PyTorchFile(reading: archive).tensors()
    #expect(!loaded.isEmpty)
    let (saved, count) = (optimizer.namedState(), optimizer.stepCount)
    #expect(!saved.isEmpty && count == 1)
    try optimizer.load(state: saved, stepCount: count, parameters: parameters)
    #expect(optimizer.stepCount == 1)
    try NPY.write(x, to: array)
    try gives([1, 2, 3, 4, 5, 6], [2, 3], .float32) {
      try NPY.read(array)
    }
  }
}
