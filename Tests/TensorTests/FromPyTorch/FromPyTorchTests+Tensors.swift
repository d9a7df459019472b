import Tensor
import Testing

extension FromPyTorchTests {
  @Test func creationRows() {
    gives([1, 2, 3, 4], [2, 2], .float32) {
      Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    }
    gives([1, 2], [2], .int64) {
      Tensor([1, 2] as [Int64])
    }
    gives([2.5], [], .float32) {
      Tensor(2.5)
    }
    gives([0, 0, 0, 0, 0, 0], [2, 3]) {
      Tensor.zeros([2, 3])
    }
    gives([1, 1], [2], .float64) {
      Tensor.ones([2], dtype: .float64)
    }
    gives([7, 7, 7, 7], [2, 2], .int64) {
      Tensor.full([2, 2], 7, dtype: .int64)
    }
    gives([0, 0, 0, 0, 0, 0], [2, 3]) {
      Tensor.zeros(like: x)
    }
    gives([1, 1, 1, 1, 1, 1], [2, 3]) {
      Tensor.ones(like: x)
    }
    gives([2, 2, 2, 2, 2, 2], [2, 3]) {
      Tensor.full(like: x, 2)
    }
    gives([1, 0, 0, 1], [2, 2]) {
      Tensor.eye(2)
    }
    gives([0, 1, 2, 3], [4], .int64) {
      Tensor.arange(4)
    }
    gives([0, 0.25, 0.5, 0.75], [4], .float32) {
      Tensor.arange(from: 0, to: 1, by: 0.25)
    }
    gives([0, 0.25, 0.5, 0.75, 1], [5]) {
      Tensor.linspace(0, 1, count: 5)
    }
    gives([1, 0, 0, 4, 5, 0], [2, 3]) {
      x.lowerTriangle()
    }
    gives([1, 2, 3, 0, 5, 6], [2, 3]) {
      x.upperTriangle()
    }
    gives([3, 0, 0, 0, 1, 0, 0, 0, 2], [3, 3]) {
      v * Tensor.eye(3)
    }
    gives([0, 0, 1, 1, 0, 0], [2, 3], .int64) {
      i.oneHot(classes: 3, dtype: .int64)
    }
    gives([3, 3, 3, 1, 1, 1, 2, 2, 2], [3, 3]) {
      Tensor.meshgrid([v, v], indexing: .ij)[0]
    }
  }

  @Test func shapeRows() {
    same([2, 3]) {
      x.shape
    }
    same(2) {
      x.rank
    }
    same(6) {
      x.count
    }
    same(.float32) {
      x.dtype
    }
    same([3, 1]) {
      x.strides
    }
    gives([1, 2, 3, 4, 5, 6], [3, 2]) {
      x.reshaped([3, -1])
    }
    gives([1, 2, 3, 4, 5, 6], [6]) {
      x.flattened()
    }
    gives([1, 4, 2, 5, 3, 6], [3, 2]) {
      x.transposed()
    }
    gives([1, 4, 2, 5, 3, 6], [3, 2]) {
      x.permuted([1, 0])
    }
    hasShape([3, 2]) {
      x.moved(axis: 0, to: -1)
    }
    hasShape([2, 1, 3]) {
      x.expandedDimensions(axis: 1)
    }
    hasShape([3]) {
      x[..<1].squeezed(axis: 0)
    }
    gives([3, 1, 2, 3, 1, 2], [2, 3]) {
      v.expanded(to: [2, 3])
    }
    gives([3, 1, 2, 3, 1, 2], [2, 3]) {
      Tensor.broadcast([x, v])[1]
    }
    gives([3, 1, 2, 3, 1, 2], [6]) {
      v.tiled([2])
    }
    gives([3, 3, 1, 1, 2, 2], [6]) {
      v.repeated(2, axis: 0)
    }
    gives([1, 2, 3, 6, 5, 4, 4, 5, 6, 3, 2, 1], [2, 6]) {
      Tensor.concatenated([x, y], axis: 1)
    }
    hasShape([2, 2, 3]) {
      Tensor.stacked([x, y])
    }
    gives([1, 2], [2]) {
      v.split([1, 2])[1]
    }
    gives([1, 4], [2, 1]) {
      x.chunked(3, axis: 1)[0]
    }
    gives([3, 6], [2]) {
      x.unstacked(axis: 1)[2]
    }
    gives([3, 2, 1, 6, 5, 4], [2, 3]) {
      x.flipped(axis: 1)
    }
    gives([2, 3, 1], [3]) {
      v.rolled(1, axis: 0)
    }
    gives([0, 3, 1, 2, 0, 0], [6]) {
      v.padded([(before: 1, after: 2)])
    }
    gives([3, 1, 1, 2], [2, 2]) {
      v.unfolded(axis: 0, size: 2)
    }
    same(true) {
      x.transposed().contiguous().isContiguous
    }
  }

