import Tensor
import Testing

/// A form that throws beside the form that ends the program, called with the same arguments.
struct ThrowingForm: CustomTestStringConvertible, Sendable {
  let name: String
  let throwing: @Sendable () throws -> [Tensor]
  let plain: @Sendable () -> [Tensor]
  var testDescription: String { name }

  init(
    _ name: String, _ throwing: @escaping @Sendable () throws -> Tensor,
    _ plain: @escaping @Sendable () -> Tensor
  ) {
    self.name = name
    self.throwing = { [try throwing()] }
    self.plain = { [plain()] }
  }

  init(
    lists name: String, _ throwing: @escaping @Sendable () throws -> [Tensor],
    _ plain: @escaping @Sendable () -> [Tensor]
  ) {
    self.name = name
    self.throwing = throwing
    self.plain = plain
  }
}

private let matrix = Tensor.arange(6, dtype: .float32).reshaped([2, 3])
private let cube = Tensor.arange(24, dtype: .float32).reshaped([2, 3, 4])
private let vector = Tensor.ones([5])
private let scalar = Tensor(1)
private let image = Tensor.ones([1, 2, 6, 6])
private let operands = [
  matrix, cube, vector, scalar, image, Tensor.ones([3, 2]), Tensor.ones([0, 3]), Tensor.ones([4, 1, 3]),
]
private let lists: [Tensor] = [
  Tensor([0, 1] as [Int64]), Tensor([-1] as [Int64]), Tensor([2] as [Int64]), Tensor([Int64.min]),
  Tensor([Int64.max]),
  Tensor([1, 0, 1, 0, 1, 0] as [Int32], shape: [2, 3]), Tensor([0, 7] as [Int64], shape: [2, 1]),
  Tensor([] as [Int64]),
  Tensor([true, false]), Tensor([0.5]), Tensor(1, dtype: .int64),
]
private let shapes = [
  [], [3], [2, 3], [3, 2], [-1], [2, 2, 3], [5, 2, 3], [1 << 62, 1 << 62, 2, 3], [-1, 3], [0],
]
private let axes = [-4, -2, -1, 0, 1, 2, 3, Int.min, Int.max]

private func formsOfShapes(_ x: Tensor) -> [ThrowingForm] {
  shapes.flatMap { shape -> [ThrowingForm] in
    [
      ThrowingForm(
        "expanded \(x.shape) \(shape)", { try x.expanded(validating: shape) }, { x.expanded(to: shape) }),
      ThrowingForm(
        "permuted \(x.shape) \(shape)", { try x.permuted(validating: shape) }, { x.permuted(shape) }),
    ]
  }
}

private func formsOfPairs(_ x: Tensor) -> [ThrowingForm] {
  operands.flatMap { y -> [ThrowingForm] in
    [
      ThrowingForm("matmul \(x.shape) \(y.shape)", { try x.matmul(validating: y) }, { x.matmul(y) }),
      ThrowingForm(
        "linear \(x.shape) \(y.shape)", { try linear(validating: x, weight: y, bias: vector) },
        { linear(x, weight: y, bias: vector) }),
      ThrowingForm(
        "concatenated \(x.shape) \(y.shape)", { try Tensor.concatenated(validating: [x, y]) },
        { Tensor.concatenated([x, y]) }),
      ThrowingForm(
        "conv2d \(x.shape) \(y.shape)", { try conv2d(validating: x, weight: y) }, { conv2d(x, weight: y) }),
    ]
  }
}

private func formsOfAxes(_ x: Tensor) -> [ThrowingForm] {
  axes.flatMap { axis -> [ThrowingForm] in
    [
      ThrowingForm(
        "slice \(x.shape) \(axis)", { try x.slice(axis: axis, validating: 0..<2) },
        { x.slice(axis: axis, 0..<2) }),
      ThrowingForm(
        "stacked \(x.shape) \(axis)", { try Tensor.stacked(validating: [x, x], axis: axis) },
        { Tensor.stacked([x, x], axis: axis) }),
      ThrowingForm(
        lists: "split \(x.shape) \(axis)", { try x.split(validating: [1, 2], axis: axis) },
        { x.split([1, 2], axis: axis) }),
    ]
  }
}

