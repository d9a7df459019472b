import DPOTrain
import MultiImageData
import Records

extension RunConfiguration.Compose: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .mix(
        "sequence", \.sequence, from: sequenceCounts,
        "Records of separate images, by number of images; or a total divided evenly."),
      .mix(
        "grid", \.grid, from: gridCounts,
        "Records of labelled collages, by number of cells; or a total divided evenly."),
      .section("pic_in_pic", \.picInPic),
      .optionalPath(
        "path", \.path,
        "Folder of `dpotrain make-data` whose prompts are taken in place of new ones, for each number of "
          + "images the first so many."
      ),
      .choice(
        "geometry", \.geometry,
        "Sizes of composed pictures where no other is given: cells as large as the model's picture, or the "
          + "paper's of 448 pixels with outer pictures as they are."
      ).read(by: .sft, .compose, .questions),
      .integer(
        "cell_size", \.cellSize, to: 2048,
        "Side of a grid cell before the collage is scaled to the model's picture, pixels; 0 leaves it to "
          + "`geometry`."
      ).read(by: .sft, .compose, .questions),
      .choice(
        "picture_format", \.pictureFormat,
        "Files of composed pictures: without loss, or JPEG of quality 75 as the released scripts write."
      ).read(by: .sft, .compose, .questions),
      .integer("single", \.single, "Single-image records kept beside the composed ones, as ballast."),
    ] + levelFields
  }
}

extension RunConfiguration.Compose.PicInPic: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .integer("total", \.total, "Records with one picture inside another."),
      .number(
        "inner_scale", \.innerScale, .scale,
        "Binding side of the inner picture as a share of the outer one: 0.5 in the paper, 0.7 in the "
          + "released code."
      ).read(by: .sft, .compose, .questions),
    ]
  }
}

