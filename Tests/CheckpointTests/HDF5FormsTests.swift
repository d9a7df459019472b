import Checkpoint
import Foundation
import TestSupport
import Testing

/// Files of libhdf5 in its oldest and newest form: both kinds of groups, all layouts, every index of chunks,
/// filters, fill values, named types, attributes in headers and in heaps. Every dataset counts up and starts
/// again after 250.
@Suite(.serialized) struct HDF5FormsTests {
  @Test(arguments: ["earliest", "latest"])
  func datasets(form: String) throws {
    let file = try HDF5File(reading: Fixtures.url("hdf5/\(form).h5"))
    let paths = try ["chunked", "many"].flatMap { group in
      try file.datasets(under: group).map { "\(group)/\($0)" }
    }
    #expect(paths.count == 84)
    for path in paths + ["contiguous", "big_endian", "compact", "committed"] {
      let array = try file.read(path)
      #expect(array.floats() == (0..<array.count).map { Float($0 % 251) }, "\(path)")
    }
    #expect(try file.description(of: "chunked/all/growing").shape == [11, 5, 3])
    #expect(try file.description(of: "chunked/all/growing").elementType == .int64)
    #expect(try file.read("chunked/shrunk").count == 5)
    #expect(try file.read("unwritten/contiguous").floats() == [1.5, 1.5, 1.5])
    #expect(try file.read("unwritten/chunked").floats() == [1.5, 1.5, 1.5, 1.5, 1.5])
    #expect(try file.read("unwritten/zero").floats() == [0, 0])
  }

  @Test func ordersOfLargeGroups() throws {
    let names = (0..<60).map(String.init)
    let old = try HDF5File(reading: Fixtures.url("hdf5/earliest.h5"))
    #expect(try old.entries(in: "many").map(\.name) == names.sorted())
    let new = try HDF5File(reading: Fixtures.url("hdf5/latest.h5"))
    #expect(try new.entries(in: "many").map(\.name) == names.reversed())
    #expect(try new.entries(in: "many", order: .name).map(\.name) == names.sorted())
    #expect(try new.exists("many/59") && !new.exists("many/60") && !new.exists("many/59/x"))
  }

  @Test(arguments: [("earliest", 7_000), ("latest", 70_000)])
  func attributes(form: String, length: Int) throws {
    let file = try HDF5File(reading: Fixtures.url("hdf5/\(form).h5"))
    for index in 0..<40 {
      let name = "attribute " + (index < 10 ? "0\(index)" : "\(index)")
      #expect(try file.attribute(name, on: "many") == .integer(Int64(index)))
    }
    #expect(try file.attribute("text", on: "many") == .string(String(repeating: "x", count: length)))
    #expect(try file.attribute("big", on: "many") == .integers([1, 2]))
    // Beyond what an Int64 holds: told, not cut off.
    for read in [{ _ = try file.attribute("largest", on: "many") }, { _ = try file.attributes(on: "many") }] {
      let error = #expect(throws: CheckpointError.self, performing: read)
      #expect(error?.found == "the number 18446744073709551615")
    }
    #expect(try file.attribute("half", on: "many") == .real(0.25))
    #expect(try file.attribute("texts", on: "many") == .strings(["", "ä", "three"]))
  }

  @Test func whatIsNoDataset() throws {
    let file = try HDF5File(reading: Fixtures.url("hdf5/earliest.h5"))
    for (path, found) in [("many", "a group"), ("type", "a named type")] {
      let error = #expect(throws: CheckpointError.self) { try file.read(path) }
      #expect(error?.kind == .mismatch && error?.found == found)
    }
    #expect(throws: CheckpointError.self) { try file.entries(in: "compact") }
  }

  @Test(.enabled(if: PeerPython.has("h5py"), "needs a Python with h5py; set PEER_PYTHON"))
  func arraysOfManyChunks() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("many.h5")
      let script = """
        import h5py, numpy as np, sys
        with h5py.File(sys.argv[1], "w", libver="latest") as f:
            values = (np.arange(300_000) % 251).astype("u1")
            f.create_dataset("growing", data=values, chunks=(1,), maxshape=(None,))
            f.create_dataset("free", data=values[:30_000].reshape(100, 300), chunks=(1, 2), maxshape=(None, None))
            f.create_dataset("fixed", data=values, chunks=(7,), shuffle=True)
            for i in range(3000):
                f[f"group/{i}"] = values[:1]
        """
      #expect(try PeerPython.run(script, [url.path]).status == 0)
      let file = try HDF5File(reading: url)
      for (name, count) in [("growing", 300_000), ("free", 30_000), ("fixed", 300_000)] {
        let bytes = try file.read(name).bytes
        let wrong = bytes.indices.first { bytes[$0] != UInt8($0 % 251) }
        #expect(bytes.count == count && wrong == nil, "\(name) at \(wrong ?? 0)")
      }
      #expect(try file.datasets(under: "group").count == 3000)
      #expect(try file.read("group/2999").bytes == [0])
    }
  }
}
