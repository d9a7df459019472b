import DPOTrain
import LVLM
import MultiImageData
import Testing

@Suite struct PictureNoiseTests {
  @Test func noPromptOfAnySeedSharesItsNoise() throws {
    let picture = RGBImage(width: 4, height: 4, colour: RGBColour(120, 120, 120))
    var select = SelectionSettings()
    select.noise.sequence = 20
    let record = ComposedRecord(
      id: "s", kind: .sequence, count: 3, target: 1, images: ["a", "b", "c"], prompt: "", answer: "red",
      answersOfOthers: [], family: "colour", question: "", source: "", layout: nil)
    var seen: [[UInt8]: String] = [:]
    for seed in [UInt64(0), 1, 2, 3, 8, 9] {
      for prompt in 0..<12 {
        for place in 0..<3 {
          var noise = try #require(PictureNoise(select, record: record, prompt: prompt, seed: seed))
          noise.place = place
          let pixels = noise.applied(to: picture).pixels
          let name = "seed \(seed), prompt \(prompt), picture \(place)"
          #expect(seen.updateValue(name, forKey: pixels) == nil, "\(name)")
          #expect(noise.applied(to: picture).pixels == pixels)
        }
      }
    }
  }
}
