import Tensor
import Testing

/// Numbers from PyTorch 2.13.
@Suite struct EinsumEllipsisTests {
  private func counted(_ shape: [Int]) -> Tensor {
    Tensor.arange(shape.reduce(1, *)).to(.float32).reshaped(shape)
  }

  @Test func batchedProduct() {
    let product = einsum("...ij,...jk->...ik", counted([2, 1, 2, 3]), counted([2, 3, 1]))
    #expect(product.shape == [2, 2, 2, 1])
    #expect(product.array(of: Float.self) == [5, 14, 14, 50, 23, 32, 86, 122])
  }

  @Test func withoutArrow() {
    let product = einsum("...ba,c...", counted([2, 1, 2]), counted([3, 2]))
    #expect(product.shape == [2, 2, 1, 3])
    #expect(product.array(of: Float.self) == [0, 0, 0, 0, 2, 4, 2, 6, 10, 3, 9, 15])
  }

  @Test func leftOutOfTheResult() {
    #expect(einsum("...i->i", counted([2, 2, 3])).array(of: Float.self) == [18, 22, 26])
    #expect(einsum("...->", counted([2, 3])).item() == 15)
  }

  @Test func nothingBehindTheDots() {
    #expect(einsum("...ij->...ji", counted([2, 3])).array(of: Float.self) == [0, 3, 1, 4, 2, 5])
    #expect(einsum("i...,...->i...", counted([2]), Tensor(3)).array(of: Float.self) == [0, 3])
  }
}

/// Numbers from PyTorch 2.13's `F.pad`.
@Suite struct PaddingModeTests {
  @Test(arguments: [
    (PaddingMode.reflect, [5, 4, 3, 4, 5, 4, 2, 1, 0, 1, 2, 1, 5, 4, 3, 4, 5, 4] as [Float]),
    (.replicate, [0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 2, 2, 3, 3, 3, 4, 5, 5]),
    (.circular, [4, 5, 3, 4, 5, 3, 1, 2, 0, 1, 2, 0, 4, 5, 3, 4, 5, 3]),
    (.constant, [7, 7, 7, 7, 7, 7, 7, 7, 0, 1, 2, 7, 7, 7, 3, 4, 5, 7]),
  ])
  func values(mode: PaddingMode, expected: [Float]) {
    let matrix = Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3])
    let padded = matrix.padded([(1, 0), (2, 1)], mode: mode, value: 7)
    #expect(padded.shape == [3, 6])
    #expect(padded.array(of: Float.self) == expected)
  }

  @Test func viewsAndIntegers() {
    let matrix = Tensor([0, 1, 2, 3, 4, 5] as [Int64], shape: [2, 3]).transposed()
    let padded = matrix.padded([(2, 0), (0, 0)], mode: .reflect)
    #expect(padded.array(of: Int64.self) == [2, 5, 1, 4, 0, 3, 1, 4, 2, 5])
  }
}
