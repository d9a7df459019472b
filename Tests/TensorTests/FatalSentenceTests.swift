import Foundation
import Tensor
import Testing

/// Outside of every scope a failed check ends the process, and what it prints is the sentence, in debug and
/// in release.
@Suite struct FatalSentenceTests {
  private static func text(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  @Test func onTheCallingThread() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones([2, 3]).matmul(Tensor.ones([4, 5]))
    }
    #expect(Self.text(result).contains("Fatal error: [matmul] shapes [2, 3] and [4, 5] do not agree inside"))
  }

  @Test func inAPartThatAnotherThreadExecutes() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Threads.count = 4
      Threads.parallel(4) { range in
        if range.contains(3) { tensorFailure("region", "element 3 of 4") }
      }
    }
    #expect(Self.text(result).contains("Fatal error: [region] element 3 of 4"))
  }

  @Test func inALargeGather() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var numbers = [Int64](repeating: 0, count: 100_000)
      numbers[99_999] = 5
      _ = Tensor.ones([5, 1]).gather(axis: 0, Tensor(numbers, shape: [100_000, 1]))
    }
    #expect(Self.text(result).contains("[gather] index 5 is outside axis 0 of shape [5, 1]"))
  }

  @Test func underTheNameOfTheOperationThatWasCalled() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones([2, 3]).sorted(axis: 2)
    }
    #expect(Self.text(result).contains("[sorted] axis 2 is out of range for shape [2, 3] (in argsort)"))
  }

  @Test func whenATensorIsBeyondAllMemory() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([1 << 46], dtype: .uint8)
    }
    #expect(Self.text(result).contains("[allocate] out of memory: a tensor of 70368744177664 bytes"))
  }

  /// As a program ends that has words of its own for it; another failed check is a trap as before.
  @Test func inTheProgramsOwnWordsWhereItHasSome() async {
    let result = await #expect(processExitsWith: .exitCode(3), observing: [\.standardErrorContent]) {
      TensorRuntime.endOutOfMemory { error in
        FileHandle.standardError.write(Data("error: \(error.message)\n".utf8))
        _exit(3)
      }
      _ = Tensor.zeros([1 << 46], dtype: .uint8)
    }
    let sentence = Self.text(result)
    #expect(sentence.contains("error: out of memory: a tensor of 70368744177664 bytes"))
    #expect(!sentence.contains("Fatal error"))
    let other = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      TensorRuntime.endOutOfMemory { _ in _exit(0) }
      _ = Tensor.ones([2]) + Tensor.ones([3])
    }
    #expect(Self.text(other).contains("Fatal error: "))
  }
}
