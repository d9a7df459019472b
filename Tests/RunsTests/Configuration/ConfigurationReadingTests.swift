import DPOTrain
import Foundation
import MultiImageData
import Runs
import Tensor
import Testing

@Suite struct ConfigurationReadingTests {
  private func read(_ yaml: String, _ overrides: String...) throws -> RunConfiguration {
    try RunConfiguration(yaml: yaml, file: "c.yaml", name: "c", overrides: overrides)
  }

  @Test func anEmptyFileIsAllDefaults() throws {
    var expected = RunConfiguration()
    expected.run.name = "c"
    expected.run.outputDirectory = "runs/c"
    #expect(try read("") == expected)
    #expect(try read("# nothing\n") == expected)
  }

  @Test func aLanguageModelAndAMixture() throws {
    let configuration = try read(
      """
      data: {source: mixture, shares: {fashion: 2, emoji: 1}}
      tokenizer: {template: chatml}
      model: {language_model: a.gguf, vision_config: {image_size: 64, patch_size: 16}}
      sft: {train_decoder: false}
      """)
    #expect(configuration.data.shares.fashion == 2 && configuration.data.shares.stamps == 0)
    #expect(configuration.model.languageModel == "a.gguf" && !configuration.sft.trainDecoder)
    #expect(configuration.tokenizer.template == .chatML)
    // What a run writes down can be run.
    #expect(!configuration.yaml.contains("text_config"))
    #expect(try read(configuration.yaml) == configuration)
    #expect(configuration.hash != (try read("")).hash)
  }

  @Test func valuesLandInTheirSections() throws {
    let configuration = try read(
      """
      run: {name: first, seed: 7}
      model:
        text_config: {hidden_size: 64, num_attention_heads: 2, num_key_value_heads: 1}
      data: {source: fashion, sizes: {sft: 100}}
      train:
        learning_rate: 1e-4
        adapter: lora
        lora_target: [v_proj, q_proj]
        lr_scheduler_type: cosine
      """)
    #expect(configuration.run.name == "first")
    #expect(configuration.run.outputDirectory == "runs/first")
    #expect(configuration.run.seed == 7)
    #expect(configuration.model.textConfig.numKeyValueHeads == 1)
    #expect(configuration.data.source == .fashion)
    #expect(configuration.data.sizes.sft == 100)
    #expect(configuration.train.learningRate == 1e-4)
    #expect(configuration.train.loraTarget == ["q_proj", "v_proj"])
    #expect(configuration.train.lrSchedulerType == .cosine)
  }

