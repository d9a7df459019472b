import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// GGUF files whose metadata and tensors contradict each other: a sentence each, before memory is asked for.
@Suite struct GGUFSizesTests {
  private static let sizes = [
    "llama.embedding_length", "llama.feed_forward_length", "llama.block_count", "llama.attention.head_count",
    "llama.attention.head_count_kv", "llama.rope.dimension_count", "llama.context_length",
    "llama.attention.key_length", "llama.vocab_size",
  ]

  /// What opening the file says, nil when it opens.
  private func message(_ file: EditedGGUF) throws -> String? {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "model.gguf")
      try file.encoded().write(to: url)
      do {
        _ = try PretrainedModel.load(from: url, weights: .auto)
        return nil
      } catch {
        #expect("\(error)".contains(url.path), "\(error)")
        return "\(error)"
      }
    }
  }

  @Test(arguments: ["tiny", "tiny_quantized"]) func theFileAsItIs(name: String) throws {
    #expect(try message(EditedGGUF(Fixtures.url("tokenizers/\(name).gguf"))) == nil)
  }

  @Test(arguments: sizes, ["tiny", "tiny_quantized"]) func sizesThatTheTensorsDoNotHave(
    key: String, name: String
  )
    throws
  {
    let whole = try EditedGGUF(Fixtures.url("tokenizers/\(name).gguf"))
    let right = whole.value(key)
    for wrong in [0, 1, right.map { $0 - 1 }, right.map { $0 + 1 }, 65_536, 1 << 31, 1 << 40, .max] {
      guard let wrong, wrong != right else { continue }
      var file = whole
      file.set(key, wrong)
      let found = try message(file)
      // Any length of context is possible, as far as the tensors tell.
      if key == "llama.context_length", 1...65_536 ~= wrong { continue }
      let words = found ?? "opens with \(key) = \(wrong)"
      #expect(words.contains("expected"), "\(key) = \(wrong): \(words)")
    }
  }

  @Test(arguments: ["tiny", "tiny_quantized"]) func tensorsThatAreOtherThanTheyShouldBe(name: String) throws {
    let whole = try EditedGGUF(Fixtures.url("tokenizers/\(name).gguf"))
    for (index, info) in whole.infos.enumerated() {
      func expect(_ what: String, _ change: (inout EditedGGUF.Info) -> Void) throws {
        var file = whole
        change(&file.infos[index])
        let words = try message(file) ?? "opens with another \(info.name)"
        #expect(
          words.contains("\(info.name)") || what == "missing" || what.contains("type"), "\(what): \(words)")
        #expect(words.contains("expected") || words.contains("missing"), "\(what): \(words)")
      }
      try expect("missing") { $0.name = "other.weight" }
      try expect("an axis more") { $0.extents.append(1) }
      try expect("five axes") { $0.extents = [1, 1, 1, 1, 1] }
      try expect("fewer rows") { $0.extents[$0.extents.count - 1] -= 1 }
      try expect("more rows") { $0.extents[$0.extents.count - 1] += 1 }
      try expect("no rows") { $0.extents[$0.extents.count - 1] = 0 }
      try expect("a huge axis") { $0.extents[0] = 1 << 62 }
      try expect("an axis of 2^64 - 1") { $0.extents[0] = .max }
      try expect("an unknown type") { $0.type = 77 }
      try expect("a wider type") { $0.type = $0.type == 0 ? 31 : 0 }
      try expect("an offset outside") { $0.offset = UInt64(whole.data.count) / 32 * 32 + 32 }
      try expect("a huge offset") { $0.offset = 1 << 63 }
      try expect("an offset between multiples") { $0.offset += 1 }
      if info.type != 2, info.offset != whole.infos.map(\.offset).max() {
        try expect("a narrower type") { $0.type = $0.type == 0 ? 1 : 2 }
      }
      guard index > 0 else { continue }
      try expect("the data of another") { $0.offset = whole.infos[0].offset }
    }
  }

  @Test func countsBeyondTheFile() throws {
    let whole = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
    for count in [UInt64(whole.infos.count) + 1, 1 << 40, .max] {
      var file = whole
      file.statedTensors = count
      #expect(try message(file)?.contains("expected") == true, "\(count) tensors")
      file = whole
      file.statedValues = count
      #expect(try message(file)?.contains("expected") == true, "\(count) values")
    }
  }

  @Test func fewerRowsThanTokens() throws {
    var file = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
    let index = try #require(file.infos.firstIndex { $0.name == "token_embd.weight" })
    file.infos[index].extents[1] = 10
    let words = try #require(try message(file))
    #expect(words.contains("token_embd.weight: found 10 rows, expected at least the"), "\(words)")
  }
}
