import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct GGUFTests {
  /// Builds GGUF bytes by the format's description.
  struct Builder {
    var bytes = [UInt8]("GGUF".utf8)

    mutating func add<Value: BitwiseCopyable>(_ value: Value) { withUnsafeBytes(of: value) { bytes += $0 } }
    mutating func add(text: String) {
      add(UInt64(text.utf8.count))
      bytes += text.utf8
    }
    mutating func pad() { while bytes.count % 32 != 0 { bytes.append(0) } }
  }

  /// Two metadata entries and one tensor of every encoding.
  static func sample(version: UInt32 = 3, encodingOfFirst: UInt32 = 0) -> [UInt8] {
    var file = Builder()
    file.add(version)
    file.add(UInt64(6))
    file.add(UInt64(3))
    file.add(text: "general.architecture")
    file.add(UInt32(8))
    file.add(text: "llama")
    file.add(text: "llama.rope.freq_base")
    file.add(UInt32(6))
    file.add(Float(100_000))
    file.add(text: "tokenizer.ggml.tokens")
    file.add(UInt32(9))
    file.add(UInt32(8))
    file.add(UInt64(2))
    file.add(text: "<unk>")
    file.add(text: "▁a")

    let tensors: [(String, [UInt64], UInt32)] = [
      ("f32", [3, 2], encodingOfFirst), ("f16", [2], 1), ("bf16", [2], 30), ("q8", [32, 1], 8),
      ("q40", [32], 2),
      ("q41", [32], 3),
    ]
    for (index, (name, extents, encoding)) in tensors.enumerated() {
      file.add(text: name)
      file.add(UInt32(extents.count))
      extents.forEach { file.add($0) }
      file.add(encoding)
      file.add(UInt64(64 * index))
    }
    file.pad()
    func block(_ body: (inout Builder) -> Void) {
      let start = file.bytes.count
      body(&file)
      while file.bytes.count < start + 64 { file.bytes.append(0) }
    }
    block { file in (0..<6).forEach { file.add(Float($0)) } }
    block { $0.bytes += [0x00, 0x3C, 0x00, 0xC0] }
    block { $0.bytes += [0x80, 0x3F, 0x40, 0xC0] }
    block { file in
      file.bytes += [0x00, 0x38]
      (-16..<16).forEach { file.add(Int8($0)) }
    }
    block { file in
      file.bytes += [0x00, 0x40]
      (0..<16).forEach { file.add(UInt8($0 | (15 - $0) << 4)) }
    }
    block { file in
      file.bytes += [0x00, 0x38, 0x00, 0xBC]
      (0..<16).forEach { file.add(UInt8($0 | (15 - $0) << 4)) }
    }
    return file.bytes
  }

  private func withFile<Result>(_ bytes: [UInt8], _ body: (URL) throws -> Result) throws -> Result {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("model.gguf")
      try Data(bytes).write(to: url)
      return try body(url)
    }
  }

  @Test(arguments: [2, 3] as [UInt32]) func everyEncoding(version: UInt32) throws {
    try withFile(Self.sample(version: version)) { url in
      let file = try GGUFFile(reading: url)
      #expect(file.version == Int(version))
      #expect(file.metadata["general.architecture"]?.asString == "llama")
      #expect(file.metadata["llama.rope.freq_base"]?.asDouble == 100_000)
      #expect(file.metadata["tokenizer.ggml.tokens"]?.asArray?.compactMap(\.asString) == ["<unk>", "▁a"])
      #expect(file.entries.map(\.name) == ["f32", "f16", "bf16", "q8", "q40", "q41"])
      #expect(try file.tensor("f32").shape == [2, 3])
      #expect(try file.tensor("f32").array(of: Float.self) == [0, 1, 2, 3, 4, 5])
      #expect(try file.tensor("f16").dtype == .float16)
      #expect(try file.tensor("f16").array(of: Float.self) == [1, -2])
      #expect(try file.tensor("bf16").array(of: Float.self) == [1, -3])
      #expect(try file.tensor("q8").array(of: Float.self) == (-16..<16).map { 0.5 * Float($0) })
      let nibbles = (0..<16).map { Float($0) } + (0..<16).map { Float(15 - $0) }
      #expect(try file.tensor("q40").array(of: Float.self) == nibbles.map { 2 * ($0 - 8) })
      #expect(try file.tensor("q41").array(of: Float.self) == nibbles.map { 0.5 * $0 - 1 })
      #expect(throws: CheckpointError.self) { try file.tensor("none") }
    }
  }

  @Test func cutShortAtEveryLength() throws {
    let whole = Self.sample()
    // The last block ends 44 bytes before the padding of this sample does.
    for length in 0..<(whole.count - 44) {
      try withFile([UInt8](whole.prefix(length))) { url in
        let error = #expect(throws: CheckpointError.self, "\(length)") { try GGUFFile(reading: url) }
        #expect(error?.kind == (length < 4 ? .wrongFormat : .damaged))
      }
    }
  }

  @Test func otherVersionsAndEncodings() throws {
    try withFile(Self.sample(version: 1)) { url in
      let error = #expect(throws: CheckpointError.self) { try GGUFFile(reading: url) }
      #expect(
        error?.description == "\(url.path): found GGUF version 1, expected version 2 or 3, little-endian")
    }
    for (code, name) in [
      (9, "Q8_1"), (16, "IQ2_XXS"), (19, "IQ1_S"), (28, "F64"), (31, "Q4_0_4_4"), (34, "TQ1_0"),
      (40, "NVFP4"), (42, "42"), (UInt32.max, "4294967295"),
    ] as [(UInt32, String)] {
      try withFile(Self.sample(encodingOfFirst: code)) { url in
        let error = #expect(throws: CheckpointError.self) { try GGUFFile(reading: url) }
        #expect(
          error?.description
            == "\(url.path): f32: found type \(name), expected F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, "
            + "Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, IQ4_NL, IQ4_XS or MXFP4")
      }
    }
  }

  @Test(arguments: GGUFEncoding.allCases.filter { $0.blockEncoding != nil })
  func rowsThatAreNoWholeBlocks(_ encoding: GGUFEncoding) throws {
    try withFile(Self.sample(encodingOfFirst: encoding.rawValue)) { url in
      let error = #expect(throws: CheckpointError.self) { try GGUFFile(reading: url) }
      #expect(
        error?.description
          == "\(url.path): f32: found shape [2, 3] of \(encoding.name), expected rows of a multiple of "
          + "\(encoding.blockLength)")
    }
  }

  @Test(arguments: GGUFEncoding.allCases.filter { $0.blockEncoding != nil })
  func dataCutShort(_ encoding: GGUFEncoding) throws {
    let url = Fixtures.url("quantized/\(encoding.name.lowercased()).gguf")
    let whole = try Data(contentsOf: url)
    let last = try #require(GGUFFile(reading: url).entries.last)
    let size = last.shape.reduce(1, *) / last.encoding.blockLength * last.encoding.blockSize
    for cut in [64, size] {
      try withFile([UInt8](whole.dropLast(cut))) { url in
        let error = #expect(throws: CheckpointError.self) { try GGUFFile(reading: url) }
        let words = error?.description ?? ""
        #expect(
          words.hasPrefix("\(url.path): \(last.name): found \(size) bytes from byte ")
            && words.hasSuffix("in a file of \(whole.count - cut), expected data within the file"), "\(words)"
        )
      }
    }
  }
}
