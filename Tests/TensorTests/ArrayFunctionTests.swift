import Tensor
import Testing

/// Functions that NumPy has under these names, against its numbers, and what its numbers do not show.
@Suite struct ArrayFunctionTests {
  /// Edges that cannot be told apart are an error, and so are those beyond the type.
  @Test func binsThatHaveNoWidth() throws {
    let calls: [@Sendable () -> Void] = [
      { _ = Tensor([1e16] as [Double]).histogram() }, { _ = Tensor([Int64(1) << 54]).histogram() },
      { _ = Tensor([1, 1.0.nextUp]).histogram(bins: 3) },
      { _ = Tensor([Float.infinity]).histogram(range: (0, 1e39)) },
    ]
    for call in calls {
      let error = #expect(throws: TensorError.self) { try withTensorErrors(call) }
      #expect(error?.message.contains("too many") == true)
    }
  }

  /// The mean of two middle ones as NumPy's median takes it, infinities and large numbers too.
  @Test func mediansAtTheEndsOfTheType() {
    let infinity = Float.infinity
    #expect(Tensor([1, infinity]).median().item() == .infinity)
    #expect(Tensor([1, 2, infinity, infinity]).median().item() == .infinity)
    #expect(Tensor([-infinity, infinity]).median().item().isNaN)
    #expect(Tensor([-3e38, 3e38] as [Float]).median().item() == 0)
    #expect(Tensor([3e38, 3e38] as [Float]).median().item() == Double(3e38 as Float))
    #expect(Tensor([1, 2, 3, 4] as [Float]).median().item() == 2.5)
  }

  /// The same elements with gaps between them in memory.
  private func spread(_ x: Tensor) -> Tensor {
    x.rank == 0 ? x : Tensor.stacked([x, x], axis: x.rank).slice(axis: x.rank, 0..<1).squeezed(axis: x.rank)
  }

  @Test func numbersOfNumPy() throws {
    let cases = try ArrayFunctionCase.all()
    #expect(cases.count > 400)
    #expect(Set(cases.map(\.op)) == Set(ArrayFunctionCase.functions.keys))
    for (index, item) in cases.enumerated() {
      let function = try #require(ArrayFunctionCase.functions[item.op])
      let inputs = item.in.map(\.tensor)
      for operands in [inputs, inputs.map(spread)] {
        let name = "case \(index), \(item.op) of \(inputs.map { "\($0.dtype)\($0.shape)" }): \(item.args)"
        let results = try function(operands, item.args)
        #expect(results.count == item.out.count, "\(name)")
        for (found, expected) in zip(results, item.out) {
          if let difference = expected.difference(from: found) { Issue.record("\(name): \(difference)") }
        }
      }
    }
  }

  @Test func spreadTensorsHaveGaps() {
    let x = Tensor.arange(6).reshaped([2, 3])
    #expect(spread(x).strides == [6, 2] && spread(x).array(of: Int.self) == x.array(of: Int.self))
  }

  @Test func numbersBesideTensors() {
    let bytes = Tensor([12, 200] as [UInt8])
    let mask = 6
    #expect((bytes & mask).array(of: Int.self) == [4, 0] && (bytes | 1).dtype == .uint8)
    #expect((bytes ^ mask).array(of: Int.self) == [10, 206] && (1 | bytes).array(of: Int.self) == [13, 201])
    #expect(bytes.bitwiseLeftShift(1).array(of: Int.self) == [24, 144])
    #expect(bytes.bitwiseRightShift(2).array(of: Int.self) == [3, 50])
    #expect((Tensor([true, false]) & true).dtype == .bool)
    #expect((Tensor([true, false]) | 2).dtype == .int64)
    let half = Tensor([3, -3] as [Float]).to(.float16)
    #expect(half.hypot(4).dtype == .float16 && half.hypot(4).array(of: Double.self) == [5, 5])
    #expect(Tensor([3] as [Int64]).hypot(4).item() == 5)
    #expect(half.copysign(-1).array(of: Double.self) == [-3, -3])
    #expect(half.nextAfter(10).array(of: Double.self) == [3 + 0x1p-9, -3 + 0x1p-9])
    #expect(Tensor(1).nextAfter(Tensor([2.0])).item() == 1.0.nextUp)
    #expect(Tensor([1, 3, 5] as [Int64]).searchSorted(3, side: .right).item() == 2)
    #expect(Tensor([1, 3, .max] as [Int64]).isIn(3).array(of: Bool.self) == [false, true, false])
    #expect(Tensor([4, 9] as [UInt8]).diff(prepending: 1).array(of: Int.self) == [3, 5])
  }