private func formsOfIndices(_ x: Tensor) -> [ThrowingForm] {
  lists.flatMap { list -> [ThrowingForm] in
    [
      ThrowingForm("rows \(x.shape) \(list)", { try x.rows(validating: list) }, { x.rows(at: list) }),
      ThrowingForm(
        "gather \(x.shape) \(list)", { try x.gather(axis: 0, validating: list) },
        { x.gather(axis: 0, list) }),
      ThrowingForm(
        "crossEntropy \(x.shape) \(list)", { try crossEntropy(validating: x, targets: list) },
        { crossEntropy(x, targets: list) }),
      ThrowingForm(
        "indexed \(x.shape) \(list)", { try x.indexed(validating: [.elements(list), .index(1)]) },
        { x.indexed([.elements(list), .index(1)]) }),
      ThrowingForm(
        "indexed \(x.shape) \(list), behind others",
        { try x.indexed(validating: [.remainingAxes, .elements(list), .insertedAxis]) },
        { x.indexed([.remainingAxes, .elements(list), .insertedAxis]) }),
    ]
  }
}

private let equations = [
  "ij,jk->ik", "ij,jk", "ij,kj->ik", "->", "", "i->", "...i,...i->...", "ii,jk->i", "ij,jk->il", "ij-jk",
  "i1,jk->i",
]

private let formsOfEquations: [ThrowingForm] = equations.flatMap { text -> [ThrowingForm] in
  let choices: [[Tensor]] = [[matrix, matrix.transposed()], [matrix, matrix], [cube, cube], [matrix], []]
  return choices.map { list in
    ThrowingForm(
      "einsum \(text) \(list.map(\.shape))", { try einsum(validating: text, list) }, { einsum(text, list) })
  }
}

private let forms: [ThrowingForm] =
  operands.flatMap { formsOfShapes($0) + formsOfPairs($0) + formsOfAxes($0) + formsOfIndices($0) }
  + formsOfEquations

@Suite struct ThrowingFormTests {
  /// The form that throws gives what the other gives, and throws what the other ends the program with.
  @Test func bothFormsAgree() throws {
    var failures = 0
    for form in forms {
      let thrown = Result { try form.throwing() }
      let plain = Result { try withTensorErrors { form.plain() } }
      switch (thrown, plain) {
      case (.success(let a), .success(let b)):
        #expect(a.map(\.shape) == b.map(\.shape), "\(form.name)")
        for (one, other) in zip(a, b) {
          let pairs = zip(one.array(of: Double.self), other.array(of: Double.self))
          #expect(pairs.allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }, "\(form.name)")
        }
      case (.failure(let a as TensorError), .failure(let b as TensorError)):
        #expect(a.operation == b.operation, "\(form.name): \(a) and \(b)")
        failures += 1
      default: Issue.record("\(form.name): \(thrown) and \(plain)")
      }
    }
    #expect(forms.count > 800 && failures > 300 && failures < forms.count - 100)
  }

  @Test func theArticlesRequest() {
    func answer(_ numbers: [Float], _ shape: [Int], _ indices: Tensor) -> String {
      do {
        let table = try Tensor(validating: numbers, shape: shape)
        let picked = try table.rows(validating: indices)
        return "\(try picked.matmul(validating: Tensor.ones([3, 1])).array(of: Float.self))"
      } catch { return "bad request: \(error)" }
    }
    let numbers: [Float] = [1, 2, 3, 4, 5, 6]
    #expect(answer(numbers, [2, 3], Tensor([1] as [Int64])) == "[15.0]")
    #expect(
      answer(numbers, [2, 3], Tensor([7] as [Int64])) == "bad request: [rows] index 7 is outside 2 rows")
    #expect(answer(numbers, [3, 2], Tensor([1] as [Int64])).hasPrefix("bad request: [matmul]"))
    #expect(answer(numbers, [7], Tensor([1] as [Int64])).hasPrefix("bad request: [Tensor]"))
  }

  @Test func failuresOfThrowingFormsLeaveNothing() {
    let weights = Tensor.ones([1 << 18, 1])
    let before = TensorRuntime.bytesInUse
    for _ in 0..<200 {
      #expect(throws: TensorError.self) {
        let x = Tensor.ones([1, 1 << 18])
        _ = try (x + 1).matmul(validating: weights.transposed())
      }
    }
    #expect(TensorRuntime.bytesInUse - before < 8 << 20)
  }
}
