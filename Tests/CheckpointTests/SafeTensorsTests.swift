import Checkpoint
import Foundation
import TestSupport
import Testing

@Suite struct SafeTensorsTests {
  private func write(_ header: String, data: Int = 0, to url: URL, length: UInt64? = nil) throws {
    var bytes = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { [UInt8]($0) }
    bytes += header.utf8
    bytes += [UInt8](repeating: 0, count: data)
    try Data(bytes).write(to: url)
  }

  @Test func roundTrip() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let metadata = ["format": "pt", "note": "\"quoted\"\n\u{1}🙂\\"]
      try SafeTensors.write(HDF5RoundTripTests.arrays, metadata: metadata, to: url)
      let file = try SafeTensorsFile(reading: url)
      #expect(file.metadata == metadata)
      #expect(Set(file.names) == Set(HDF5RoundTripTests.arrays.map(\.name)))
      for (name, array) in HDF5RoundTripTests.arrays { #expect(try file.array(name) == array, "\(name)") }
      let first = try Data(contentsOf: url)
      #expect(first.prefix(8).reduce(0) { $0 + Int($1) } > 0)
      try SafeTensors.write(HDF5RoundTripTests.arrays.reversed(), metadata: metadata, to: url)
      #expect(try Data(contentsOf: url) == first)
    }
  }

  @Test func exactHeader() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let arrays = [
        ("b", StoredArray([1 as UInt8], shape: [])), ("a", StoredArray([1 as Float, 2], shape: [1, 2])),
      ]
      try SafeTensors.write(arrays, metadata: ["k": "v"], to: url)
      let bytes = try Data(contentsOf: url)
      let header = """
        {"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},\
        "b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}
        """
      let padding = String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
      #expect(String(decoding: bytes.dropFirst(8).dropLast(9), as: UTF8.self) == header + padding)
    }
  }

  @Test func whatPEFTWrites() throws {
    let file = try SafeTensorsFile(reading: Fixtures.url("safetensors/peft_adapter.safetensors"))
    #expect(file.metadata["format"] == "pt")
    #expect(file.names.allSatisfy { $0.hasPrefix("base_model.model.") })
    #expect(file.names.filter { $0.hasSuffix("lora_A.weight") }.count == file.names.count / 2)
    for entry in file.entries {
      #expect(entry.elementType == .float32)
      #expect(try file.array(entry.name).floats().allSatisfy { $0.isFinite && abs($0) < 10 })
    }
  }

  static let good = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

  @Test(arguments: [
    ("[]", 0, "header: found no `{` at its start, expected a JSON object"),
    ("{\(good)", 8, "header byte 53: found the end of the text, expected `}`, expected valid JSON"),
    ("{\(good),\(good)}", 8, "header byte 54: found the key `a` a second time, expected valid JSON"),
    ("{\(good)}x", 8, "header byte 54: found text after the end of the value, expected valid JSON"),
    ("{\"a\":1}", 0, "a: found a number, expected an object with dtype, shape, data_offsets"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8,
      "a: found no `data_offsets`, expected dtype, shape and data_offsets"
    ),
    (
      "{\"a\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
      "a: found dtype `F99`, expected one of U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, I8, U8, BOOL"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", 8,
      "a: found a shape that is no list of extents, expected [Int >= 0]"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", 8,
      "a: found a shape that is no list of extents, expected [Int >= 0]"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
      "a: found 8 bytes for F32 [3], expected 12"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8,
      "a: found 8 bytes for F32 [4611686018427387904, 4], expected more than Int.max"
    ),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8,
      "a: found data_offsets that are no range, expected [begin, end] with begin <= end"
    ),
    ("{\(good)}", 7, "found 7 bytes of data, expected 8 as the header says"),
    ("{\(good)}", 9, "found 9 bytes of data, expected 8 as the header says"),
    (
      "{\(good),\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9,10]}}", 10,
      "b: found a hole before data offset 9, expected data from offset 8"
    ),
    (
      "{\(good),\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[7,9]}}", 9,
      "b: found an overlap at data offset 7, expected data from offset 8"
    ),
    ("{\"__metadata__\":{\"n\":1}}", 0, "__metadata__.n: found a number, expected text"),
    ("{\"__metadata__\":[]}", 0, "__metadata__: found an array, expected an object"),
    (
      "{\(good),\"\u{E9}\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]},"
        + "\"e\u{301}\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]}}", 8,
      "header: found names that differ in their Unicode form only, expected names that differ as text"
    ),
    ("{\"a\":\"\\x\"}", 0, "header byte 7: found an unknown escape, expected valid JSON"),
    ("{\"a\":\"\\ud800\"}", 0, "header byte 12: found half of a surrogate pair, expected valid JSON"),
    ("{\"a\":01}", 0, "header byte 5: found `01`, expected a number, expected valid JSON"),
  ])
  func malformed(header: String, data: Int, message: String) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("bad.safetensors")
      try write(header, data: data, to: url)
      let error = #expect(throws: CheckpointError.self) { try SafeTensorsFile(reading: url) }
      #expect(error?.description == "\(url.path): \(message)")
    }
  }

  @Test func lengthsThatCannotBe() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("bad.safetensors")
      for (length, message) in [
        (UInt64.max, "found a header length of 18446744073709551615 bytes, expected at most 100000000"),
        (1000, "found 10 bytes, expected at least 1008 for the header"),
        (0, "header: found no bytes, expected a JSON object"),
      ] {
        try write("{}", to: url, length: length)
        let error = #expect(throws: CheckpointError.self) { try SafeTensorsFile(reading: url) }
        #expect(error?.description == "\(url.path): \(message)")
      }
      for count in 0..<8 {
        try Data(count: count).write(to: url)
        #expect(throws: CheckpointError.self) { try SafeTensorsFile(reading: url) }
      }
      try write("{}      ", to: url)
      #expect(try SafeTensorsFile(reading: url).names.isEmpty)
    }
  }

  @Test func cutShortAtEveryLength() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("cut.safetensors")
      try SafeTensors.write(HDF5RoundTripTests.arrays, to: url)
      let whole = try Data(contentsOf: url)
      for length in 0..<whole.count {
        try whole.prefix(length).write(to: url)
        #expect(throws: CheckpointError.self, "\(length)") { try SafeTensorsFile(reading: url) }
      }
    }
  }

  @Test func nesting() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("deep.safetensors")
      try write("{\"a\":" + String(repeating: "[", count: 100_000), to: url)
      let error = #expect(throws: CheckpointError.self) { try SafeTensorsFile(reading: url) }
      #expect(error?.found == "values nested deeper than 64 levels")
    }
  }

  @Test(
    .enabled(if: PeerPython.has("safetensors", "numpy"), "needs a Python with safetensors; set PEER_PYTHON"))
  func referenceImplementationReadsOurs() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("ours.safetensors")
      let arrays = [
        ("a.weight", StoredArray([1 as Float, 2, 3, 4], shape: [2, 2])),
        ("n", StoredArray([7 as Int64], shape: [])),
      ]
      try SafeTensors.write(arrays, metadata: ["format": "pt"], to: url)
      let script = """
        import sys
        from safetensors import safe_open
        from safetensors.numpy import load_file, save_file
        t = load_file(sys.argv[1])
        print({k: (str(v.dtype), v.tolist()) for k, v in sorted(t.items())})
        print(safe_open(sys.argv[1], "np").metadata())
        save_file(t, sys.argv[2], {"format": "pt"})
        print(open(sys.argv[1], "rb").read() == open(sys.argv[2], "rb").read())
        """
      let output = try PeerPython.run(script, [url.path, url.path + ".again"])
      #expect(
        output.text == """
          {'a.weight': ('float32', [[1.0, 2.0], [3.0, 4.0]]), 'n': ('int64', 7)}
          {'format': 'pt'}
          True

          """)
    }
  }
}
