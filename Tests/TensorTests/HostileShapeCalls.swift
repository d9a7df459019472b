import Tensor

private let small = Tensor.ones([2, 3])
private let vector = Tensor.ones([5])
private let empty = Tensor.ones([0, 3])
private let scalar = Tensor(1)
private let cube = Tensor.ones([2, 3, 4])
private let integers = Tensor([1, 2, 3] as [Int64])
private let flags = Tensor([true, false])
private let huge = Int.max

private let creation: [HostileCall] = [
  .init("Tensor", "shape [-1]") { _ = Tensor.zeros([-1]) },
  .init("Tensor", "shape [max, max]") { _ = Tensor.zeros([huge, huge]) },
  .init("Tensor", "shape [max, max, 0]") { _ = Tensor.zeros([huge, huge, 0]) },
  .init("Tensor", "shape [min]") { _ = Tensor.ones([Int.min]) },
  .init("Tensor", "shape [max]") { _ = Tensor.full([huge], 1) },
  .init("Tensor", "scalars in shape [-1, -2]") { _ = Tensor([1, 2] as [Float], shape: [-1, -2]) },
  .init("Tensor", "scalars in shape [max, 4]") { _ = Tensor([1, 2] as [Float], shape: [huge, 4]) },
  .init("arange", "-3") { _ = Tensor.arange(-3) },
  .init("arange", "from: to infinity") { _ = Tensor.arange(from: 0, to: .infinity) },
  .init("arange", "from: NaN") { _ = Tensor.arange(from: .nan, to: 1) },
  .init("arange", "by 0") { _ = Tensor.arange(from: 0, to: 1, by: 0) },
  .init("arange", "1e300 numbers") { _ = Tensor.arange(from: 0, to: 1e300) },
  .init("arange", "max") { _ = Tensor.arange(huge) },
  .init("linspace", "count: -1") { _ = Tensor.linspace(0, 1, count: -1) },
  .init("linspace", "count max") { _ = Tensor.linspace(0, 1, count: huge) },
  .init("eye", "-1") { _ = Tensor.eye(-1) },
  .init("eye", "max") { _ = Tensor.eye(huge) },
  .init("item", "of six elements") { _ = small.item() },
  .init("item", "of none") { _ = empty.item() },
  .init("oneHot", "classes -1") { _ = integers.oneHot(classes: -1) },
  .init("oneHot", "class 3 of 3") { _ = integers.oneHot(classes: 3) },
  .init("oneHot", "class -1") { _ = Tensor([-1] as [Int64]).oneHot(classes: 3) },
  .init("oneHot", "of floats") { _ = vector.oneHot(classes: 3) },
  .init("oneHot", "classes max") { _ = integers.oneHot(classes: huge) },
]

