import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A model that was saved with checksums is what was saved, or an error; found by `tensor-fuzz models`.
@Suite struct SealedModelTests: ModelCopies {
  private func withSealed(_ body: (URL) throws -> Void) throws {
    try Fixtures.withTemporaryDirectory { folder in
      let source = Fixtures.url("verification/llava_tiny")
      try PretrainedModel.load(from: source, template: .plain).save(to: folder)
      try ChecksumList.write(of: folder)
      try body(folder)
    }
  }

  @Test(arguments: [
    "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json",
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja",
  ])
  func aFileThatIsGone(_ name: String) throws {
    try withSealed { folder in
      #expect(message(folder).hasPrefix("no error"))
      let file = folder.appending(component: name)
      try FileManager.default.removeItem(at: file)
      #expect(message(folder).contains("\(name): found no such file, expected that of checksums.sfv"))
      try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: "nothing")
      #expect(message(folder).contains("\(name) (a symbolic link to nothing, expected a file)"))
    }
  }

  /// One bit in the name of the checksums would leave the weights without any.
  @Test(arguments: ["__metadata__", "crc32"]) func whatNamesTheChecksums(_ name: String) throws {
    try withSealed { folder in
      let file = folder.appending(component: "model.safetensors")
      var bytes = try Data(contentsOf: file)
      let place = try #require(bytes.range(of: Data("\"\(name)\"".utf8)))
      bytes[place.lowerBound + 2] ^= 1
      try bytes.write(to: file)
      let words = message(folder)
      #expect(words.contains("model.safetensors: ") && words.contains("found"), "\(words)")
    }
  }
}