extension RunConfiguration.Select: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .choice(
        "preset", \.preset,
        "Where thresholds, strictness, noise and perplexity bounds start from: the paper or the released "
          + "scripts."
      ),
      .flag(
        "use_attention", \.useAttention,
        "Whether the attention rule is applied; without it every wrong answer is kept."
      ),
      .section("thresholds", \.thresholds),
      .choice(
        "threshold_rule", \.thresholdRule,
        "Where the thresholds come from: the table above, a quantile of the attention ratios of all "
          + "answers of a format and number of images, the cut that divides those ratios best in two "
          + "(Otsu's), or `argmax`: none, an answer passes when another image got more attention than the "
          + "one asked about. None of them looks at the ground truth."
      ),
      .number(
        "threshold_quantile", \.thresholdQuantile, .belowOne,
        "Share of the answers of a format and number of images that the rule `quantile` lets pass."),
      .section("strict", \.strict),
      .value(
        "layer", \.layer,
        expected:
          "a layer number (whole, 0 to 10000), a fraction of the depth with a decimal point (0.0 to 1.0), or "
          + "auto",
        "Decoder layer whose attention is read: a number from 0, a fraction of the depth, or `auto`: the "
          + "layer whose attention ratios differ most between answers to prompts of one format and number of "
          + "images, which no label decides.",
        form: .either([.integer(0...10_000), .number(.share), .names(["auto"])]),
        parse: { .init($0) }, write: { $0.written }
      ).read(by: .answers, .before),
      .choice(
        "heads", \.heads,
        "How the heads of that layer are put together: their mean (released code), or the head that looks "
          + "most."
      ).read(by: .answers, .before),
      .choice(
        "queries", \.queries,
        "Whose attention is averaged: the answer's tokens without the end of sequence (released code), the "
          + "last of them, or the rows that predict the answer, which begin with the prompt's last token."
      ).read(by: .answers, .before),
      .flag(
        "layer_profile", \.layerProfile,
        "Whether the attention ratio is measured in every layer, for the profile by layer in the report."
      ).read(by: .answers, .before),
      .optionalChoice(
        "template", \.template,
        "Chat template while answers are generated; `null` takes `tokenizer.template`. The released code "
          + "generates with `llava_v0` and trains with `vicuna_v1`."
      ).read(by: .answers),
      .names("formats", \.formats, from: formatNames, "Formats whose answers may become pairs."),
      levelField,
      .integer(
        "samples", \.samples, to: 10_000,
        "Answers sampled for every prompt beside the greedy one; with `require_wrong` only for prompts "
          + "whose greedy answer is right."
      ).read(by: .answers),
      .choice(
        "pick", \.pick,
        "Which of the answers to a prompt that pass all rules is rejected: the first (the greedy one, "
          + "then the sampled ones), or the one with the lowest attention ratio."
      ),
      .names(
        "sampled_formats", \.sampledFormats, from: formatNames,
        "Formats whose prompts are answered by sampling too."
      ).read(by: .answers),
      .number("temperature", \.temperature, .positive, "Temperature of those samples.").read(by: .answers),
      .flag(
        "require_wrong", \.requireWrong,
        "Whether an answer must be wrong to be rejected, which asks the ground truth: a control. The "
          + "paper only asks that it differ from the ground truth as a text."
      ).read(by: .answers, .select),
      .section("noise", \.noise).read(by: .answers),
      .integer(
        "batch_tokens", \.batchTokens, from: 64, to: 100_000_000,
        "Tokens per batch of generation and attention passes."
      ).read(by: .answers),
      .integer("max_new_tokens", \.maxNewTokens, from: 1, to: 1_000_000, "Longest generated answer, tokens.")
        .read(by: .answers),
      .choice(
        "chosen", \.chosen,
        "Which answer is chosen: the ground truth, or the model's own answer that looked most at its "
          + "image, where one is over the threshold (its greedy one with `use_attention: false`)."
      ),
      .choice(
        "rejected", \.rejected,
        "Which answer is rejected: the model's; or, in its place, a right answer to another question of "
          + "the same family (a control), the chosen answer with the facts of another picture of the "
          + "prompt, or its first half."
      ),
      .integer("max_pairs", \.maxPairs, "Most pairs that are kept, drawn at random; 0 keeps all."),
      .flag(
        "post_selection", \.postSelection,
        "Whether perplexity, lengths and edit distance decide too: the keys below."),
      .integer(
        "chosen_length_max", \.chosenLengthMax,
        "Longest chosen answer, in characters; 0 is no bound. The released code leaves out 512 and more."),
      .number(
        "perplexity_quantile", \.perplexityQuantile, .belowOne,
        "Share of the pairs that is dropped for the highest perplexity, beside the bounds below."),
      .number(
        "length_ratio_quantile", \.lengthRatioQuantile, .belowOne,
        "Share of the pairs that is dropped because their answers differ most in length."),
      .number(
        "edit_distance_quantile", \.editDistanceQuantile, .belowOne,
        "Share of the pairs that is dropped because their answers are the fewest edits apart."),
      .number(
        "perplexity_min", \.perplexityMin, .notNegative,
        "Smallest perplexity of a rejected answer."),
      .number(
        "perplexity_max", \.perplexityMax, .notNegative,
        "Largest perplexity of a rejected answer; 0 is no bound."),
      .number(
        "length_ratio_min", \.lengthRatioMin, .notNegative,
        "Smallest length of the rejected over that of the chosen answer, in characters."),
      .number(
        "length_ratio_max", \.lengthRatioMax, .notNegative,
        "Largest length of the rejected over that of the chosen answer; 0 is no bound."),
      .integer(
        "edit_distance_min", \.editDistanceMin, "Fewest edits between the two answers, in characters."),
    ]
  }

  /// Reads the preset first, so that the other keys change its values wherever they stand.
  mutating func readPreset(_ node: ConfigurationNode) {
    let given = node.mapping?.first { $0.key == "preset" }?.value.text
    if let preset = given.flatMap(Preset.init(rawValue:)) { self = Self(preset: preset) }
  }
}

