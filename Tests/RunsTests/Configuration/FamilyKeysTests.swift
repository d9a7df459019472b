import Runs
import Testing

/// Keys of new models of other families.
@Suite struct FamilyKeysTests {
  private func read(_ settings: String...) throws -> RunConfiguration {
    try RunConfiguration(yaml: "run: {name: r}\n", file: "c.yaml", overrides: settings)
  }

  private func message(_ settings: String...) -> String {
    do {
      _ = try RunConfiguration(yaml: "run: {name: r}\n", file: "c.yaml", overrides: settings)
      return ""
    } catch { return "\(error)" }
  }

  @Test(arguments: ["smolvlm", "llava_onevision", "internlm2"])
  func whatIsWrittenIsRead(family: String) throws {
    let configuration = try read("model.model_type=\(family)")
    let again = try RunConfiguration(yaml: configuration.yaml, file: "again.yaml")
    #expect(again == configuration)
    #expect(try RunPlan(again).description.contains("tokens per image    at most"))
  }

  @Test func pictureThatIsAloneMustFit() {
    let words = message(
      "model.model_type=llava_onevision", "model.tiles=12", "model.text_config.max_position_embeddings=512")
    #expect(words.contains("a picture that is alone, as large as model.tiles allows"), "\(words)")
  }

  @Test func keysOfOtherFamilies() {
    // Told as keys that nothing reads.
    #expect(message("model.tiles=9") == "" && message("model.scale_factor=3") == "")
    #expect(message("model.model_type=smolvlm", "model.vision_feature_layer=-1").contains("only llava"))
    #expect(message("model.model_type=gemma").contains("llava, smolvlm, llava_onevision, internlm2"))
  }
}