  @Test func indexingRows() {
    gives([1, 2, 3], [3]) {
      x[0]
    }
    gives([2, 5], [2]) {
      x[.all, 1]
    }
    gives([2, 3], [2]) {
      x[0, 1..<3]
    }
    gives([3, 6], [2]) {
      x[.ellipsis, -1]
    }
    hasShape([2, 1, 3]) {
      x[.all, .newAxis]
    }
    gives([1, 3, 4, 6], [2, 2]) {
      x[.all, .slice(step: 2)]
    }
    gives([4, 5, 6, 1, 2, 3], [2, 3]) {
      x[[1, 0]]
    }
    gives([4, 5, 6], [3]) {
      x[x .> 3]
    }
    gives([3, 1, 6, 4], [2, 2]) {
      x[.all, i]
    }
    gives([2, 3, 5, 6], [2, 2]) {
      x.slice(axis: 1, 1..<3)
    }
    same(2) {
      x[0, 1].item()
    }
    gives([3, 1, 6, 4], [2, 2]) {
      x.indexSelect(axis: 1, i)
    }
    gives([2, 3], [2]) {
      v.gather(axis: 0, i)
    }
    gives([1, 2, 3, 4, 5, 6], [2, 3]) {
      x.takeAlong(axis: 1, x.argsort(axis: 1))
    }
    gives([6, 5, 4, 4, 5, 6], [2, 3]) {
      Tensor.select(m, x, y)
    }
    gives([1, 2, 3, 0, 0, 0], [2, 3]) {
      x.maskedFill(m, 0)
    }
    gives([1, 0, 1, 1, 1, 2], [3, 2], .int64) {
      m.nonZero()
    }
    gives([2, 1, 1], [3]) {
      v.scatter(axis: 0, i, b.to(.float32))
    }
    gives([5, 1, 3], [3]) {
      v.scatterAdd(axis: 0, i, b.to(.float32))
    }
    gives([5, 1, 3], [3]) {
      v.indexAdd(axis: 0, i, b.to(.float32))
    }
    var (z, w) = (x, v)
    z[0] = 5
    #expect(z.array(of: Int.self) == [5, 5, 5, 4, 5, 6])
    z[z .> 4] = 0
    #expect(z.array(of: Int.self) == [0, 0, 0, 4, 0, 0])
    z[.all, 1...] = y[.all, 1...]
    #expect(z.array(of: Int.self) == [0, 5, 4, 4, 2, 1])
    w += 1
    #expect(w.array(of: Int.self) == [4, 2, 3] && v.array(of: Int.self) == [3, 1, 2])
  }