extension RunConfiguration.Select.Thresholds: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .thresholds(
        "sequence", \.sequence, for: RunConfiguration.Compose.sequenceCounts,
        "Largest attention ratio of a rejected answer, by number of images."),
      .thresholds(
        "grid", \.grid, for: RunConfiguration.Compose.gridCounts,
        "Largest attention ratio of a rejected answer, by number of cells."),
      .number("pic_in_pic", \.picInPic, .share, "Largest attention ratio of a rejected answer."),
    ]
  }
}

extension RunConfiguration.Select.Strict: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .flag(
        "sequence", \.sequence, "Whether the ratio must lie below its threshold; otherwise it may equal it."),
      .flag("grid", \.grid, "The same for grids."),
      .flag("pic_in_pic", \.picInPic, "The same for pic-in-pic."),
      .flag(
        "perplexity", \.perplexity,
        "Whether the perplexity must lie above `perplexity_min`; otherwise it may equal it."),
    ]
  }
}

extension RunConfiguration.Select.Noise: ConfigurationSection {
  static var fields: [ConfigurationField<Self>] {
    [
      .number(
        "sequence", \.sequence, .pixelSteps,
        "Standard deviation of the noise on every picture while the rejected answer is generated, 8-bit "
          + "steps; 0 is none."
      ),
      .number("grid", \.grid, .pixelSteps, "The same on the target cell of a grid."),
      .number("pic_in_pic", \.picInPic, .pixelSteps, "The same on the whole picture, added modulo 256."),
    ]
  }
}

extension ConfigurationField {
  /// Shares by number of images; a preset's stay where others are given.
  static func thresholds(
    _ key: String, _ path: WritableKeyPath<Section, [Int: Double]>, for counts: [Int], _ summary: String
  ) -> ConfigurationField {
    byCount(key, path, for: counts, .share, "numbers from 0 to 1", keepsOthers: true, summary)
  }

  /// Weights by number of images; those that are given take the place of all others.
  static func weights(
    _ key: String, _ path: WritableKeyPath<Section, [Int: Double]>, for counts: [Int], _ summary: String
  ) -> ConfigurationField {
    byCount(
      key, path, for: counts, .notNegative, "numbers that are not negative", keepsOthers: false, summary)
  }

  private static func byCount(
    _ key: String, _ path: WritableKeyPath<Section, [Int: Double]>, for counts: [Int], _ bounds: NumberBounds,
    _ numbers: String, keepsOthers: Bool, _ summary: String
  ) -> ConfigurationField {
    let expected = "a mapping from \(counts.words) to \(numbers)"
    let written: (Section) -> ConfigurationValue = { section in
      .byCount(section[keyPath: path].mapValues { .number($0) })
    }
    return ConfigurationField(
      key: key, expectation: expected, summary: summary, affectsResults: true,
      read: { node, dotted, section, problems in
        guard let entries = node.mapping else {
          problems.add(node, dotted, expected: expected)
          return
        }
        if !keepsOthers { section[keyPath: path] = [:] }
        var seen: Set<Int> = []
        for entry in entries {
          guard let count = counts.first(where: { "\($0)" == entry.key }) else {
            problems.add(
              entry.keyPlace, "\(dotted).\(entry.key)", "unknown key; \(dotted) has \(counts.words)")
            continue
          }
          guard seen.insert(count).inserted else {
            problems.add(entry.keyPlace, "\(dotted).\(entry.key)", "found \(count) twice, expected it once")
            continue
          }
          if let number = entry.value.number, bounds.contains(number) {
            section[keyPath: path][count] = number
          } else {
            problems.add(entry.value, "\(dotted).\(entry.key)", expected: bounds.words)
          }
        }
      },
      write: written,
      rows: { dotted, section in
        [
          ConfigurationRow(
            key: dotted, value: written(section).flow, expectation: expected, summary: summary,
            affectsResults: true, form: .table(counts.map { ("\($0)", .number(bounds)) }))
        ]
      })
  }