private let shapes: [HostileCall] = [
  .init("reshaped", "[-1] of nothing beside 0") { _ = empty.reshaped([-1, 0]) },
  .init("reshaped", "two unknowns") { _ = small.reshaped([-1, -1]) },
  .init("reshaped", "[-2]") { _ = small.reshaped([-2]) },
  .init("reshaped", "[max, max]") { _ = small.reshaped([huge, huge]) },
  .init("reshaped", "[-1, max, 3]") { _ = small.reshaped([-1, huge, 3]) },
  .init("expanded", "[-1, 3]") { _ = small.expanded(to: [-1, 3]) },
  .init("expanded", "fewer axes") { _ = small.expanded(to: [3]) },
  .init("expanded", "[max, max, 2, 3]") { _ = small.expanded(to: [huge, huge, 2, 3]) },
  .init("permuted", "axes twice") { _ = small.permuted([0, 0]) },
  .init("permuted", "too few") { _ = small.permuted([0]) },
  .init("transposed", "of a vector") { _ = vector.transposed() },
  .init("transposed", "axis min") { _ = small.transposed(Int.min, 0) },
  .init("squeezed", "axis max") { _ = small.squeezed(axis: huge) },
  .init("expandedDimensions", "axis 9") { _ = small.expandedDimensions(axis: 9) },
  .init("slice", "beyond the end") { _ = small.slice(axis: 1, 0..<9) },
  .init("slice", "before the start") { _ = small.slice(axis: 1, -1..<2) },
  .init("slice", "step 0") { _ = small.slice(axis: 1, 0..<2, step: 0) },
  .init("slice", "axis of a scalar") { _ = scalar.slice(axis: 0, 0..<1) },
  .init("subscript", "index 2 of 2") { _ = small[2] },
  .init("subscript", "index min") { _ = small[Int.min] },
  .init("subscript", "index max") { _ = small[huge] },
  .init("subscript", "of a scalar") { _ = scalar[0] },
  .init("subscript", "too many") { _ = small[0, 0, 0] },
  .init("subscript", "two ellipses and more") { _ = small[0, .ellipsis, 0, .ellipsis, 0] },
  .init("subscript", "two ellipses") { _ = cube[.ellipsis, 0, .ellipsis] },
  .init("subscript", "two ellipses alone") { _ = cube[.ellipsis, .ellipsis, 0] },
  .init("subscript", "step 0") { _ = small[.slice(step: 0)] },
  .init("subscript", "list out of range") { _ = small[[0, 2]] },
  .init("subscript", "floats") { _ = small[vector] },
  .init("subscript", "mask of another shape") { _ = small[flags, flags] },
  .init("subscript", "lists that do not broadcast") { _ = small[[0, 1], [0, 1, 2]] },
  .init("subscript", "assigning another shape") {
    var x = small; x[0] = vector
  },
  .init("subscript", "assigning at 2 of 2") {
    var x = small; x[2] = scalar
  },
  .init("subscript", "assigning to a list out of range") {
    var x = small; x[[5]] = scalar
  },
  .init("flipped", "axis 3") { _ = small.flipped(axes: [3]) },
  .init("concatenated", "nothing") { _ = Tensor.concatenated([]) },
  .init("concatenated", "scalars") { _ = Tensor.concatenated([scalar, scalar]) },
  .init("concatenated", "axis 4") { _ = Tensor.concatenated([small, small], axis: 4) },
  .init("concatenated", "other ranks") { _ = Tensor.concatenated([small, vector]) },
  .init("stacked", "nothing") { _ = Tensor.stacked([]) },
  .init("stacked", "other shapes") { _ = Tensor.stacked([small, vector]) },
  .init("stacked", "axis 5") { _ = Tensor.stacked([small, small], axis: 5) },
  .init("split", "[-1, 3]") { _ = small.split([-1, 3]) },
  .init("split", "[max, max]") { _ = small.split([huge, huge]) },
  .init("split", "of a scalar") { _ = scalar.split([1]) },
  .init("chunked", "into 0") { _ = small.chunked(0) },
  .init("chunked", "into min") { _ = small.chunked(Int.min) },
  .init("padded", "too few widths") { _ = small.padded([(1, 1)]) },
  .init("padded", "-1") { _ = small.padded([(-1, 0), (0, 0)]) },
  .init("padded", "max, reflected") { _ = small.padded([(huge, 0), (0, 0)], mode: .reflect) },
  .init("padded", "an empty axis, replicated") { _ = empty.padded([(1, 0), (0, 0)], mode: .replicate) },
  .init("tiled", "too few") { _ = small.tiled([2]) },
  .init("tiled", "-1") { _ = small.tiled([1, -1]) },
  .init("repeated", "-1") { _ = small.repeated(-1, axis: 0) },
  .init("rolled", "axis 2") { _ = small.rolled(1, axis: 2) },
  .init("diagonal", "one axis twice") { _ = small.diagonal(axis1: 0, axis2: 0) },
  .init("diagonal", "of a vector") { _ = vector.diagonal() },
  .init("unfolded", "size 9") { _ = small.unfolded(axis: 0, size: 9) },
  .init("unfolded", "step 0") { _ = small.unfolded(axis: 0, size: 1, step: 0) },
  .init("unfolded", "size -1") { _ = small.unfolded(axis: 0, size: -1) },
]

private let elements: [HostileCall] = [
  .init("add", "shapes") { _ = small + vector },
  .init("subtract", "shapes") { _ = small - vector },
  .init("multiply", "shapes") { _ = small * vector },
  .init("divide", "shapes") { _ = small / vector },
  .init("add", "in place") {
    var x = small; x += vector
  },
  .init("pow", "shapes") { _ = small.pow(vector) },
  .init("maximum", "shapes") { _ = small.maximum(vector) },
  .init("minimum", "shapes") { _ = small.minimum(vector) },
  .init("atan2", "shapes") { _ = small.atan2(vector) },
  .init("remainder", "shapes") { _ = small.remainder(vector) },
  .init("floorDivided", "shapes") { _ = small.floorDivided(by: vector) },
  .init("equal", "shapes") { _ = small .== vector },
  .init("and", "floats") { _ = small .& small },
  .init("or", "floats") { _ = small .| small },
  .init("exclusive or", "floats") { _ = small .^ small },
  .init("not", "floats") { _ = .!small },
  .init("select", "no mask") { _ = Tensor.select(small, small, small) },
  .init("masked", "no mask") { _ = small.masked(by: small) },
  .init("maskedScatter", "too few") {
    _ = Tensor.ones([2]).maskedScatter(.!flags .| flags, Tensor.ones([1]))
  },
]

