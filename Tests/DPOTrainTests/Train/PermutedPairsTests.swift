import DPOTrain
import MultiImageData
import Tensor
import Testing

@Suite struct PermutedPairsTests {
  private func pair(
    _ count: Int, target: Int, question: String = "what color is the shape?",
    chosen: String = "its color is blue.", rejected: String = "it is red."
  ) -> PreferencePair {
    PreferencePair(
      id: "a", images: (1...count).map { "\($0).png" },
      prompt: PromptRewriting.prompt(question, kind: .sequence, target: target, count: count),
      chosen: chosen, rejected: rejected)
  }

  private func copies(of pair: PreferencePair, _ count: Int, seed: UInt64 = 1) -> [PreferencePair] {
    var generator = RandomGenerator(seed: seed)
    return PermutedPairs.copies(of: pair, count: count, using: &generator)
  }

  @Test(arguments: [2, 3, 4, 5]) func theSamePictureIsAskedAboutUnderItsNewNumber(count: Int) throws {
    for target in 1...count {
      let pair = pair(count, target: target)
      let copies = copies(of: pair, 4, seed: UInt64(target))
      #expect(copies.count == min(4, (1...count).reduce(1, *) - 1))
      #expect(Set(copies.map(\.images) + [pair.images]).count == copies.count + 1)
      for copy in copies {
        #expect(copy.images.sorted() == pair.images.sorted())
        let place = try #require(copy.images.firstIndex(of: "\(target).png"))
        #expect(
          copy.prompt
            == PromptRewriting.prompt(
              "what color is the shape?", kind: .sequence, target: place + 1, count: count))
        #expect(copy.chosen == pair.chosen && copy.rejected == pair.rejected)
      }
    }
  }

  @Test func picturesOfTheRejectedAnswerMoveAlong() {
    var pair = pair(3, target: 2)
    pair.rejectedImages = ["other1.png", "other2.png", "other3.png"]
    pair.history = [.init(question: "Ready?", answer: "Yes.")]
    for copy in copies(of: pair, 3) {
      #expect(copy.rejectedImages == copy.images.map { "other" + $0 })
      #expect(copy.history == pair.history)
    }
    pair.history = [.init(question: "What is in image 2?", answer: "A dog.")]
    #expect(copies(of: pair, 3).isEmpty)
  }

  @Test func theSeedDecidesTheOrders() {
    let pair = pair(5, target: 2)
    #expect(copies(of: pair, 3, seed: 7) == copies(of: pair, 3, seed: 7))
    #expect(copies(of: pair, 3, seed: 7) != copies(of: pair, 3, seed: 8))
  }

  @Test(arguments: [
    PreferencePair(
      id: "one", images: ["a.png"], prompt: "<image>\nIn Image1, what?", chosen: "a", rejected: "b"),
    PreferencePair(
      id: "unnamed", images: ["a.png", "b.png"], prompt: "Image1:<image>\nImage2:<image>\nwhat differs?",
      chosen: "a", rejected: "b"),
    PreferencePair(
      id: "beyond", images: ["a.png", "b.png"], prompt: "Image1:<image>\nImage2:<image>\nIn Image3, what?",
      chosen: "a", rejected: "b"),
    PreferencePair(
      id: "elsewhere", images: ["a.png", "b.png"], prompt: "<image> and <image>\nIn Image1, what?",
      chosen: "a",
      rejected: "b"),
    PreferencePair(
      id: "two numbers", images: ["a.png", "b.png"],
      prompt: "Image1:<image>\nImage2:<image>\nIn Image1, is it as in image 2?", chosen: "a", rejected: "b"),
    PreferencePair(
      id: "answer", images: ["a.png", "b.png"], prompt: "Image1:<image>\nImage2:<image>\nIn Image1, what?",
      chosen: "Image1 shows a", rejected: "b"),
  ])
  func aPairWhoseNumbersWouldBecomeWrongHasNone(pair: PreferencePair) {
    #expect(copies(of: pair, 3).isEmpty)
  }
}