  static func mix(
    _ key: String, _ path: WritableKeyPath<Section, RunConfiguration.Compose.Mix>, from counts: [Int],
    _ summary: String
  ) -> ConfigurationField {
    let expected = "{total: N, counts: […]} or records for each of \(counts.words)"
    let written: (Section) -> ConfigurationValue = { section in
      .byCount(
        Dictionary(section[keyPath: path].entries.map { ($0.images, $0.records) }, uniquingKeysWith: +)
          .mapValues { .integer($0) })
    }
    return ConfigurationField(
      key: key, expectation: expected, summary: summary, affectsResults: true,
      read: { node, dotted, section, problems in
        guard let entries = node.mapping else {
          problems.add(node, dotted, expected: expected)
          return
        }
        var mix = MixReader(dotted: dotted, allowed: counts, expected: expected)
        for entry in entries { mix.read(entry, &problems) }
        if let mix = mix.result(at: node.place, &problems) { section[keyPath: path] = mix }
      },
      write: written,
      rows: { dotted, section in
        [
          ConfigurationRow(
            key: dotted, value: written(section).flow, expectation: expected, summary: summary,
            affectsResults: true,
            form: .table(
              counts.map { ("\($0)", .integer(0...MixReader.mostRecords)) } + [
                ("total", .integer(0...MixReader.mostRecords)), ("counts", .list(.integers(counts))),
              ]))
        ]
      })
  }
}

/// Reads both forms of a mix of image counts.
private struct MixReader {
  static let mostRecords = 100_000_000

  let dotted: String
  let allowed: [Int]
  let expected: String
  private var entries: [RunConfiguration.Compose.Mix.Entry] = []
  private var total: Int?
  private var counts: [Int]?
  private var isBroken = false

  init(dotted: String, allowed: [Int], expected: String) {
    self.dotted = dotted
    self.allowed = allowed
    self.expected = expected
  }

  mutating func read(
    _ entry: (key: String, keyPlace: ConfigurationPlace, value: ConfigurationNode),
    _ problems: inout ConfigurationProblems
  ) {
    let key = "\(dotted).\(entry.key)"
    func records() -> Int? { entry.value.integer.flatMap { $0 >= 0 && $0 <= Self.mostRecords ? $0 : nil } }
    switch entry.key {
    case "total":
      total = records()
      if total == nil { fail(entry.value, key, "a whole number from 0 to 100000000", &problems) }
    case "counts":
      let numbers = entry.value.list?.compactMap(\.integer)
      if let numbers, !numbers.isEmpty, numbers.count == entry.value.list?.count,
        Set(numbers).count == numbers.count, numbers.allSatisfy(allowed.contains)
      {
        counts = numbers
      } else {
        fail(entry.value, key, "a list, each once, from \(allowed.words)", &problems)
      }
    default:
      guard let images = allowed.first(where: { "\($0)" == entry.key }) else {
        isBroken = true
        problems.add(
          entry.keyPlace, key, "unknown key; \(dotted) has total, counts, \(allowed.words)")
        return
      }
      if entries.contains(where: { $0.images == images }) {
        isBroken = true
        problems.add(entry.keyPlace, key, "found \(images) twice, expected it once")
      } else if let records = records() {
        entries.append(.init(images: images, records: records))
      } else {
        fail(entry.value, key, "a whole number from 0 to 100000000", &problems)
      }
    }
  }

  private mutating func fail(
    _ node: ConfigurationNode, _ key: String, _ expected: String, _ problems: inout ConfigurationProblems
  ) {
    isBroken = true
    problems.add(node, key, expected: expected)
  }

  func result(
    at place: ConfigurationPlace, _ problems: inout ConfigurationProblems
  ) -> RunConfiguration.Compose.Mix? {
    guard !isBroken else { return nil }
    if let total {
      if entries.isEmpty { return .init(total: total, counts: counts ?? allowed) }
      problems.add(place, dotted, "found both total and single numbers of images, expected \(expected)")
      return nil
    }
    if counts != nil {
      problems.add(place, dotted, "found counts without total, expected \(expected)")
      return nil
    }
    return .init(entries)
  }
}

extension ConfigurationValue {
  /// A mapping from numbers, in ascending order.
  static func byCount(_ values: [Int: ConfigurationValue]) -> ConfigurationValue {
    .mapping(values.sorted { $0.key < $1.key }.map { (String($0.key), $0.value) })
  }
}
