import Tensor
import Testing

/// The code of the articles in `Tensor.docc`, with the results they state.
@Suite("Articles") struct ArticleTests {
  @Test func gettingStarted() {
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    let y = x * 2 + 1
    #expect(y.shape == [2, 3])
    #expect(y.sum(axes: [1]).array(of: Float.self) == [15, 33])
    #expect(y[0, 1...].array(of: Float.self) == [5, 7])

    let inputs = Tensor([0, 1, 2, 3] as [Float])
    let targets = inputs * 3 - 1
    var (slope, offset) = (Tensor(0), Tensor(0))
    for _ in 0..<500 {
      let (a, b) = (slope.requiringGradient(), offset.requiringGradient())
      let gradients = (inputs * a + b - targets).square().mean().backward()
      slope -= gradients[a]! * 0.1
      offset -= gradients[b]! * 0.1
    }
    #expect(abs(slope.item() - 3) < 1e-3 && abs(offset.item() + 1) < 1e-3)
  }

  @Test func broadcasting() {
    let column = Tensor([10, 20] as [Float], shape: [2, 1])
    let row = Tensor([1, 2, 3] as [Float])
    #expect((column + row).array(of: Float.self) == [11, 12, 13, 21, 22, 23])
    #expect(row.expanded(to: [2, 3]).strides == [0, 1])
    let bias = row.requiringGradient()
    let gradients = (column + bias).sum().backward()
    #expect(gradients[bias]!.array(of: Float.self) == [2, 2, 2])
  }

  @Test func autograd() {
    let w = Tensor([1, 2, 3] as [Float]).requiringGradient()
    let loss = (w * w).sum()
    let gradients = loss.backward()
    #expect(gradients[w]!.array(of: Float.self) == [2, 4, 6])
    let frozen = w.detached()
    #expect(!frozen.requiresGradient)
    #expect(!noGradient { (w * w).requiresGradient })
    let x = Tensor(2, dtype: .float64).requiringGradient()
    let first = (x * x * x).backward(keepingGraph: true)[x]!
    let second = first.backward()[x]!
    #expect(first.item() == 12 && second.item() == 12)
    let value = Tensor([10] as [Float]).requiringGradient()
    var y = w
    y[1..<2] = value
    let parts = y.square().sum().backward()
    #expect(parts[w]!.array(of: Float.self) == [2, 0, 6])
    #expect(parts[value]!.array(of: Float.self) == [20])
    #expect(gradCheck([Tensor([0.5, 1.5] as [Double])]) { $0[0].exp() * $0[0] } < 1)
  }

  @Test func fromNumPyAndPyTorch() {
    let x = Tensor.arange(6, dtype: .float32).reshaped([2, 3])
    #expect(x[.all, .slice(step: -1)].array(of: Float.self) == [2, 1, 0, 5, 4, 3])
    #expect(x[[1, 0], 0].array(of: Float.self) == [3, 0])
    #expect(x[x .> 3].array(of: Float.self) == [4, 5])
    #expect(Tensor.concatenated([x, x], axis: 1).shape == [2, 6])
    let v = Tensor([3, 1, 2, 8] as [Float])
    #expect(v.median().item() == 2.5 && v.diff().array(of: Float.self) == [-2, 1, 6])
    #expect(v.histogram(bins: 2, range: (0, 4)).counts.array(of: Int.self) == [1, 2])
    #expect(Tensor([1, 3, 5] as [Int64]).searchSorted(3).item() == 1)
    #expect((Tensor([12, 7] as [Int32]) & 6).array(of: Int.self) == [4, 6])
    let bytes = Tensor([200, 100] as [UInt8])
    #expect((bytes + bytes).array(of: UInt8.self) == [144, 200])
    #expect((Tensor([7] as [Int32]) / 2).item() == 3.5 && (bytes * 2.0).dtype == .float32)
    #expect((Tensor([1] as [Float]).to(.bfloat16) * 2.5).dtype == .bfloat16)
  }

  @Test func threads() async {
    let shared = Tensor.ones([100])
    let sums = await withTaskGroup(of: Double.self) { group in
      for index in 1...3 { group.addTask { (shared * Double(index)).sum().item() } }
      return await group.reduce(0, +)
    }
    #expect(sums == 600)
  }

  @Test func memory() {
    var x = Tensor.zeros([4, 4])
    let row = x[1]
    x[1] = Tensor(5)
    #expect(row.sum().item() == 0 && x[1].sum().item() == 20)
    let weight = Tensor.full([256, 128], 0.5, dtype: .bfloat16)
    let activations = Tensor.ones([4, 128])
    let result = linear(activations, weight: weight)
    #expect(result.dtype == .float32 && result[0, 0].item() == 64)
  }
}
