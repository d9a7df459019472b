import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// GGUF files that are written, against the reader, and the bits of what is rounded against the `gguf`
/// package's.
@Suite struct GGUFWriterTests {
  private static let numbers = Fixtures.url("quantized/rounded.safetensors")

  private func write(
    _ items: [GGUFWriter.Item], _ metadata: [(key: String, value: GGUFField)] = [], to url: URL
  ) throws {
    try AtomicFile.replace(url) {
      try GGUFWriter.write(items, metadata: metadata, to: $0, reportingAs: url)
    }
  }

  @Test(arguments: [GGUFEncoding.q8_0, .q4_0]) func roundedAsThePackageDoes(_ encoding: GGUFEncoding) throws {
    let stored = try SafeTensorsFile(reading: Self.numbers)
    let values = try stored.tensor("numbers")
    let expected = try stored.tensor("\(encoding)").array(of: UInt8.self)
    try Fixtures.withTemporaryDirectory { folder in
      for dtype in [DType.float32, .float64] {
        let url = folder.appending(component: "\(dtype).gguf")
        try write(
          [.init(name: "a", shape: values.shape, encoding: encoding) { values.to(dtype) }], to: url)
        let file = try GGUFFile(reading: url)
        #expect(try file.blocks("a").array(of: UInt8.self) == expected)
        #expect(file.entries.map(\.encoding) == [encoding])
      }
    }
  }

  @Test func readAsItWasWritten() throws {
    let metadata: [(key: String, value: GGUFField)] = [
      ("a.number", .uint32(7)), ("a.real", .float32(0.1)), ("a.flag", .bool(true)),
      ("a.text", .string("naïve \u{0} \n")), ("a.texts", .strings(["", "▁a", "Å", "A\u{30A}"])),
      ("a.reals", .floats([1, -0.5])), ("a.numbers", .integers([-1, 3])),
    ]
    var generator = RandomGenerator(seed: 3)
    let matrix = Tensor.randomNormal([3, 64], using: &generator)
    let row = Tensor([1, 2, 3.5] as [Float])
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "a.gguf")
      var items: [GGUFWriter.Item] = [.init(name: "row", shape: [3], encoding: .f32) { row }]
      for encoding in [GGUFEncoding.f32, .f16, .bf16, .q8_0, .q4_0] {
        items.append(.init(name: "\(encoding)", shape: [3, 64], encoding: encoding) { matrix })
      }
      try write(items, metadata, to: url)
      let file = try GGUFFile(reading: url)
      #expect(file.version == 3)
      #expect(file.metadata["a.number"] == .unsigned(7))
      #expect(file.metadata["a.real"] == .real(Double(Float(0.1))))
      #expect(file.metadata["a.flag"] == .boolean(true))
      #expect(file.metadata["a.text"]?.asString?.utf8.elementsEqual("naïve \u{0} \n".utf8) == true)
      let texts = (file.metadata["a.texts"]?.asArray ?? []).map { Array(($0.asString ?? "-").utf8) }
      #expect(texts == ["", "▁a", "Å", "A\u{30A}"].map { Array($0.utf8) })
      #expect(file.metadata["a.reals"] == .array([.real(1), .real(-0.5)]))
      #expect(file.metadata["a.numbers"] == .array([.integer(-1), .integer(3)]))
      #expect(file.entries.map(\.shape) == [[3]] + Array(repeating: [3, 64], count: 5))
      #expect(file.loose.isEmpty)
      #expect(try file.tensor("row").array(of: Float.self) == [1, 2, 3.5])
      for (name, exact) in [
        ("f32", matrix), ("f16", matrix.to(.float16)), ("bf16", matrix.to(.bfloat16)),
      ] {
        let read = try file.tensor(name)
        #expect(read.dtype == exact.dtype)
        #expect(read.array(of: Float.self) == exact.array(of: Float.self))
      }
      let largest = matrix.abs().max().item()
      for (name, share) in [("q8_0", 1.0 / 254), ("q4_0", 1 / 8)] {
        // Half a step of Q8_0's, and a whole one of Q4_0's, which has none at one end.
        #expect((try file.tensor(name) - matrix).abs().max().item() <= largest * share * 1.01)
      }
    }
  }

  @Test func whatCannotBeWritten() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "a.gguf")
      func refusal(_ items: [GGUFWriter.Item], _ metadata: [(key: String, value: GGUFField)] = []) -> String {
        do {
          try write(items, metadata, to: url)
          return "no error"
        } catch { return "\(error)" }
      }
      func item(_ name: String, _ encoding: GGUFEncoding, _ values: [Float]) -> GGUFWriter.Item {
        .init(name: name, shape: [values.count], encoding: encoding) { Tensor(values) }
      }
      let large = [Float](repeating: 1e6, count: 32)
      #expect(refusal([item("big", .f16, large)]).contains("big: cannot write: values that F16 cannot hold"))
      let larger = [Float](repeating: 1e9, count: 32)
      #expect(refusal([item("q", .q8_0, larger)]).contains("values that Q8_0 cannot hold"))
      #expect(
        refusal([item("n", .q4_0, [.nan] + large.dropFirst())]).contains("values that Q4_0 cannot hold"))
      #expect(refusal([item("odd", .q8_0, [1, 2])]).contains("rows of a multiple of 32"))
      #expect(
        refusal([item("a", .f32, [1]), item("a", .f32, [1])]).contains("a: cannot write: two of this name"))
      #expect(
        refusal([], [("k", .bool(true)), ("k", .bool(false))]).contains("k: cannot write: two of this"))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty)
    }
  }

  @Test(.enabled(if: PeerPython.has("gguf", "numpy"), "needs a Python with gguf; set PEER_PYTHON"))
  func thePackageReadsIt() throws {
    let script = """
      import sys, gguf, numpy as np
      reader = gguf.GGUFReader(sys.argv[1])
      assert reader.fields["a.text"].contents() == "▁a" and reader.fields["a.list"].contents() == ["x", "y"]
      found = {t.name: t for t in reader.tensors}
      exact = np.array(found["f32"].data)
      for name in ["f16", "bf16", "q8_0", "q4_0"]:
          kind = found[name].tensor_type
          assert kind.name == name.upper(), kind
          assert np.array_equal(gguf.quants.quantize(exact, kind).view(np.uint8).ravel(), np.array(found[name].data).view(np.uint8).ravel()), name
      print("read")
      """
    var generator = RandomGenerator(seed: 4)
    let matrix = Tensor.randomNormal([70, 4096], using: &generator)
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "a.gguf")
      try write(
        [GGUFEncoding.f32, .f16, .bf16, .q8_0, .q4_0].map { encoding in
          .init(name: "\(encoding)", shape: matrix.shape, encoding: encoding) { matrix }
        },
        [
          ("general.architecture", .string("llama")), ("a.text", .string("▁a")),
          ("a.list", .strings(["x", "y"])),
        ], to: url)
      let output = try PeerPython.run(script, [url.path])
      #expect(output.status == 0 && output.text.hasSuffix("read\n"), "\(output.text)")
    }
  }
}
