import Runs
import Testing

@Suite struct ConfigurationErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var yaml: String
    var overrides: [String] = []
    var error: String
    var testDescription: String { error }
  }

  static let cases: [Case] = [
    // Keys
    Case(
      yaml: "trian:\n  beta: 0.1\n", error: "c.yaml:1: trian: unknown key; did you mean train?"),
    Case(
      yaml: "train:\n  beta: 0.1\n  learnig_rate: 1e-4\n",
      error: "c.yaml:3: train.learnig_rate: unknown key; did you mean learning_rate?"),
    Case(
      yaml: "tokenizer:\n  colour: red\n",
      error: "c.yaml:2: tokenizer.colour: unknown key; tokenizer has vocab_size, template"),
    Case(
      yaml: "model:\n  vision_config:\n    pixels: 3\n",
      error:
        "c.yaml:3: model.vision_config.pixels: unknown key; model.vision_config has image_size, patch_size, "
        + "hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act"),
    Case(
      yaml: "compose:\n  grid: {2: 5, 5: 10}\n",
      error: "c.yaml:2: compose.grid.5: unknown key; compose.grid has total, counts, 2, 3, 4, 6, 9"),
    Case(
      yaml: "select:\n  thresholds:\n    sequence:\n      7: 0.5\n",
      error:
        "c.yaml:4: select.thresholds.sequence.7: unknown key; select.thresholds.sequence has 2, 3, 4, 5"),
    Case(
      yaml: "sft:\n  two_image_share: 0.5\n",
      error: "c.yaml:2: sft.two_image_share: unknown key; it is sft.composed.share now"),
    Case(
      yaml: "", overrides: ["sft.questions_per_pair=2"],
      error: "--set: sft.questions_per_pair: unknown key; it is sft.composed.questions now"),
    // Types
    Case(
      yaml: "train: 3\n", error: "c.yaml:1: train: found 3, expected a mapping of keys"),
    Case(
      yaml: "train:\n  beta: strong\n",
      error: "c.yaml:2: train.beta: found \"strong\", expected a number above 0"),
    Case(
      yaml: "train:\n  beta: \"0.1\"\n",
      error: "c.yaml:2: train.beta: found \"0.1\", expected a number above 0"),
    Case(
      yaml: "train:\n  beta:\n", error: "c.yaml:2: train.beta: found nothing, expected a number above 0"),
    Case(
      yaml: "train:\n  beta: .inf\n",
      error: "c.yaml:2: train.beta: found \".inf\", expected a number above 0"),
    Case(
      yaml: "train:\n  max_steps: 2.5\n",
      error: "c.yaml:2: train.max_steps: found 2.5, expected a whole number from 0 to 1000000000"),
    Case(
      yaml: "train:\n  shares_prefix: yes\n",
      error: "c.yaml:2: train.shares_prefix: found \"yes\", expected true or false"),
    Case(
      yaml: "train:\n  beta: [0.1]\n",
      error: "c.yaml:2: train.beta: found a list of 1, expected a number above 0"),
    Case(
      yaml: "data:\n  source: pictures\n",
      error:
        "c.yaml:2: data.source: found \"pictures\", expected one of shapes, fashion, emoji, stamps, mixture, llava"
    ),
    Case(
      yaml: "data:\n  source: mixture\n",
      error:
        "c.yaml: data.shares: found no share above 0, expected the sources of the mixture with their shares"),
    Case(
      yaml: "data:\n  source: emoji\n  shares: {emoji: 1}\n",
      error: "c.yaml:3: data.shares: found shares with source emoji, expected source: mixture"),
    Case(
      yaml: "data:\n  names: a.txt\n",
      error: "c.yaml:2: data.names: found \"a.txt\", expected no names, only source emoji reads them"),
    Case(
      yaml: "model:\n  language_model: a.gguf\n  text_config: {hidden_size: 8}\n",
      error:
        "c.yaml:3: model.text_config: found a shape beside model.language_model, expected the file's own, "
        + "without this key"),
    Case(
      yaml: "sft: {train_decoder: false}\n",
      error:
        "c.yaml:1: sft.train_decoder: found false for a new decoder, expected a decoder that has been trained: "
        + "model.language_model or model.path"),
    Case(
      yaml: "run:\n  name: ../up\n",
      error:
        "c.yaml:2: run.name: found \"../up\", expected a name of letters, digits, dots, dashes and underscores"
    ),
    // Ranges
    Case(
      yaml: "train:\n  beta: -1\n", error: "c.yaml:2: train.beta: found -1, expected a number above 0"),
    Case(
      yaml: "sft:\n  warmup_ratio: 1.5\n",
      error: "c.yaml:2: sft.warmup_ratio: found 1.5, expected a number from 0 to 1"),
    Case(
      yaml: "train:\n  label_smoothing: 0.5\n",
      error: "c.yaml:2: train.label_smoothing: found 0.5, expected a number from 0 to below 0.5"),
    Case(
      yaml: "compose:\n  sequence: {total: 10, counts: [2, 6]}\n",
      error:
        "c.yaml:2: compose.sequence.counts: found a list of 2, expected a list, each once, from 2, 3, 4, 5"),
    Case(
      yaml: "compose:\n  sequence: {total: 10, 2: 5}\n",
      error: "c.yaml:2: compose.sequence: found both total and single numbers of images, "
        + "expected {total: N, counts: […]} or records for each of 2, 3, 4, 5"),
    Case(
      yaml: "compose:\n  sequence: {2: 3, 02: 4}\n",
      error: "c.yaml:2: compose.sequence.02: unknown key; compose.sequence has total, counts, 2, 3, 4, 5"),
    Case(
      yaml: "select:\n  thresholds:\n    sequence: {2: 0.5, +2: 0.6}\n",
      error: "c.yaml:3: select.thresholds.sequence.+2: unknown key; select.thresholds.sequence has 2, 3, 4, 5"
    ),
    Case(
      yaml: "train:\n  lora_target: [q_proj, lm_head]\n",
      error:
        "c.yaml:2: train.lora_target: found a list of 2, expected a list, each once, from q_proj, k_proj, "
        + "v_proj, o_proj, gate_proj, up_proj, down_proj"),
    // Combinations
    Case(
      yaml: "model:\n  vision_config:\n    image_size: 50\n    patch_size: 8\n",
      error: "c.yaml:4: model.vision_config.patch_size: found 8, expected a divisor of image_size (50)"),
    Case(
      yaml: "model:\n  text_config:\n    num_attention_heads: 3\n    num_key_value_heads: 1\n",
      error:
        "c.yaml:3: model.text_config.num_attention_heads: found 3, expected a divisor of hidden_size (128)"),
    Case(
      yaml: "model:\n  text_config:\n    max_position_embeddings: 100\n",
      error: "c.yaml:3: model.text_config.max_position_embeddings: found 100, "
        + "expected at least 228: 5 images of 36 tokens and 48 of text"),
    Case(
      yaml: "model:\n  vision_feature_layer: 9\n",
      error: "c.yaml:2: model.vision_feature_layer: found 9, expected -5 to 4 with 4 layers"),
    Case(
      yaml: "model:\n  path: models/llava\n  vision_config:\n    image_size: 336\n",
      error:
        "c.yaml:3: model.vision_config: found a shape beside model.path, expected either model.path or a shape"
    ),
    Case(
      yaml: "select:\n  layer: 4\n",
      error: "c.yaml:2: select.layer: found 4, expected a layer below 4 (model.text_config.num_hidden_layers)"
    ),
    Case(
      yaml: "data:\n  source: llava\n",
      error: "c.yaml: data.path: found nothing, expected a JSON or JSONL file, which source llava reads"),
    Case(
      yaml: "data:\n  path: x.json\n",
      error: "c.yaml:2: data.path: found \"x.json\", expected no path, source shapes reads no files"),
    Case(
      yaml: "data:\n  source: fashion\n  sizes: {pref: 20000}\n",
      error:
        "c.yaml:3: data.sizes.pref: found 20000, expected at most 12000, the size of the split of source fashion"
    ),
    Case(
      yaml: "sft:\n  max_steps: 0\n",
      error:
        "c.yaml:2: sft.max_steps: found 0 without model.path, expected 1 or more, or an existing model in model.path"
    ),
    Case(
      yaml: "train:\n  single_image_share: 0.2\n",
      error: "c.yaml:2: train.single_image_share: found 0.2 with compose.single 0, "
        + "expected compose.single of 1 or more"),
    Case(
      yaml: "sft:\n  stop_accuracy: 0.5\n",
      error: "c.yaml:2: sft.stop_accuracy: found 0.5 with sft.eval_steps 0, "
        + "expected 0, or sft.eval_steps of 1 or more"),
    Case(
      yaml: "sft: {stop_accuracy: 0.5, eval_steps: 10, composed: {share: 0}}\n",
      error: "c.yaml:1: sft.stop_accuracy: found 0.5 without a format in sft.composed, "
        + "expected 0, or a format to be judged by"),
    Case(
      yaml: "model: {text_config: {max_position_embeddings: 220}}\nsft: {composed: {sequence: {5: 1}}}\n"
        + "compose: {sequence: {2: 9}}\nevaluate: {sequence_counts: [2]}\n",
      error: "c.yaml:1: model.text_config.max_position_embeddings: found 220, "
        + "expected at least 228: 5 images of 36 tokens and 48 of text"),
    Case(
      yaml: "select:\n  length_ratio_min: 2\n  length_ratio_max: 1\n",
      error: "c.yaml:3: select.length_ratio_max: found 1.0, expected more than length_ratio_min (2.0), "
        + "or 0 for no bound"),
    // Broken YAML
    Case(
      yaml: "train:\n  beta: 0.1\n beta: [\n",
      error: "c.yaml:3: column 2: not valid YAML: while parsing a block mapping, did not find expected key"),
    Case(
      yaml: "train:\n  beta: 0.1\n  gamma: 1\n  beta: 0.2\n",
      error: "c.yaml:2: found beta more than once in this mapping, expected each key once"),
    Case(yaml: "- 1\n", error: "c.yaml:1: found a list of 1, expected a mapping of keys"),
    // Overrides
    Case(
      yaml: "train:\n  beta: 0.1\n", overrides: ["train.beta=no"],
      error: "--set: train.beta: found \"no\", expected a number above 0"),
    Case(yaml: "", overrides: ["train.bta=1"], error: "--set: train.bta: unknown key; did you mean beta?"),
    Case(yaml: "", overrides: ["beta"], error: "--set: found \"beta\", expected section.key=value"),
    Case(yaml: "", overrides: ["beta=1"], error: "--set: found \"beta=1\", expected section.key=value"),
    Case(
      yaml: "train:\n  beta: 0.1\n", overrides: ["train.beta.deep=1"],
      error: "--set: train.beta.deep: found a value at train.beta, expected a section"),
    Case(
      yaml: "", overrides: ["train.beta=[1"],
      error:
        "--set: train.beta: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
  ]

  @Test(arguments: cases) func oneProblemIsOneLine(_ item: Case) {
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration(yaml: item.yaml, file: "c.yaml", overrides: item.overrides)
    }
    #expect(error?.description == item.error)
  }

  @Test func everyProblemIsReportedInTheOrderOfTheFile() {
    let yaml = """
      train:
        beta: none
        gama: 1
      sft:
        learning_rate: 0
      data:
        source: llava
      """
    let error = #expect(throws: ConfigurationError.self) {
      try RunConfiguration(yaml: yaml, file: "c.yaml", overrides: ["select.layer=x", "run.seed=-1"])
    }
    #expect(
      error?.description == """
        c.yaml:2: train.beta: found "none", expected a number above 0
        c.yaml:3: train.gama: unknown key; did you mean gamma?
        c.yaml:5: sft.learning_rate: found 0, expected a number above 0
        c.yaml: data.path: found nothing, expected a JSON or JSONL file, which source llava reads
        --set: select.layer: found "x", expected a layer number (whole, 0 to 10000), a fraction of the depth \
        with a decimal point (0.0 to 1.0), or auto
        --set: run.seed: found -1, expected a whole number, 0 or more
        """)
  }

  @Test func aliasesCannotGrowWithoutBound() {
    let bomb =
      "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
      + zip("bcdefg", "abcdef").map { "\($0): &\($0) [*\($1), *\($1), *\($1), *\($1), *\($1), *\($1)]\n" }
      .joined()
    let error = #expect(throws: ConfigurationError.self) { try RunConfiguration(yaml: bomb, file: "c.yaml") }
    #expect(error?.description == "c.yaml: found more than 20000 values, expected a configuration")
  }

  @Test func aConfigurationMadeInCodeIsCheckedByTheSameRules() throws {
    var configuration = RunConfiguration()
    try configuration.validate()
    configuration.train.beta = -1
    configuration.model.visionConfig.patchSize = 7
    let error = #expect(throws: ConfigurationError.self) { try configuration.validate() }
    #expect(
      error?.description == """
        train.beta: found -1, expected a number above 0
        model.vision_config.patch_size: found 7, expected a divisor of image_size (72)
        """)
  }
}
