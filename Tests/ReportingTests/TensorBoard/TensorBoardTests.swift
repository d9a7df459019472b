import DPOTrain
import Foundation
import Reporting
import TestSupport
import Testing

@Suite("TensorBoard events")
struct TensorBoardTests {
  @Test("CRC-32C of the vectors of RFC 3720, appendix B.4")
  func checksums() {
    #expect(MaskedCRC32C.checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(MaskedCRC32C.checksum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(MaskedCRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(MaskedCRC32C.checksum("123456789".utf8) == 0xE306_9283)
    // 0xE3069283 rotated right by 15 bits is 0x2507C60D; plus 0xA282EAD8 it is 0xC78AB0E5.
    #expect(MaskedCRC32C.masked("123456789".utf8) == 0xC78A_B0E5)
  }

  @Test("A record is length, checksum, payload, checksum")
  func framing() {
    let record = TensorBoardWriter.record(Array("123456789".utf8))
    #expect(record.count == 8 + 4 + 9 + 4)
    #expect(Array(record[0..<8]) == [9, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(record[21...]) == [0xE5, 0xB0, 0x8A, 0xC7])
  }

  @Test("The first event is the file version, byte for byte")
  func firstEvent() throws {
    try withDirectory { directory in
      let writer = try TensorBoardWriter(directory: directory, clock: { 1.0 })
      // wall_time = 1.0 (field 1, fixed 64 bits), file_version = "brain.Event:2" (field 3).
      let payload = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x1A, 13] + Array("brain.Event:2".utf8)
      #expect(try [UInt8](Data(contentsOf: writer.file)) == TensorBoardWriter.record(payload))
      #expect(writer.file.lastPathComponent.hasPrefix("events.out.tfevents.1."))
    }
  }

  @Test("A resumed run gets a file of its own")
  func resume() throws {
    try withDirectory { directory in
      let first = try TensorBoardWriter(directory: directory, clock: { 5 })
      try first.write(scalars: ["loss": 1], step: 1)
      let size = try Data(contentsOf: first.file).count
      let second = try TensorBoardWriter(directory: directory, resumingAt: 2, clock: { 5 })
      try second.write(scalars: ["loss": 0.5], step: 2)
      #expect(first.file != second.file)
      #expect(try Data(contentsOf: first.file).count == size)
    }
  }

  @Test("Texts, pictures and times of their own, with checksums by another implementation")
  func texts() throws {
    try withDirectory { directory in
      let writer = try TensorBoardWriter(directory: directory, resumingAt: 0, clock: { 100 })
      try writer.write(text: "**bold** ä", tag: "samples", step: 3, wallTime: 42.5)
      try writer.write(image: [1, 2, 3], width: 20, height: 10, tag: "map", step: 300)
      try writer.write(MetricRow(stage: "train", step: 7, values: ["loss": 0.25], wallTime: 7.75))
      let file = try EventFile(writer.file)
      #expect(file.unfinished == 0)
      #expect(file.events.map(\.step) == [0, 0, 3, 300, 7])
      #expect(file.events.map(\.wallTime) == [100, 100, 42.5, 100, 7.75])
      #expect(file.events[1].isSessionStart)
      #expect(file.events[2].texts == ["samples": "**bold** ä"])
      let image = try #require(file.events[3].images["map"])
      #expect(image.width == 20 && image.height == 10 && image.bytes == [1, 2, 3])
      #expect(file.events[4].scalars == ["train/loss": 0.25])
      // What a killed process leaves: whole records before the one that was cut short.
      let bytes = try Data(contentsOf: writer.file)
      for length in 0..<bytes.count {
        let cut = directory.appendingPathComponent("cut")
        try bytes.prefix(length).write(to: cut)
        let read = try EventFile(cut)
        #expect(read.events.count < 5)
      }
    }
  }

  @Test(
    "TensorBoard reads the values back",
    .enabled(if: PythonWithTensorBoard.path != nil, "no Python with tensorboard"))
  func readBack() throws {
    let python = try #require(PythonWithTensorBoard.path)
    try withDirectory { directory in
      let writer = try TensorBoardWriter(directory: directory, clock: { 100 })
      try writer.write(MetricRow(stage: "train", step: 1, values: ["loss": 0.5, "rewards/margins": .nan]))
      try writer.write(MetricRow(stage: "train", step: 300, values: ["loss": 0.25, "rewards/margins": -2]))
      // A one-pixel PNG.
      let png = Data(
        base64Encoded:
          "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")!
      try writer.write(image: [UInt8](png), width: 1, height: 1, tag: "sample", step: 1)
      try writer.write(text: "a *text*", tag: "samples", step: 2, wallTime: 50)
      let resumed = try TensorBoardWriter(directory: directory, resumingAt: 300, clock: { 101 })
      try resumed.write(MetricRow(stage: "train", step: 300, values: ["loss": 0.125]))
      try resumed.flush()
      let script = """
        import sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        a = EventAccumulator(sys.argv[1]); a.Reload()
        for tag in sorted(a.Tags()["scalars"]):
          print(tag, [(e.step, e.value) for e in a.Scalars(tag)])
        for tag in a.Tags()["images"]:
          print(tag, [(e.step, e.width, e.height, len(e.encoded_image_string)) for e in a.Images(tag)])
        for tag in a.Tags()["tensors"]:
          plugin = a.SummaryMetadata(tag).plugin_data.plugin_name
          print(tag, plugin, [(e.step, e.wall_time, e.tensor_proto.string_val[0]) for e in a.Tensors(tag)])
        """
      let output = try PythonWithTensorBoard.run(python, ["-c", script, directory.path])
      #expect(
        output == """
          train/loss [(1, 0.5), (300, 0.125)]
          train/rewards/margins []
          sample [(1, 1, 1, 69)]
          samples text [(2, 50.0, b'a *text*')]

          """)
    }
  }

  private func withDirectory(_ body: (URL) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
  }
}

enum PythonWithTensorBoard {
  /// The first Python on the path that can import tensorboard.
  static let path: String? = ["python3", "python"].first {
    (try? run($0, ["-c", "import tensorboard"])) != nil
  }

  struct Failure: Error {}

  static func run(_ python: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure() }
    return String(decoding: data, as: UTF8.self)
  }
}