  @Test func aMixIsATotalOrASumOfItsParts() throws {
    let divided = try read("compose: {sequence: {total: 11, counts: [5, 2, 3]}}").compose.sequence
    #expect(
      divided.entries == [
        .init(images: 2, records: 4), .init(images: 3, records: 4), .init(images: 5, records: 3),
      ])
    let given = try read("compose: {grid: {9: 1, 4: 2}}").compose.grid
    #expect(given.entries == [.init(images: 4, records: 2), .init(images: 9, records: 1)])
    #expect(given.total == 3)
    #expect(try read("", "compose.grid.total=7").compose.grid.total == 7)
  }

  @Test func aPresetIsAStartingPointWhereverItStands() throws {
    let released = try read("select: {thresholds: {sequence: {2: 0.9}}, preset: released}").select
    #expect(released.thresholds.sequence == [2: 0.9, 3: 0.7, 4: 0.6, 5: 0.6])
    #expect(released.thresholds.grid == [2: 0.7, 3: 0.6, 4: 0.5, 6: 0.4, 9: 0.3])
    #expect(released.thresholds.picInPic == 0.8)
    #expect(released.strict.grid && released.strict.picInPic && !released.strict.sequence)
    #expect(released.noise.grid == 225 && released.noise.picInPic == 49 && released.noise.sequence == 0)
    #expect(released.perplexityMin == 1.1)
    let paper = try read("").select
    #expect(paper.thresholds.sequence == [2: 0.7, 3: 0.6, 4: 0.5, 5: 0.5])
    #expect(paper.thresholds.grid == [2: 0.7, 3: 0.6, 4: 0.5, 6: 0.4, 9: 0.4])
    #expect(paper.thresholds.picInPic == 0.6)
    #expect(!paper.strict.sequence && !paper.strict.grid && !paper.strict.picInPic)
  }

  @Test func aLayerIsANumberOrAFraction() throws {
    #expect(try read("select: {layer: 2}").select.layer == .index(2))
    #expect(try read("select: {layer: 0.5}").select.layer == .fraction(0.5))
    #expect(try read("select: {layer: 1.0}").select.layer == .fraction(1))
    #expect(SelectionSettings.Layer.fraction(0.5).index(of: 32) == 16)
    #expect(SelectionSettings.Layer.fraction(1).index(of: 4) == 3)
    #expect(SelectionSettings.Layer.index(9).index(of: 4) == 3)
    #expect(try read("select: {layer: auto}").select.layer == .auto)
    #expect(SelectionSettings.Layer.auto.index(of: 4) == nil)
  }

  @Test func overridesWinInTheirOrder() throws {
    let configuration = try read(
      "train: {beta: 0.1}\n", "train.beta=0.2", "train.beta=0.3", "select.thresholds.sequence.2=0.65",
      "train.lora_target=[q_proj]", "run.name=other")
    #expect(configuration.train.beta == 0.3)
    #expect(configuration.select.thresholds.sequence[2] == 0.65)
    #expect(configuration.train.loraTarget == ["q_proj"])
    #expect(configuration.run.outputDirectory == "runs/other")
  }

  @Test func theResolvedFileSaysTheSame() throws {
    let configuration = try read(
      """
      run: {output_dir: "runs/with space: and \\"quotes\\" é", seed: 18446744073709551615}
      model: {path: models/llava-1.5}
      data: {source: llava, path: a b.json, image_root: "12"}
      sft: {max_steps: 0, learning_rate: 1.5e-7}
      compose: {sequence: {2: 5}, grid: {total: 0, counts: [2]}, pic_in_pic: {total: 3, inner_scale: 0.7}}
      select: {preset: released, layer: 1.0, strict: {grid: false}}
      """)
    let again = try read(configuration.yaml)
    #expect(again == configuration)
    #expect(again.yaml == configuration.yaml)
    #expect(again.hash == configuration.hash)
    let defaults = try read("")
    #expect(try read(defaults.yaml) == defaults)
  }

  @Test func theHashIsOfWhatMatters() throws {
    let base = try read("train: {beta: 0.2, gamma: 0.5}\nrun: {seed: 3}\n")
    #expect(base.hash.count == 64)
    #expect(try read("run:\n  seed: 3\ntrain:\n  gamma: 0.5\n  beta: 2e-1\n").hash == base.hash)
    #expect(try read(base.yaml, "run.output_dir=elsewhere", "run.name=x", "run.threads=1").hash == base.hash)
    #expect(try read(base.yaml, "train.save_steps=7", "report.samples=1").hash == base.hash)
    for other in ["train.beta=0.3", "run.seed=4", "data.sizes.test=17", "select.thresholds.grid.9=0.3"] {
      #expect(try read(base.yaml, other).hash != base.hash, "\(other)")
    }
  }

  @Test func everyShippedConfigurationIsValid() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let configs = root.appendingPathComponent("configs")
    let files = try FileManager.default.contentsOfDirectory(at: configs, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "yaml" }
    #expect(files.count >= 3)
    for file in files { _ = try RunConfiguration(contentsOf: file) }
  }

  @Test func filesThatAreNoConfiguration() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("config-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func error(_ url: URL) -> String {
      do {
        _ = try RunConfiguration(contentsOf: url)
        return "no error"
      } catch { return "\(error)".replacingOccurrences(of: folder.path, with: "DIR") }
    }
    #expect(
      error(folder.appendingPathComponent("no.yaml"))
        == "DIR/no.yaml: found no such file, expected a YAML file")
    #expect(error(folder) == "DIR: found a directory, expected a YAML file")
    let latin = folder.appendingPathComponent("latin.yaml")
    try Data([0x61, 0xE9, 0x3A]).write(to: latin)
    #expect(error(latin) == "DIR/latin.yaml: cannot be read, expected YAML in UTF-8")
    let large = folder.appendingPathComponent("large.yaml")
    try Data(repeating: 0x23, count: (1 << 20) + 1).write(to: large)
    #expect(
      error(large) == "DIR/large.yaml: found 1048577 bytes, expected a YAML file of at most 1 MiB")
  }
}
