import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// Values of every quantised type against those of the `gguf` package, bit for bit.
@Suite struct QuantizedTypeTests {
  private func file(_ encoding: BlockEncoding) throws -> GGUFFile {
    try GGUFFile(reading: Fixtures.url("quantized/\(encoding.rawValue).gguf"))
  }

  private func bits(_ tensor: Tensor) -> [UInt32] {
    // Any NaN is as good as another.
    tensor.array(of: Float.self).map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
  }

  @Test(arguments: BlockEncoding.allCases) func valuesAreThoseOfThePackage(_ encoding: BlockEncoding) throws {
    let file = try file(encoding)
    let stored = try #require(file.entry("blocks"))
    #expect(stored.encoding.blockEncoding == encoding && stored.encoding.name == encoding.name)
    let expected = bits(try file.tensor("values"))
    let matrix = QuantizedMatrix(encoding, blocks: try file.blocks("blocks"))
    #expect(matrix.shape == stored.shape && matrix.isFinite)
    #expect(bits(matrix.expanded()) == expected)
    #expect(bits(try file.tensor("blocks")) == expected)
    let columns = matrix.shape[1]
    let rows = matrix.rows(at: Tensor([3, 0, 2, 3] as [Int32], shape: [2, 2]))
    #expect(rows.shape == [2, 2, columns])
    for (place, row) in [3, 0, 2, 3].enumerated() {
      let found = bits(rows.reshaped([4, columns])[place..<place + 1])
      #expect(found == Array(expected[row * columns..<(row + 1) * columns]))
    }
    let half = try file.tensor("blocks", as: .bfloat16)
    #expect(half.dtype == .bfloat16)
    #expect(
      half.array(of: Float.self) == (try file.tensor("values")).to(.bfloat16).array(of: Float.self))
  }

  /// Infinite and undefined scales, and products with a scale that leave Float32.
  @Test(arguments: BlockEncoding.allCases) func valuesThatAreNotFinite(_ encoding: BlockEncoding) throws {
    let file = try file(encoding)
    let special = try file.blocks("special")
    #expect(special.shape[0] >= 3)
    for row in 0..<special.shape[0] {
      #expect(!QuantizedMatrix(encoding, blocks: special[row..<row + 1]).isFinite, "\(row)")
    }
    guard file.entry("special.values") != nil else { return }
    let matrix = QuantizedMatrix(encoding, blocks: special)
    #expect(bits(matrix.expanded()) == bits(try file.tensor("special.values")))
  }

  @Test func namesAndSizes() {
    let rows = BlockEncoding.allCases.map { "\($0.name) \($0.blockLength) \($0.blockSize)" }
    #expect(
      rows == [
        "Q4_0 32 18", "Q4_1 32 20", "Q5_0 32 22", "Q5_1 32 24", "Q8_0 32 34", "Q2_K 256 84", "Q3_K 256 110",
        "Q4_K 256 144", "Q5_K 256 176", "Q6_K 256 210", "Q8_K 256 292", "IQ4_NL 32 18", "IQ4_XS 256 136",
        "MXFP4 32 17",
      ])
  }
}