private let reductions: [HostileCall] = [
  .init("sum", "axis 2") { _ = small.sum(axes: [2]) },
  .init("sum", "axis twice") { _ = small.sum(axes: [0, 0]) },
  .init("sum", "axis min") { _ = small.sum(axes: [Int.min]) },
  .init("sum", "axis of a scalar") { _ = scalar.sum(axes: [0]) },
  .init("mean", "axis 2") { _ = small.mean(axes: [2]) },
  .init("variance", "axis 2") { _ = small.variance(axes: [2]) },
  .init("prod", "axis 2") { _ = small.prod(axes: [2]) },
  .init("max", "of nothing") { _ = empty.max() },
  .init("min", "of nothing") { _ = empty.min(axes: [0]) },
  .init("max", "axis 2") { _ = small.max(axes: [2]) },
  .init("argmax", "of nothing") { _ = empty.argmax() },
  .init("argmin", "axis 2") { _ = small.argmin(axis: 2) },
  .init("logSumExp", "axis 3") { _ = small.logSumExp(axes: [3]) },
  .init("norm", "axis 3") { _ = small.norm(axes: [3]) },
  .init("cumsum", "axis 2") { _ = small.cumsum(axis: 2) },
  .init("cumsum", "of a scalar") { _ = scalar.cumsum(axis: 0) },
  .init("cumprod", "axis 2") { _ = small.cumprod(axis: 2) },
  .init("logCumSumExp", "axis 2") { _ = small.logCumSumExp(axis: 2) },
  .init("softmax", "of a scalar") { _ = scalar.softmax() },
  .init("logSoftmax", "axis 2") { _ = small.logSoftmax(axis: 2) },
  .init("argsort", "axis 2") { _ = small.argsort(axis: 2) },
  .init("argsort", "of a scalar") { _ = scalar.argsort() },
  .init("topK", "4 of 3") { _ = small.topK(4) },
  .init("topK", "-1") { _ = small.topK(-1) },
  .init("topK", "axis 2") { _ = small.topK(1, axis: 2) },
]

private let indices: [HostileCall] = [
  .init("rows", "of a scalar") { _ = scalar.rows(at: integers) },
  .init("rows", "floats") { _ = small.rows(at: vector) },
  .init("rows", "2 of 2") { _ = small.rows(at: Tensor([2] as [Int64])) },
  .init("rows", "min") { _ = small.rows(at: Tensor([Int64.min])) },
  .init("rows", "max") { _ = small.rows(at: Tensor([Int64.max])) },
  .init("replacingRows", "twice") {
    _ = small.replacingRows(at: Tensor([0, 0] as [Int64]), with: Tensor.ones([2, 3]))
  },
  .init("gather", "min") { _ = small.gather(axis: 1, Tensor([Int64.min], shape: [1, 1])) },
  .init("gather", "3 of 3") { _ = small.gather(axis: 1, Tensor([3], shape: [1, 1])) },
  .init("gather", "floats") { _ = small.gather(axis: 1, small) },
  .init("gather", "rank") { _ = small.gather(axis: 1, integers) },
  .init("gather", "axis 2") { _ = small.gather(axis: 2, integers) },
  .init("scatter", "3 of 3") {
    _ = small.scatter(axis: 1, Tensor([3], shape: [1, 1]), Tensor.ones([1, 1]))
  },
  .init("scatter", "shapes") { _ = small.scatter(axis: 1, Tensor([0], shape: [1, 1]), small) },
  .init("scatterAdd", "3 of 3") {
    _ = small.scatterAdd(axis: 1, Tensor([3], shape: [1, 1]), Tensor.ones([1, 1]))
  },
  .init("scatterAdd", "shapes") { _ = small.scatterAdd(axis: 1, Tensor([0], shape: [1, 1]), small) },
  .init("indexSelect", "two axes") { _ = small.indexSelect(axis: 0, Tensor([0], shape: [1, 1])) },
  .init("indexSelect", "axis 2") { _ = small.indexSelect(axis: 2, integers) },
  .init("indexSelect", "3 of 3") { _ = small.indexSelect(axis: 1, integers) },
  .init("indexAdd", "shapes") { _ = small.indexAdd(axis: 0, integers, small) },
  .init("indexAdd", "ranks") { _ = small.indexAdd(axis: 1, integers, vector) },
  .init("indexAdd", "3 of 3") { _ = small.indexAdd(axis: 1, integers, small) },
  .init("indexAdd", "a scalar") { _ = small.indexAdd(axis: 0, integers, scalar) },
]

/// Operations made of others, and sizes beyond all memory.
private let composed: [HostileCall] = [
  .init("padded", "max") { _ = small.padded([(huge, 0), (0, 0)]) },
  .init("padded", "max, replicated") { _ = small.padded([(huge, huge), (0, 0)], mode: .replicate) },
  .init("tiled", "max") { _ = small.tiled([huge, huge]) },
  .init("repeated", "max") { _ = small.repeated(huge, axis: 0) },
  .init("lowerTriangle", "of a vector") { _ = vector.lowerTriangle() },
  .init("upperTriangle", "of a vector") { _ = vector.upperTriangle() },
  .init("trace", "of a vector") { _ = vector.trace() },
  .init("outer", "too large") {
    _ = Tensor.zeros([1]).expanded(to: [1 << 40]).outer(Tensor.zeros([1]).expanded(to: [1 << 40]))
  },
  .init("masked", "shapes") { _ = small.masked(by: flags) },
  .init("maskedScatter", "shapes") { _ = small.maskedScatter(flags, small) },
  .init("norm", "infinite, of nothing") { _ = empty.norm(.infinity) },
  .init("normalized", "axis 3") { _ = small.normalized(axis: 3) },
  .init("sorted", "axis 2") { _ = small.sorted(axis: 2) },
  .init("replacingRows", "of a scalar") { _ = scalar.replacingRows(at: integers, with: scalar) },
]

let hostileShapeCalls = creation + shapes + elements + reductions + indices + composed