  @Test func createdLikeOthers() {
    let x = Tensor.ones([2, 0, 3], dtype: .int32)
    #expect(Tensor.zeros(like: x).shape == [2, 0, 3] && Tensor.zeros(like: x).dtype == .int32)
    let ones = Tensor.ones(like: Tensor([2, 3] as [UInt8]), dtype: .float16)
    #expect(ones.array(of: Double.self) == [1, 1] && ones.dtype == .float16)
    let full = Tensor.full(like: Tensor([1, 2] as [Int64]), Int64.max)
    #expect(full.array(of: Int64.self) == [.max, .max])
  }

  @Test func viewsShareMemory() {
    let x = Tensor.arange(6).reshaped([2, 3])
    #expect(x.moved(axis: 0, to: 1).strides == [1, 3])
    #expect(Tensor.meshgrid([x[0], x[1]])[0].strides == [0, 1])
    #expect(Tensor.broadcast([x, x[0]])[1].strides == [0, 1])
    #expect(x.unstacked(axis: 1).map(\.strides) == [[3], [3], [3]])
    #expect(Tensor.meshgrid([]).isEmpty && Tensor.broadcast([]).isEmpty)
  }

  /// NumPy's `logaddexp`, infinities and NaN included, and in every type.
  @Test func logarithmsOfSums() {
    let infinity = Double.infinity
    let x = Tensor([0, 1000, -1000, infinity, -infinity, infinity, .nan, 1, -745])
    let y = Tensor([0, 1000, 0, 1, -infinity, -infinity, 1, .nan, -745])
    let found = x.logAddExp(y).array(of: Double.self)
    let expected = [0.6931471805599453, 1000.6931471805599, 0, infinity, -infinity, infinity, .nan, .nan]
    for (a, b) in zip(found, expected) { #expect(a == b || a.isNaN && b.isNaN || abs(a / b - 1) < 1e-15) }
    #expect(abs(found[8] + 744.3068528194401) < 1e-12)
    let half = Tensor([1, 2] as [Float]).to(.float16)
    #expect(half.logAddExp(2).dtype == .float16 && half.logAddExp(2).shape == [2])
    #expect(Tensor([3] as [Int64]).logAddExp(Tensor([3] as [Int64])).dtype == .float32)
    #expect(Tensor.zeros([0, 2]).logAddExp(Tensor.zeros([2])).shape == [0, 2])
  }

  @Test func viewsOfEveryLayout() {
    let x = Tensor([-1.5, 2.5, -0.5, 3.75, 0, -7.25] as [Float], shape: [2, 3])
    let expected = x.trunc().array(of: Float.self)
    #expect(expected == [-1, 2, 0, 3, 0, -7])
    #expect(x.transposed().trunc().transposed().array(of: Float.self) == expected)
    #expect(x.flipped(axes: [0, 1]).trunc().array(of: Float.self) == expected.reversed())
    let wide = x.expanded(to: [4, 2, 3]).trunc()
    #expect(wide.array(of: Float.self) == Array([expected, expected, expected, expected].joined()))
    let lengths = x.transposed().hypot(x[1].expandedDimensions(axis: 1))
    #expect(lengths.shape == [3, 2] && lengths.isContiguous)
    #expect(lengths.isClose(to: (x.transposed().square() + x[1].square().reshaped([3, 1])).sqrt()))
    let bits = Tensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [2, 3])
    #expect(
      (bits.transposed() & bits.flipped(axis: 1).transposed()).array(of: Int.self) == [1, 4, 2, 5, 1, 4])
  }

  @Test(arguments: [[0], [0, 3], [2, 0]]) func emptyTensors(shape: [Int]) throws {
    let (x, whole) = (Tensor.zeros(shape), Tensor.zeros(shape, dtype: .int64))
    for result in [x.hypot(x), x.copysign(x), x.nextAfter(x), x.trunc(), +x, x.moved(axis: 0, to: 0)] {
      #expect(result.shape == shape && result.dtype == .float32)
    }
    #expect((whole & whole).shape == shape && (~whole).shape == shape && x.isIn(x).shape == shape)
    #expect(x.signBit().shape == shape && x.isPositiveInfinity().shape == shape)
    #expect(x.nanSum().item() == 0 && x.nanMean().item().isNaN)
    let counts = x.histogram(bins: 2)
    #expect(
      counts.counts.array(of: Int.self) == [0, 0] && counts.edges.array(of: Float.self) == [0, 0.5, 1])
    #expect(whole.flattened().binCount(minLength: 2).array(of: Int.self) == [0, 0])
    #expect(x.diff(axis: 0).shape == [max(shape[0] - 1, 0)] + shape.dropFirst())
    #expect(x.unstacked(axis: 0).count == shape[0])
    #expect(x.takeAlong(axis: 0, whole).shape == shape && kron(x, x).count == 0)
    #expect(Tensor([1.0] as [Float]).searchSorted(x).shape == shape)
    let rows = shape.count == 2 ? x : x.reshaped([0, 1])
    #expect(vecdot(rows, rows).shape == [rows.shape[0]])
    #expect(cdist(rows, rows).shape == [rows.shape[0], rows.shape[0]])
    #expect(rows.covariance().shape == [rows.shape[0], rows.shape[0]])
    if shape == [0, 3] { #expect(cross(x, x).shape == shape && x.quantile(0.5, axis: 1).shape == [0]) }
    if shape == [2, 0] { #expect(x.median(axis: 0, keepDims: true).shape == [1, 0]) }
  }

  @Test func tensorsWithoutAxes() {
    let (x, y) = (Tensor(3, dtype: .float64), Tensor(-4, dtype: .float64))
    #expect(x.hypot(y).item() == 5 && x.copysign(y).item() == -3 && x.hypot(y).shape == [])
    #expect(y.signBit().item() == 1 && Tensor(-2.5, dtype: .float32).trunc().item() == -2)
    #expect((Tensor(6, dtype: .int32) & Tensor(3, dtype: .int32)).item() == 2)
    #expect(x.quantile(0.3).item() == 3 && x.median().item() == 3 && x.nanMax().item() == 3)
    #expect(kron(x, y).item() == -12 && Tensor.meshgrid([x])[0].shape == [1])
    #expect(Tensor([1.0, 3, 5]).searchSorted(x).item() == 1 && x.isIn(Tensor([1.0, 3])).item() == 1)
    #expect(x.histogram(bins: 1).counts.item() == 1)
  }

  @Test func typesOfTwoOperands() {
    let types: [DType] = [.bool, .uint8, .int32, .int64, .float16, .bfloat16, .float32, .float64]
    for a in types {
      for b in types {
        let (x, y) = (Tensor.ones([2], dtype: a), Tensor.ones([2], dtype: b))
        let type = DType.promoted(a, b)
        let real: DType = type.isFloatingPoint ? type : .float32
        #expect(x.hypot(y).dtype == real && x.copysign(y).dtype == real && x.nextAfter(y).dtype == real)
        #expect(vecdot(x, y).dtype == type && kron(x, y).dtype == type)
        #expect(cdist(x.reshaped([1, 2]), y.reshaped([1, 2])).dtype == real)
        #expect(x.isIn(y).array(of: Bool.self) == [true, true], "\(a) \(b)")
        if !type.isFloatingPoint { #expect((x & y).dtype == type && (x | y).dtype == type) }
      }
    }
  }

  @Test func quantilesBesideInfinitiesAndNaN() {
    let infinity = Double.infinity
    let x = Tensor([-infinity, 1, 2, infinity, infinity])
    #expect(x.quantile(1).item() == infinity && x.quantile(0.9).item() == infinity)
    #expect(x.quantile(0).item() == -infinity && x.median().item() == 2)
    #expect(x.quantile(0.375).item() == 1.5)
    let y = Tensor([1, .nan, 2, 4, 5, 6], shape: [2, 3])
    #expect(y.median(axis: 1).array(of: Double.self)[1] == 5 && y.median(axis: 1)[0].item().isNaN)
    #expect(y.quantile([], axis: 1).shape == [0, 2] && y.quantile(0.5, keepDims: true).shape == [1, 1])
    let flags = Tensor([true, false, true])
    #expect(flags.median().dtype == .float32 && flags.quantile(1, interpolation: .lower).dtype == .bool)
    // A gradient where the elements are missing would be NaN.
    let leaf = y.requiringGradient()
    let gradients = leaf.quantile(0.25, axis: 1)[1].backward()
    #expect(gradients[leaf]!.array(of: Double.self) == [0, 0, 0, 0.5, 0.5, 0])
  }

  @Test func gradientsAtTheEdges() {
    let zero = Tensor([0, 3, -4.0]).requiringGradient()
    let hypotenuse = zero.hypot(Tensor([0, 4, 3.0])).sum().backward()[zero]!
    #expect(hypotenuse.isClose(to: Tensor([0, 0.6, -0.8])))
    let points = Tensor([1, 2, 1, 2, 4, 6.0], shape: [3, 2])
    for order in [0.5, 1, 2, 3, .infinity] {
      let x = points.requiringGradient()
      let gradient = cdist(x, points, order: order).sum().backward()[x]!
      #expect(gradient.isFinite().all().item() == 1, "order \(order)")
      let twice = x.requiringGradient()
      let first = cdist(twice, points, order: order).sum().backward(keepingGraph: true)[twice]!
      #expect(first.isClose(to: gradient, relative: 1e-9))
    }
    let x = points.requiringGradient()
    #expect(
      cdist(x, points).sum().backward()[x]!.isClose(
        to: Tensor([-0.6, -0.8, -0.6, -0.8, 1.2, 1.6], shape: [3, 2])))
    let missing = Tensor([Double.nan, .nan, 1, 2], shape: [2, 2]).requiringGradient()
    for result in [missing.nanMax(axis: 1), missing.nanMin(axis: 1), missing.nanSum(axis: 1)] {
      #expect(result.backward(from: Tensor([1.0, 1]))[missing]!.isFinite().all().item() == 1)
    }
    let ordinary = Tensor([2.5, -3]).requiringGradient()
    #expect(ordinary.trunc().sum().backward()[ordinary]!.array(of: Double.self) == [0, 0])
    #expect(!ordinary.nextAfter(9).requiresGradient && !ordinary.signBit().requiresGradient)
  }

  /// The path without a matrix of differences and the one with it agree, in both types and in batches.
  @Test(arguments: [DType.float32, .float64]) func distancesOfManyVectors(type: DType) {
    var generator = RandomGenerator(seed: 4)
    let a = Tensor.randomNormal([2, 70, 9], dtype: type, using: &generator)
    let b = Tensor.randomNormal([65, 9], dtype: type, using: &generator)
    let (x, y) = (a.requiringGradient(), b.requiringGradient())
    let gradients = cdist(x, y).square().sum().backward()
    let (p, q) = (a.requiringGradient(), b.requiringGradient())
    let differences = p.expandedDimensions(axis: -2) - q.expandedDimensions(axis: -3)
    let expected = differences.square().sum().backward()
    #expect(gradients[x]!.isClose(to: expected[p]!, relative: 1e-4, absolute: 1e-3))
    #expect(gradients[y]!.isClose(to: expected[q]!, relative: 1e-4, absolute: 1e-3))
  }

  @Test func countsOfManyElements() {
    var generator = RandomGenerator(seed: 9)
    let x = Tensor.randomNormal([40_000], using: &generator)
    let (counts, edges) = x.histogram(bins: 64)
    #expect(counts.sum().item() == 40_000 && counts.shape == [64] && edges.shape == [65])
    let byHand = x.histogram(edges: edges).counts
    #expect((counts .== byHand).all().item() == 1)
    let density = x.histogram(bins: 64, density: true).counts
    #expect(abs((density * edges.diff()).sum().item() - 1) < 1e-5)
    let weights = Tensor.full([40_000], 0.1).requiringGradient()
    let sums = x.histogram(bins: 64, weights: weights).counts
    #expect(abs(sums.sum().item() - 4000) < 0.01)
    #expect(sums.sum().backward()[weights]!.array(of: Float.self).allSatisfy { $0 == 1 })
  }

  @Test func powersOfMatrices() throws {
    let m = Tensor([2, 1, 1, 1] as [Int64], shape: [2, 2])
    #expect(try m.matrixPower(45).array(of: Int64.self)[1] == 2_880_067_194_370_816_120)
    #expect(try Tensor.ones([3, 0, 0]).matrixPower(4).shape == [3, 0, 0])
    #expect(try m.to(.float16).matrixPower(2).dtype == .float16)
    #expect(try Tensor.ones([2, 2, 2]).matrixPower(0).array(of: Int.self) == [1, 0, 0, 1, 1, 0, 0, 1])
    #expect(throws: LinearAlgebraError.self) { try Tensor.ones([2, 2]).matrixPower(-1) }
  }

  @Test func namesOfBefore() {
    #expect((NamesOfBefore.self as any OtherSpellings.Type).agree().allSatisfy { $0 })
  }
}

/// Deprecated names are called from deprecated code without a warning, and that through a protocol.
private protocol OtherSpellings {
  static func agree() -> [Bool]
}

private enum NamesOfBefore: OtherSpellings {
  @available(*, deprecated) static func agree() -> [Bool] {
    [
      Tensor.arange(1, 2, step: 0.25).array(of: Double.self)
        == Tensor.arange(from: 1, to: 2, by: 0.25).array(of: Double.self),
      Tensor.linspace(0, 1, 5).array(of: Double.self)
        == Tensor.linspace(0, 1, count: 5).array(of: Double.self),
    ]
  }
}