  @Test func arithmeticRows() {
    gives([7, 7, 7, 7, 7, 7], [2, 3]) {
      x + y
    }
    gives([3, 2, 6, 12, 5, 12], [2, 3]) {
      x * v
    }
    gives([0.5, 1, 1.5, 2, 2.5, 3], [2, 3]) {
      x / 2
    }
    gives([0, 1, 1, 2, 2, 3], [2, 3]) {
      x.floorDivided(by: 2)
    }
    gives([1, 0, 1, 0, 1, 0], [2, 3]) {
      x % 2
    }
    gives([9, 1, 4], [3]) {
      v.pow(2)
    }
    gives([9, 1, 4], [3]) {
      v.square()
    }
    gives([-3, -1, -2], [3]) {
      -v
    }
    gives([3, 1, 2], [3]) {
      (-v).abs()
    }
    gives([20.0855369, 2.71828183, 7.3890561], [3]) {
      v.exp()
    }
    gives([1.09861229, 0, 0.69314718], [3]) {
      v.log()
    }
    gives([1.38629436, 0.69314718, 1.09861229], [3]) {
      v.log1p()
    }
    gives([1.5849625, 0, 1], [3]) {
      v.log2()
    }
    gives([1.73205081, 1, 1.41421356], [3]) {
      v.sqrt()
    }
    gives([0.57735027, 1, 0.70710678], [3]) {
      v.rsqrt()
    }
    gives([0.14112001, 0.84147098, 0.90929743], [3]) {
      v.sin()
    }
    gives([-0.9899925, 0.54030231, -0.41614684], [3]) {
      v.cos()
    }
    gives([0.99505475, 0.76159416, 0.96402758], [3]) {
      v.tanh()
    }
    gives([0.78539816, 0.78539816, 0.78539816], [3]) {
      v.atan2(v)
    }
    gives([0.99997791, 0.84270079, 0.99532227], [3]) {
      v.erf()
    }
    gives([2.5, 1.5, 2], [3]) {
      v.clamped(1.5, 2.5)
    }
    gives([3, 2, 2], [3]) {
      v.maximum(2)
    }
    gives([2, 0, 1], [3]) {
      (v / 2).round()
    }
    gives([1, 0, 1], [3]) {
      (v / 2).floor()
    }
    gives([2, 1, 1], [3]) {
      (v / 2).ceil()
    }
    gives([1, -1, 0], [3]) {
      (v - 2).sign()
    }
    gives([6, 5, 4, 4, 5, 6], [2, 3]) {
      x.maximum(y)
    }
    gives([3.5, 3.5, 3.5, 3.5, 3.5, 3.5], [2, 3]) {
      x.lerp(y, 0.5)
    }
    gives([0, 0, 0, 0, 0, 0], [2, 3], .bool) {
      x .== y
    }
    gives([1, 1, 1, 1, 1, 1], [2, 3], .bool) {
      x .!= y
    }
    gives([1, 1, 1, 0, 0, 0], [2, 3], .bool) {
      x .< y
    }
    gives([0, 0, 1, 1, 1, 1], [2, 3], .bool) {
      x .>= 3
    }
    gives([0, 0, 0, 1, 1, 0], [2, 3], .bool) {
      m .& (x .< 6)
    }
    gives([1, 0, 0, 1, 1, 1], [2, 3], .bool) {
      m .| (x .< 2)
    }
    gives([1, 1, 1, 0, 0, 0], [2, 3], .bool) {
      .!m
    }
    gives([0, 0, 0, 0, 0, 0], [2, 3], .bool) {
      x.isNaN()
    }
    gives([1, 1, 1, 1, 1, 1], [2, 3], .bool) {
      x.isFinite()
    }
    same(false) {
      x.isClose(to: y)
    }
    gives([3, 1, 2], [3], .int64) {
      v.to(.int64)
    }
    gives([2, 0], [2], .float32) {
      i.to(.float32)
    }
    gives([2, 0], [2], .float64) {
      i.to(.float64)
    }
    gives([1, 0], [2], .bool) {
      i.to(.bool)
    }
    gives([1, 2, 3, 4, 5, 6], [2, 3], .bfloat16) {
      x.to(.bfloat16)
    }
    gives([1, 2, 3, 4, 5, 6], [2, 3], .float16) {
      x.to(.float16)
    }
    gives([3, 1, 2], [3], .int8) {
      v.to(.int8)
    }
    gives([3, 1, 2], [3], .uint16) {
      v.to(.uint16)
    }
    gives([1_077_936_128, 1_065_353_216, 1_073_741_824], [3], .int32) {
      v.viewed(as: .int32)
    }
  }
}
