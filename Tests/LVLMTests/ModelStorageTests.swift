import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// The types in which weights are kept in memory and written to files, the files they are written to, and the
/// memory that takes.
@Suite struct ModelStorageTests {
  private static let halves: [DType] = [.bfloat16, .float16]

  private func types(of folder: URL) throws -> Set<ElementType> {
    Set(
      try SafeTensorsFile(reading: folder.appending(component: "model.safetensors")).entries.map(
        \.elementType))
  }

  @Test(arguments: halves) func aStoredTypeIsKept(type: DType) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let places = (0..<6).map { folder.appending(component: "\($0)") }
      try TinyModel.make().save(to: places[0], type: .type(type))
      #expect(try types(of: places[0]) == [ElementType(type)])
      let whole = try LlavaModel.load(from: places[0])
      #expect(
        whole.namedParameters().allSatisfy { $0.parameter.dtype == .float32 && $0.parameter.isTrainable })
      let kept = try LlavaModel.load(from: places[0], weights: .auto)
      let matrices = kept.namedParameters().filter { $0.parameter.dtype == type }
      #expect(matrices.count == kept.modules().count { $0 is Linear || $0 is Embedding })
      #expect(kept.trainableParameters().isEmpty)
      // Norms decide the type of hidden states.
      #expect(
        kept.namedParameters().allSatisfy { !$0.name.contains("norm") || $0.parameter.dtype == .float32 })
      let weights = places[0].appending(component: "model.safetensors")
      for (model, place) in [(whole, places[1]), (kept, places[2])] {
        try model.save(to: place)
        #expect(
          try Data(contentsOf: weights) == Data(contentsOf: place.appending(component: "model.safetensors")))
        let config = try String(contentsOf: place.appending(component: "config.json"), encoding: .utf8)
        #expect(config.contains("\"dtype\" : \"\(type.rawValue)\""))
      }
      // A weight that was trained keeps every bit, unless the type of the file is asked for.
      let trained = try #require(whole.namedParameters().first { $0.name.hasSuffix("q_proj.weight") })
      trained.parameter.tensor = trained.parameter.tensor + 1e-6
      try whole.save(to: places[3])
      let file = try SafeTensorsFile(reading: places[3].appending(component: "model.safetensors"))
      #expect(file.entries.count { $0.elementType == .float32 } == 1)
      #expect(file.entry(trained.name)?.elementType == .float32)
      try whole.save(to: places[4], type: .stored)
      #expect(try types(of: places[4]) == [ElementType(type)])
      try whole.save(to: places[5], type: .type(.float32))
      #expect(try types(of: places[5]) == [.float32])
    }
  }

  /// Weights that lie where their elements can be read stay in the file, others are copied: the same numbers.
  @Test(arguments: [DType.float32, .bfloat16, .float16], 0..<4)
  func weightsThatStayInTheirFileAreThoseThatAreRead(type: DType, shift: Int) throws {
    try Fixtures.withTemporaryDirectory { folder in
      try TinyModel.make().save(to: folder, type: .type(type))
      let file = folder.appending(component: "model.safetensors")
      let bytes = try Data(contentsOf: file)
      let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      var entries = try #require(
        try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any])
      // Its checksums are of the file as it was.
      entries["__metadata__"] = nil
      var header = try JSONSerialization.data(withJSONObject: entries)
      while header.count % 8 != shift { header.append(UInt8(ascii: " ")) }
      let count = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
      try (count + header + bytes[(8 + length)...]).write(to: file)
      let (read, mapped) = (
        try LlavaModel.load(from: folder, weights: .auto), try LlavaModel.load(from: folder, weights: .mapped)
      )
      for (one, other) in zip(read.namedParameters(), mapped.namedParameters()) {
        #expect(one.name == other.name && one.parameter.dtype == other.parameter.dtype)
        let (numbers, same) = (one.parameter.tensor.to(.float32), other.parameter.tensor.to(.float32))
        #expect(numbers.array(of: Float.self) == same.array(of: Float.self), "\(one.name)")
      }
      let again = folder.appending(component: "again")
      try mapped.save(to: again)
      let (old, new) = (
        try SafeTensorsFile(reading: file),
        try SafeTensorsFile(reading: again.appending(component: "model.safetensors"))
      )
      for entry in old.entries {
        #expect(try old.array(entry.name) == new.array(entry.name), "\(entry.name)")
      }
    }
  }

  @Test func partsThatAreTrainedStayFloat32() throws {
    for (parts, prefixes) in [
      (Set<LlavaModel.Part>(), [String]()), ([.projector], ["multi_modal_projector."]),
      ([.vision, .decoder], ["vision_tower.", "language_model."]),
    ] {
      let loaded = try PretrainedModel.load(
        from: Fixtures.url("verification/llava_tiny"), weights: .bfloat16, trainable: parts)
      for (name, parameter) in loaded.model.namedParameters() {
        let isTrained = prefixes.contains { name.hasPrefix($0) }
        #expect(parameter.isTrainable == isTrained, "\(name)")
        if isTrained { #expect(parameter.dtype == .float32, "\(name)") }
      }
      // As if it had been read in Float32 and rounded afterwards.
      let other = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
      other.setTrainable(false, .vision, .projector, .decoder)
      for part in parts { other.setTrainable(true, part) }
      other.storeFrozenWeights(as: .bfloat16)
      for ((name, a), (_, b)) in zip(loaded.model.namedParameters(), other.namedParameters()) {
        #expect(a.dtype == b.dtype && (a.tensor - b.tensor).abs().max().item() == 0, "\(name)")
      }
    }
  }

  @Test(arguments: halves) func answersOfKeptWeights(type: DType) throws {
    try Fixtures.withTemporaryDirectory { folder in
      try TinyModel.make().save(to: folder, type: .type(type))
      let batch = try TinyModel.batch(TinyModel.examples)
      let found = try [WeightStorage.float32, .auto].map { storage in
        let model = try LlavaModel.load(from: folder, weights: storage)
        return noGradient {
          model.logProbabilities(batch, imageFeatures: model.imageFeatures(TinyModel.pixels(3)))
        }
      }
      #expect(difference(found[0], found[1]) < 1e-4)
    }
  }

  @Test func valuesThatATypeCannotHold() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let model = try TinyModel.make()
      try model.save(to: folder)
      let before = try Data(contentsOf: folder.appending(component: "model.safetensors"))
      let (name, parameter) = model.namedParameters()[3]
      parameter.tensor = .full(parameter.shape, 70_000)
      let error = #expect(throws: ModelDirectoryError.self) {
        try model.save(to: folder, type: .type(.float16), shardBytes: 1 << 12)
      }
      #expect(error?.unusable == ["\(name) (values that float16 cannot hold)"])
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(names) == ["model.safetensors", "config.json"])
      #expect(try Data(contentsOf: folder.appending(component: "model.safetensors")) == before)
      // Finite in Float32, though their sum is not.
      parameter.tensor = .full(parameter.shape, 3e38)
      try model.save(to: folder)
      _ = try LlavaModel.load(from: folder)
    }
  }

  @Test func shardsAndBack() throws {
    struct Index: Decodable {
      struct Metadata: Decodable {
        var total_size: Int
        var total_parameters: Int
      }
      var metadata: Metadata
      var weight_map: [String: String]
    }
    try Fixtures.withTemporaryDirectory { folder in
      let model = try TinyModel.make()
      try model.save(to: folder, shardBytes: 3000)
      let index = try JSONDecoder().decode(
        Index.self, from: Data(contentsOf: folder.appending(component: "model.safetensors.index.json")))
      let files = Set(index.weight_map.values).sorted()
      #expect(files.count > 2)
      #expect(
        files[0]
          == "model-00001-of-\(String(repeating: "0", count: 5 - "\(files.count)".count))\(files.count).safetensors"
      )
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(names) == Set(files + ["config.json", "model.safetensors.index.json"]))
      let weights = model.mergedParameters()
      #expect(index.weight_map.count == weights.count)
      let count = weights.reduce(0) { $0 + $1.tensor.count }
      #expect(index.metadata.total_parameters == count && index.metadata.total_size == 4 * count)
      for file in files {
        let shard = try SafeTensorsFile(reading: folder.appending(component: file))
        #expect(Set(shard.names) == Set(index.weight_map.filter { $0.value == file }.keys))
        let bytes = try shard.tensors().reduce(0) { $0 + 4 * $1.tensor.count }
        #expect(bytes <= 3000 || shard.names.count == 1)
      }
      let again = try LlavaModel.load(from: folder)
      for ((name, a), (_, b)) in zip(weights, again.mergedParameters()) {
        #expect(a.array(of: Float.self) == b.array(of: Float.self), "\(name)")
      }
      // What was there before does not stay beside what is there now.
      try again.save(to: folder)
      #expect(
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) == [
          "model.safetensors", "config.json",
        ])
    }
  }

  /// Loading and saving 30 million weights in a process of its own: the peak is the model and little else.
  @Test(arguments: ["float32", "bfloat16", "auto", "save"]) func thePeakIsTheModel(what: String) async throws
  {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peak-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let configuration = LlavaConfiguration(
      vision: VisionConfiguration(
        hiddenSize: 256, intermediateSize: 1024, hiddenLayerCount: 2, attentionHeadCount: 4, imageSize: 32,
        patchSize: 16, projectionSize: 256),
      text: TextConfiguration(
        vocabularySize: 4096, hiddenSize: 768, intermediateSize: 2048, hiddenLayerCount: 4,
        attentionHeadCount: 12, keyValueHeadCount: 12, headSize: 64, contextLength: 512),
      imageTokenIndex: 4000)
    // Zeros: drawing numbers would take longer than all the rest.
    var nothing = RandomGenerator.placeholder
    let zeros = try LlavaModel(configuration, using: &nothing)
    for (_, parameter) in zeros.namedParameters() { parameter.tensor = .zeros(parameter.shape) }
    try zeros.save(to: folder, type: .type(.bfloat16), shardBytes: 20_000_000)

    await #expect(processExitsWith: .success) { [path = folder.path as String, what] in
      let url = URL(fileURLWithPath: path)
      func resident(_ key: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(key) })
        return 1024 * (try #require(Int(line.filter(\.isNumber))))
      }
      let storage = try #require(WeightStorage(rawValue: what == "save" ? "auto" : what))
      let before = try resident("VmRSS")
      // Forgets the peak so far.
      try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
      let model = try LlavaModel.load(from: url, weights: storage)
      if what == "save" {
        let copy = url.appendingPathComponent("copy")
        try model.save(to: copy, type: .type(.float32))
        try model.save(to: copy, type: .stored)
      }
      let size = model.namedParameters().reduce(0) { $0 + $1.parameter.count * $1.parameter.dtype.byteSize }
      #expect(size > (what == "float32" ? 100 : 50) << 20)
      let peak = try resident("VmHWM") - before
      // Code that is touched for the first time, buffers of threads; while it is written, the largest tensor
      // in its new type and as bytes.
      let largest = what == "save" ? 2 * 4 * 4096 * 768 : 0
      #expect(Double(peak) < 1.15 * Double(size) + Double(largest + (12 << 20)), "\(peak) for \(size)")
    }
  }
}
