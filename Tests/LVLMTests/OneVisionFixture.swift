import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// LLaVA-OneVision's reference data.
enum OneVision {
  static let directory = Fixtures.url("onevision")

  static func golden(_ name: String) throws -> Golden { try Golden(at: url(name)) }

  static func url(_ name: String) -> URL { directory.appending(path: "golden/\(name)") }

  static func json<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(contentsOf: url(name)))
  }

  static func picture(_ file: String) throws -> RGBImage {
    try RGBImage(contentsOf: url("images/\(file)").path)
  }

  static func processor() throws -> AnyResolutionProcessor {
    AnyResolutionProcessor(
      try .read(from: directory.appending(component: "preprocessor_config.json")), patchSize: 4, tileLimit: 4)
  }

  static func sizes(_ pairs: [[Int]]) -> [AnyResolution.Size] {
    pairs.map { AnyResolution.Size(height: $0[0], width: $0[1]) }
  }
}

extension AnyResolution.Size {
  /// As the reference data have it.
  var pair: [Int] { [height, width] }
}

extension Golden {
  func text(_ name: String, on path: String) throws -> String {
    guard case .string(let value)? = try file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: file.url.path, at: path, found: "no text \(name)")
    }
    return value
  }

  func integer(_ name: String, on path: String) throws -> Int {
    guard case .integer(let value)? = try file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: file.url.path, at: path, found: "no integer \(name)")
    }
    return Int(value)
  }

  func bytes(_ path: String) throws -> [UInt8] { try #require(try file.read(path).scalars(of: UInt8.self)) }
}
