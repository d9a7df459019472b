import DPOTrain
import Testing

@Suite("Edit distance")
struct EditDistanceTests {
  @Test(arguments: [
    ("", "", 0), ("", "abc", 3), ("apple", "apples", 1), ("kitten", "sitting", 3), ("flaw", "lawn", 2),
    ("A coat.", "A boat.", 1), ("naïve", "naive", 1), ("same", "same", 0),
  ])
  func distance(a: String, b: String, expected: Int) {
    #expect(EditDistance.between(a, b) == expected)
    #expect(EditDistance.between(b, a) == expected)
  }

  @Test func normalized() {
    #expect(EditDistance.normalized("", "") == 0)
    #expect(EditDistance.normalized("abc", "xyz") == 1)
    #expect(EditDistance.normalized("apple", "apples") == 1.0 / 6)
  }
}
