import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct HDF5ForeignFileTests {
  let foreign = Fixtures.url("hdf5/foreign.h5")

  @Test func whatH5pyWrites() throws {
    let file = try HDF5File(reading: foreign)
    let compressed = try file.read("compressed")
    #expect(compressed.shape == [20, 30])
    #expect(compressed.scalars(of: Float.self) == (0..<600).map { Float($0) / 7 })
    #expect(try file.read("big_endian").scalars(of: Int32.self) == [1, -2, 300])
    #expect(try file.read("half").floats() == [1, -0.5, 65504, .infinity])
    #expect(try file.read("flags").scalars(of: Bool.self) == [true, false, true])
    #expect(try file.read("scalar") == StoredArray([0.1], shape: []))
    #expect(try file.read("empty") == StoredArray([Int64](), shape: [0, 3]))
    #expect(try file.attribute("text") == .string("grüße"))
    #expect(try file.attribute("fixed") == .string("fixed"))
    #expect(try file.attribute("texts") == .strings(["one", "two"]))
    #expect(try file.attribute("count") == .integer(3))
    #expect(try file.attribute("rate") == .real(0.5))
    #expect(try file.attribute("betas") == .reals([0.9, 0.999]))
    #expect(try file.attribute("on") == .boolean(true))
  }

  @Test(arguments: [
    ("soft", "/soft: found a soft or external link, expected data in this file"),
    ("external", "/external: found a soft or external link, expected data in this file"),
    ("compound", "/compound: found compound type of 8 bytes, expected numbers or booleans"),
    ("words", "/words: found string type of variable length, expected numbers or booleans"),
    ("null", "/null: found a null dataspace, expected a shape"),
    ("nothing", "/nothing: found no `nothing` in /"),
    ("scalar/inner", "/scalar/inner: found no `inner` in /scalar"),
  ])
  func refused(path: String, message: String) throws {
    let file = try HDF5File(reading: foreign)
    let error = #expect(throws: CheckpointError.self) { try file.read(path) }
    #expect(error?.description == "\(foreign.path): \(message)")
  }

  /// A file whose writer is at work, or went without closing it, may lack what it says it has.
  @Test func aFileThatWasNotClosedIsRefused() throws {
    let file = Fixtures.url("hdf5/not_closed.h5")
    let error = #expect(throws: CheckpointError.self) { try HDF5File(reading: file) }
    #expect(
      error?.description.hasSuffix(
        "found a file that is open for writing or was not closed, expected a closed file") == true)
  }

  @Test func listingRefusesLinks() throws {
    let file = try HDF5File(reading: foreign)
    #expect(throws: CheckpointError.self) { try file.entries() }
  }

  @Test(arguments: [
    ("virtual", "a virtual dataset"), ("outside", "a dataset stored in other files"),
    ("huge", "float32 [1099511627776] in a file of"),
  ])
  func refusedStorage(path: String, message: String) throws {
    let file = try HDF5File(reading: Fixtures.url("hdf5/virtual.h5"))
    let error = #expect(throws: CheckpointError.self) { try file.read(path) }
    #expect(error?.description.contains(message) == true)
  }

  @Test func loopOfHardLinksEnds() throws {
    let file = try HDF5File(reading: Fixtures.url("hdf5/virtual.h5"))
    #expect(throws: CheckpointError.self) { try file.datasets(under: "/loop") }
  }

  @Test func notThere() {
    let url = URL(fileURLWithPath: "/nowhere/x.h5")
    let error = #expect(throws: CheckpointError.self) { try HDF5File(reading: url) }
    #expect(error?.kind == .cannotOpen)
    #expect(error?.description == "/nowhere/x.h5: cannot open: no such file, expected an HDF5 file")
  }

  @Test func notHDF5() {
    let error = #expect(throws: CheckpointError.self) {
      try HDF5File(reading: Fixtures.url("safetensors/peft_adapter.safetensors"))
    }
    #expect(error?.kind == .wrongFormat)
  }

  @Test(.enabled(if: PeerPython.has("h5py"), "needs a Python with h5py; set PEER_PYTHON"))
  func h5pyReadsOurs() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("ours.h5")
      var checkpoint = TrainingCheckpointTests.sample
      checkpoint.model.append(("flags", Tensor([true, false])))
      checkpoint.model.append(("half", Tensor.ones([1], dtype: .float16)))
      try checkpoint.write(to: url)
      let script = """
        import h5py, sys
        with h5py.File(sys.argv[1]) as f:
            print(list(f), list(f["model"]))
            w = f["model/decoder/layers/0/weight"]
            print(w.dtype, w.shape, w.chunks, w[:].tolist())
            print(f["model/flags"].dtype, f["model/half"].dtype, f["model/half"][0])
            print(f["random/data"].dtype, f["random/data"][:].tolist())
            print({k: (type(v).__name__, str(v)) for k, v in f["progress"].attrs.items()})
            print({k: str(v) for k, v in f.attrs.items()}, type(f.attrs["configuration"]).__name__)
        """
      let output = try PeerPython.run(script, [url.path])
      #expect(output.status == 0)
      #expect(
        output.text == """
          ['model', 'optimizer', 'random', 'progress'] ['decoder', 'head', 'flags', 'half']
          float32 (2, 2) None [[1.0, 2.0], [3.0, 4.0]]
          bool float16 1.0
          uint64 [18446744073709551615, 2]
          {'epoch': ('float64', '0.5'), 'stage': ('str', 'dpo'), 'step': ('int64', '7')}
          {'code_version': '1.0', 'configuration': 'a: 1\\n', 'configuration_hash': 'abc', 'format_version': '1'} str

          """)
    }
  }
}
