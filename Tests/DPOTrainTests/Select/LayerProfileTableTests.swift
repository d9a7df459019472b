import DPOTrain
import Foundation
import Records
import TestSupport
import Testing

@Suite struct LayerProfileTableTests {
  private let stored = """
    {"parts": [
      {"right": 30, "wrong": 20, "areas": [{"estimate": 0.62, "low": 0.58, "high": 0.66},
        {"estimate": 0.71, "low": 0.67, "high": 0.75}, null]},
      {"kind": "sequence", "right": 20, "wrong": 12, "areas": [{"estimate": 0.8, "low": 0.7, "high": 0.9},
        {"estimate": 0.75, "low": 0.68, "high": 0.82}, null]},
      {"kind": "grid", "right": 10, "wrong": 0, "areas": [null, null, null]}]}
    """

  private func profile() throws -> LayerProfile {
    let folder = try TemporaryFolder()
    try folder.write(stored, to: "select/layers.json")
    return try LayerProfile(ofRun: folder.url)
  }

  @Test func tableAndCSV() throws {
    let profile = try profile()
    #expect(profile.table.header == ["layer", "All multi-image", "Sequence", "Grid collage"])
    #expect(
      profile.table.rows == [
        ["0", "0.62 [0.58, 0.66]  ", "0.80 [0.70, 0.90] *", "–  "],
        ["1", "0.71 [0.67, 0.75] *", "0.75 [0.68, 0.82]  ", "–  "], ["2", "–  ", "–  ", "–  "],
      ])
    let lines = profile.csv.split(separator: "\n")
    #expect(lines.count == 10 && lines[0] == "format,layer,auc,low,high,right,wrong")
    #expect(lines[5] == "sequence,1,0.75,0.68,0.82,20,12" && lines[9] == "grid,2,,,,10,0")
  }

  @Test func theBestLayerIsComparedWithTheOneInUse() throws {
    let profile = try profile()
    #expect(
      profile.findings(used: 0) == [
        "All multi-image: best in layer 1, AUC 0.71 [0.67, 0.75], of 30 right and 20 wrong answers; "
          + "layer 0, which the run read, 0.62 [0.58, 0.66]",
        "Sequence: best in layer 0, AUC 0.80 [0.70, 0.90], of 20 right and 12 wrong answers",
        "Grid collage: 10 right and 0 wrong answers, nothing to tell apart",
      ])
    #expect(
      profile.findings(used: 1)[1].hasSuffix(
        "layer 1, which the run read, 0.75 [0.68, 0.82], intervals overlap"))
  }

  @Test func aRunWithoutAProfile() throws {
    let folder = try TemporaryFolder()
    #expect(
      message { _ = try LayerProfile(ofRun: folder.url) }.contains("/select/layers.json: no such file; "))
    for text in ["{", "{\"parts\": []}", "{\"parts\": [{\"right\": 1, \"wrong\": 1, \"areas\": []}]}"] {
      try folder.write(text, to: "select/layers.json")
      #expect(message { _ = try LayerProfile(ofRun: folder.url) }.contains(": is no profile by layer; "))
    }
  }
}
