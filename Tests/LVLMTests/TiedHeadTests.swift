import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A head in the files of a model whose head is its embedding: the same values, or an error.
@Suite struct TiedHeadTests: ModelCopies {
  private static let head = "language_model.lm_head.weight"
  private static let embedding = "language_model.model.embed_tokens.weight"

  /// Adds a head made of the embedding to a copy's file.
  private func addHead(_ folder: URL, _ change: (Tensor) -> Tensor) throws {
    let url = folder.appending(component: "model.safetensors")
    var tensors = try SafeTensorsFile(reading: url).tensors()
    let embedding = try #require(tensors.first { $0.name == Self.embedding }?.tensor)
    tensors.append((Self.head, change(embedding)))
    try SafeTensors.write(tensors, to: url)
  }

  @Test func theSameHeadIsTaken() throws {
    try withCopy { folder in
      let kept = try Data(contentsOf: folder.appending(component: "model.safetensors"))
      try addHead(folder) { $0 }
      try expect(-35.009496, folder)
      try kept.write(to: folder.appending(component: "model.safetensors"))
      try addHead(folder) { $0.to(.float64) }
      try expect(-35.009496, folder)
    }
  }

  @Test func anotherHeadIsRefused() throws {
    let changes: [(Tensor) -> Tensor] = [
      { $0 * 1.001 }, { $0.to(.bfloat16) }, { $0.slice(axis: 0, 0..<10) },
      { Tensor.concatenated([$0.slice(axis: 0, 0..<333), $0.slice(axis: 0, 0..<1)], axis: 0) },
    ]
    for change in changes {
      try withCopy { folder in
        try addHead(folder, change)
        let words = message(folder)
        let expected = "\(Self.head) (not the same as \(Self.embedding), expected with tie_word_embeddings)"
        #expect(words.contains(expected), "\(words)")
        let model = try LlavaModel.load(from: Fixtures.url("verification/llava_tiny"))
        let file = try SafeTensorsFile(reading: folder.appending(component: "model.safetensors"))
        #expect(
          message { try model.setParameters(file.tensors(), source: "x") }.contains("not the same as"))
      }
    }
  }
}
