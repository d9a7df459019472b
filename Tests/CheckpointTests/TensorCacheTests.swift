import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

@Suite struct TensorCacheTests {
  private let one = Tensor([1 as Float, 2])
  private let two = Tensor([3 as Float], shape: [1, 1])

  @Test func keptFromOneRunToTheNext() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("cache.h5")
      let cache = TensorCache(url, fingerprint: "weights-1")
      try cache.insert(one, for: "pair/1 \"ü\"")
      #expect(try cache.tensor(for: "pair/2") { two }.array(of: Float.self) == [3])
      #expect(
        try cache.tensor(for: "pair/2") { throw CancellationError() }.shape == [1, 1])
      #expect(!FileManager.default.fileExists(atPath: url.path))
      try cache.save()

      let again = TensorCache(url, fingerprint: "weights-1")
      #expect(again.discarded == nil)
      #expect(again.keys == ["pair/1 \"ü\"", "pair/2"])
      #expect(again["pair/1 \"ü\""]?.array(of: Float.self) == [1, 2])
      #expect(again["pair/2"]?.shape == [1, 1])
      #expect(again.count == 2)
    }
  }

  @Test func anotherFingerprintIsNotTrusted() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("cache.h5")
      let cache = TensorCache(url, fingerprint: "weights-1", saveInterval: 1)
      try cache.insert(one, for: "a")
      let other = TensorCache(url, fingerprint: "weights-2", saveInterval: 1)
      #expect(other.count == 0)
      #expect(other.discarded?.contains("another fingerprint") == true)
      try other.insert(two, for: "a")
      #expect(TensorCache(url, fingerprint: "weights-2")["a"]?.array(of: Float.self) == [3])
    }
  }

  @Test func aBrokenFileCountsAsEmpty() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("cache.h5")
      let cache = TensorCache(url, fingerprint: "w", saveInterval: 1)
      try cache.insert(one, for: "a")
      let whole = try Data(contentsOf: url)
      for length in stride(from: 0, to: whole.count, by: 97) {
        try whole.prefix(length).write(to: url)
        let broken = TensorCache(url, fingerprint: "w", saveInterval: 1)
        #expect(broken.count == 0)
        #expect(broken.discarded != nil)
      }
      let again = TensorCache(url, fingerprint: "w", saveInterval: 1)
      try again.insert(two, for: "b")
      #expect(TensorCache(url, fingerprint: "w").keys == ["b"])
    }
  }

  @Test func savedByItselfOnceItIsWorthIt() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("cache.h5")
      let cache = TensorCache(url, fingerprint: "w", saveInterval: 2)
      for (added, saved) in [
        (1, 0), (2, 2), (3, 2), (4, 4), (5, 4), (6, 6), (7, 6), (8, 8), (9, 8), (10, 8), (11, 11),
      ] {
        try cache.insert(one, for: "\(added)")
        #expect(TensorCache(url, fingerprint: "w").count == saved)
      }
    }
  }

  @Test func manyEntries() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("cache.h5")
      let cache = TensorCache(url, fingerprint: "w")
      for index in 0..<3000 { try cache.insert(Tensor([Float(index)]), for: "key \(index)") }
      try cache.save()
      let again = TensorCache(url, fingerprint: "w")
      #expect(again.count == 3000)
      #expect(again["key 2999"]?.item() == 2999)
    }
  }
}
