import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct PyTorchFileTests {
  private func url(_ name: String) -> URL { Fixtures.url("pytorch/\(name).bin") }

  private func file(_ name: String) throws -> PyTorchFile { try PyTorchFile(reading: url(name)) }

  @Test func typesOfElements() throws {
    let file = try file("views")
    #expect(file.names.first == "float" && file.names.count == 16)
    #expect(try file.tensor("float").array() == [0, 0.5, 1, 1.5, 2, 2.5] as [Float])
    #expect(file.entry("float")?.shape == [2, 3] && file.entry("float")?.elementType == .float32)
    let half = try file.tensor("half")
    #expect(half.dtype == .float16 && half.to(.float32).array() == [-1, -0.5, 0] as [Float])
    let bfloat = try file.tensor("bfloat")
    #expect(bfloat.dtype == .bfloat16 && bfloat.shape == [2, 2])
    #expect(try file.tensor("bfloat", as: .float32).array() == [1, 1.5, 2, 2.5] as [Float])
    #expect(try file.tensor("double").array() == [0, 0.5] as [Double])
    #expect(try file.tensor("long").array() == [-1, 1 << 40] as [Int64])
    #expect(try file.tensor("byte").array() == [0, 255] as [UInt8])
    #expect(try file.array("flag").scalars(of: Bool.self) == [true, false])
    #expect(try file.tensor("scalar").shape == [] && file.tensor("scalar").item() == 2.5)
    #expect(try file.tensor("empty").shape == [0, 3])
    #expect(try file.tensors().count == 16)
    #expect(file.entry("none") == nil)
    let missing = message { _ = try file.tensor("none") }
    #expect(missing.hasSuffix("none: found no tensor of that name"))
  }

  /// Tensors that are views of one storage, or of only a part of it.
  @Test func views() throws {
    let file = try file("views")
    let whole = try file.tensor("shared")
    #expect(whole.shape == [4, 6] && whole.array(of: Float.self).last == 11.5)
    for (name, expected) in [
      ("transposed", whole.permuted([1, 0])), ("rows", whole.slice(axis: 0, 1..<3)),
      ("columns", whole.slice(axis: 1, 1..<6, step: 2)),
      ("expanded", Tensor([0, 0.5, 1, 0, 0.5, 1], shape: [2, 3])),
      ("parameter", Tensor([0, 0.5])), ("frozen", Tensor([0, 0.5])),
    ] as [(String, Tensor)] {
      for found in [try file.tensor(name), try file.tensor(name, as: .float64)] {
        #expect(found.shape == expected.shape, "\(name)")
        #expect(found.array(of: Double.self) == expected.array(of: Double.self), "\(name)")
      }
      #expect(try file.array(name).floats() == expected.array(of: Float.self))
    }
  }

  /// What tests of models write is read as what was written.
  @Test func writtenForTests() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.bin")
      let tensors = [
        ("a.weight", Tensor.arange(24).to(.float32).reshaped([2, 3, 4])),
        ("b", Tensor([0.5, -1]).to(.bfloat16)),
        ("c", Tensor(3.0)),
      ]
      try PyTorchWriter.save(tensors.map { (name: $0.0, tensor: $0.1) }, to: url)
      let file = try PyTorchFile(reading: url)
      #expect(file.names == tensors.map(\.0))
      for (name, tensor) in tensors {
        let found = try file.tensor(name)
        #expect(found.dtype == tensor.dtype && found.shape == tensor.shape)
        #expect(found.array(of: Double.self) == tensor.array(of: Double.self))
      }
    }
  }

  @Test func otherWaysToSave() throws {
    let module = try file("module")
    #expect(module.names == ["weight", "bias"] && module.entry("weight")?.shape == [2, 3])
    #expect(try file("protocol4").tensor("a").array() == [0, 0.5] as [Float])
  }

  /// What is no dictionary of tensors, or would run code.
  @Test(arguments: [
    ("bare", "a bare pickle, as PyTorch wrote before 1.6"),
    ("nested", "a dictionary under `model`, expected a tensor"),
    ("list", "a list, expected a dictionary of tensors by name"),
    ("evil", "the name `posix.system`, expected none but those of tensors and dictionaries: no code is run"),
    ("whole_module", "the name `torch.nn.modules.linear.Linear`"),
    ("sparse", "the name `torch._utils._rebuild_sparse_tensor`"),
  ]) func refusals(name: String, expected: String) {
    let error = #expect(throws: CheckpointError.self) { try file(name) }
    #expect(
      error?.kind == .unsupported && error?.description.contains(expected) == true, "\(error?.found ?? "")")
  }

  @Test func filesOfOtherFormats() throws {
    try Fixtures.withTemporaryDirectory { folder in
      func error(_ bytes: Data) throws -> CheckpointError? {
        let url = folder.appendingPathComponent("a.bin")
        try bytes.write(to: url)
        return #expect(throws: CheckpointError.self) { try PyTorchFile(reading: url) }
      }
      #expect(try error(Data())?.kind == .wrongFormat)
      #expect(try error(Data("{}".utf8))?.kind == .wrongFormat)
      var tar = Data(count: 512)
      tar.replaceSubrange(257..<262, with: Data("ustar".utf8))
      #expect(try error(tar)?.found == "a tar archive of PyTorch before 0.2")
      let npz = try error(Data(contentsOf: Fixtures.url("numpy/stored.npz")))
      #expect(npz?.kind == .wrongFormat && npz?.found == "a zip archive without data.pkl")
      #expect(throws: CheckpointError.self) {
        try PyTorchFile(reading: folder.appendingPathComponent("none.bin"))
      }
    }
  }

  /// Cut anywhere, or with a byte changed, a file is refused or says what it said before.
  @Test func damagedFiles() throws {
    let whole = try Data(contentsOf: url("views"))
    let names = try file("views").names
    let values = try names.map { try file("views").array($0) }
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.bin")
      for length in stride(from: 0, to: whole.count, by: 97) {
        try whole.prefix(length).write(to: url)
        #expect(throws: CheckpointError.self) { try PyTorchFile(reading: url) }
      }
      var generator = RandomGenerator(seed: 3)
      var refused = 0
      for _ in 0..<600 {
        var bytes = whole
        let place = Int(generator.next() % UInt64(bytes.count))
        bytes[place] ^= UInt8(1 << (generator.next() % 8))
        try bytes.write(to: url)
        do {
          let file = try PyTorchFile(reading: url)
          #expect(file.names == names)
          for (name, value) in zip(names, values) { #expect(try file.array(name) == value) }
        } catch is CheckpointError { refused += 1 }
      }
      #expect(refused > 100)
    }
  }

  /// Pickles that no `torch.save` writes, in an archive around four elements.
  @Test(arguments: [
    ("\u{80}\u{2}}q\0X\u{1}\0\0\0a", "the end of the file"),
    ("\u{80}\u{1}}.", "a pickle of protocol 1"),
    ("\u{80}\u{2}I5\n.", "the instruction 0x49"),
    ("\u{80}\u{2}h\u{5}.", "no value 5"),
    ("\u{80}\u{2}.", "nothing to take"),
    ("\u{80}\u{2}u.", "no mark"),
    ("\u{80}\u{2}(K\u{1}d.", "a key without value"),
    ("\u{80}\u{2}}K\u{1}K\u{2}s.", "a whole number as a key"),
    ("\u{80}\u{2}cbuiltins\neval\n.", "the name `builtins.eval`"),
    ("\u{80}\u{2}ccollections\nOrderedDict\nK\u{1}\u{85}R.", "a dictionary made of a whole number"),
    ("\u{80}\u{2}K\u{1}K\u{2}b.", "state of a whole number"),
    ("\u{80}\u{2}K\u{1})R.", "a call of a whole number"),
    ("\u{80}\u{2}K\u{1}Q.", "a whole number for a storage"),
    ("\u{80}\u{2})Q.", "a storage of ()"),
    ("\u{80}\u{2}ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor without storage or offset"),
    ("\u{80}\u{2}ctorch._utils\n_rebuild_parameter\n)R.", "a parameter of no tensor"),
    (view(offset: 1, shape: 2, 2, strides: 2, 1), "shape [2, 2] with strides [2, 1] from element 1"),
    (view(offset: 0, shape: 2, 3, strides: 2, 1), "shape [2, 3] with strides [2, 1] from element 0"),
    (view(offset: 0, shape: 2, 2, strides: 3, 1), "a view of the 4 elements of storage 0"),
    (view(count: 8, offset: 0, shape: 2, 2, strides: 2, 1), "16 bytes of storage `0`"),
    (view(key: "1", offset: 0, shape: 2, 2, strides: 2, 1), "no storage `1`"),
  ]) func pickles(text: String, expected: String) throws {
    let error = #expect(throws: CheckpointError.self) { try open(text) }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
  }

  @Test func theSmallestPickle() throws {
    let text = Self.view(offset: 0, shape: 2, 2, strides: 1, 2)
    #expect(try open(text).tensor("a").array() == [1, 3, 2, 4] as [Float])
    // A million tuples in each other are as easily let go as read.
    let deep = "\u{80}\u{2})" + String(repeating: "\u{85}", count: 1_000_000) + "."
    #expect(message { _ = try open(deep) }.contains("found a tuple"))
  }

  /// A dictionary with one matrix `a` of single precision.
  private static func view(
    key: String = "0", count: UInt8 = 4, offset: UInt8, shape rows: UInt8, _ columns: UInt8,
    strides down: UInt8, _ across: UInt8
  ) -> String {
    func number(_ value: UInt8) -> String { "K" + String(UnicodeScalar(value)) }
    func text(_ text: String) -> String {
      "X" + String(UnicodeScalar(UInt8(text.utf8.count))) + "\0\0\0" + text
    }
    return "\u{80}\u{2}}" + text("a") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage")
      + "ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(count) + "tQ" + number(offset)
      + number(rows) + number(columns) + "\u{86}" + number(down) + number(across)
      + "\u{86}\u{89}ccollections\nOrderedDict\n)RtRs."
  }

  /// Opens an archive with this pickle, a character a byte, and a storage 0 of the numbers 1 to 4.
  private func open(_ pickle: String) throws -> PyTorchFile {
    let bytes = pickle.unicodeScalars.map { UInt8($0.value) }
    let elements = ([1, 2, 3, 4] as [Float]).withUnsafeBytes { [UInt8]($0) }
    return try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.bin")
      try Data(PyTorchWriter.archive([("a/data.pkl", bytes), ("a/data/0", elements)])).write(to: url)
      return try PyTorchFile(reading: url)
    }
  }
}
