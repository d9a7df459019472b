import Foundation

/// A test of ONNX's: a model, and sets of inputs with the outputs that belong to them.
struct NodeTest: Sendable {
  struct DataSet: Sendable {
    var inputs: [ArraySlice<UInt8>] = []
    var outputs: [ArraySlice<UInt8>] = []
  }

  let name: String
  let model: ArraySlice<UInt8>
  let dataSets: [DataSet]

  /// The tests of a folder, by name: of `tests.pb` if it is there, else one for each folder at any depth that
  /// has a `model.onnx`, with ONNX's `test_data_set_0/input_0.pb` and so on beside it.
  static func read(_ folder: URL) throws -> [NodeTest] {
    let packed = folder.appendingPathComponent("tests.pb")
    if FileManager.default.fileExists(atPath: packed.path) {
      let tests = try unpacked(bytes(packed))
      guard !tests.isEmpty else { throw OnnxError("\(packed.path): no tests") }
      return tests
    }
    guard let walk = FileManager.default.enumerator(atPath: folder.path) else {
      throw OnnxError("\(folder.path): no such folder")
    }
    let models = walk.compactMap { $0 as? String }.filter { $0.hasSuffix("/model.onnx") }.sorted()
    guard !models.isEmpty else { throw OnnxError("\(folder.path): neither tests.pb nor a model.onnx") }
    return try models.map { path in
      let name = String(path.dropLast("/model.onnx".count))
      let place = folder.appendingPathComponent(name)
      let sets = numbered { place.appendingPathComponent("test_data_set_\($0)") }
      return NodeTest(
        name: name, model: try bytes(folder.appendingPathComponent(path)),
        dataSets: try sets.map { set in
          DataSet(
            inputs: try numbered { set.appendingPathComponent("input_\($0).pb") }.map(bytes),
            outputs: try numbered { set.appendingPathComponent("output_\($0).pb") }.map(bytes))
        })
    }
  }

  /// The tests of one file, which has the form of a protobuf message: field 1 is a test, of which field 1 is
  /// its name, 2 its model and 3 a set of data, of which field 1 is an input and 2 an output.
  ///
  /// A test that is damaged counts as one without a model.
  static func unpacked(_ file: ArraySlice<UInt8>) throws -> [NodeTest] {
    try WireReader.fields(of: file).enumerated().map { number, test in
      (try? NodeTest(packed: test)) ?? NodeTest(name: "test \(number)", model: [], dataSets: [])
    }
  }

  private init(packed test: WireField) throws {
    var (name, model) = ("", ArraySlice<UInt8>())
    var sets: [DataSet] = []
    for field in try WireReader.fields(of: try test.bytes()) {
      switch field.number {
      case 1: name = try field.text()
      case 2: model = try field.bytes()
      default:
        var set = DataSet()
        for tensor in try WireReader.fields(of: try field.bytes()) {
          if tensor.number == 1 { set.inputs.append(try tensor.bytes()) }
          if tensor.number == 2 { set.outputs.append(try tensor.bytes()) }
        }
        sets.append(set)
      }
    }
    self.init(name: name, model: model, dataSets: sets)
  }

  private init(name: String, model: ArraySlice<UInt8>, dataSets: [DataSet]) {
    (self.name, self.model, self.dataSets) = (name, model, dataSets)
  }

  /// The files or folders 0, 1, … that are there.
  private static func numbered(_ place: (Int) -> URL) -> [URL] {
    var places: [URL] = []
    while FileManager.default.fileExists(atPath: place(places.count).path) {
      places.append(place(places.count))
    }
    return places
  }

  private static func bytes(_ file: URL) throws -> ArraySlice<UInt8> {
    ArraySlice(try Data(contentsOf: file))
  }
}
