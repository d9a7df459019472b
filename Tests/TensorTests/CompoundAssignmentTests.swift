import Tensor
import Testing

@Suite struct CompoundAssignmentTests {
  @Test func addsInPlaceWhereNobodyElseLooks() {
    var x = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let place = x.rawPointer
    x += Tensor([10, 20] as [Float])
    #expect(x.array(of: Float.self) == [11, 22, 13, 24] && x.rawPointer == place)

    let kept = x
    x += kept
    #expect(x.array(of: Float.self) == [22, 44, 26, 48] && kept.array(of: Float.self) == [11, 22, 13, 24])
    let row = x[0]
    x += row
    #expect(x.array(of: Float.self) == [44, 88, 48, 92] && row.array(of: Float.self) == [22, 44])

    var column = x.transposed()
    column += Tensor([1, 2] as [Float])
    #expect(column.array(of: Float.self) == [45, 50, 89, 94] && x.array(of: Float.self) == [44, 88, 48, 92])
  }

  @Test func shapesAndTypesAreThoseOfTheSum() {
    var x = Tensor([1, 2] as [Float])
    x += Tensor([1, 2] as [Float], shape: [2, 1])
    #expect(x.shape == [2, 2] && x.array(of: Float.self) == [2, 3, 3, 4])
    var whole = Tensor([1, 2] as [Int32])
    whole += Tensor([0.5] as [Float])
    #expect(whole.dtype == .float32 && whole.array(of: Float.self) == [1.5, 2.5])
    var empty = Tensor.zeros([0, 3])
    empty += Tensor.ones([3])
    #expect(empty.shape == [0, 3])
  }

  @Test func whatIsRecordedIsLeftAlone() throws {
    let leaf = Tensor([1, 2] as [Float]).requiringGradient()
    var x = leaf * 3
    let before = x
    x += leaf
    let gradient = try #require(gradients(of: (x * before).sum(), withRespectTo: [leaf])[0])
    #expect(gradient.array(of: Float.self) == [24, 48])
    var free = Tensor([1, 2] as [Float])
    free += leaf
    #expect(free.requiresGradient)
    var quiet = Tensor([1, 2] as [Float])
    noGradient { quiet += leaf }
    #expect(!quiet.requiresGradient && quiet.array(of: Float.self) == [2, 4])
  }
}
