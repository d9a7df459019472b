/// The rules for words that llama.cpp knows by `tokenizer.ggml.pre`, as the vocabularies' own
/// `tokenizer.json` state them.
struct GGUFPreTokenizer {
  /// Rules with code of their own here.
  private static let known: [String: ByteLevelSplitter] = {
    let (gpt2, digits, qwen2) = (
      ByteLevelSplitter(), ByteLevelSplitter(isolatesDigits: true), ByteLevelSplitter(rule: .qwen2)
    )
    return [
      "default": gpt2, "gpt-2": gpt2, "gpt2": gpt2, "phi-2": gpt2, "mpt": gpt2, "olmo": gpt2, "jais": gpt2,
      "smollm": digits, "starcoder": digits, "refact": digits, "command-r": digits, "codeshell": digits,
      "exaone": digits, "minerva-7b": digits, "qwen2": qwen2, "deepseek-r1-qwen": qwen2, "stablelm2": qwen2,
      "megrez": qwen2,
    ]
  }()

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
  private static let rest = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

  static let llama3 =
    contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + rest

  /// Words that begin with capitals; GPT-4o's and Mistral's.
  private static func cased(_ end: String, _ digits: String) -> String {
    #"[^\r\n\p{L}\p{N}]?\#(upper)*\#(lower)+\#(end)|"#
      + #"[^\r\n\p{L}\p{N}]?\#(upper)+\#(lower)*\#(end)|\#(digits)|"# + #" ?[^\s\p{L}\p{N}]+[\r\n/]*"# + rest
  }

  /// Rules as patterns, each of which cuts what the ones before it left.
  private static let patterns: [String: [String]] = {
    let o200k = [cased(contractions + "?", #"\p{N}{1,3}"#)]
    let deepseek3 = [
      #"\p{N}{1,3}"#, "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+",
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"##
        + #" ?[\p{P}\p{S}]+[\r\n]*"# + rest,
    ]
    return [
      "llama-bpe": [llama3], "llama3": [llama3], "llama-v3": [llama3], "dbrx": [llama3],
      "smaug-bpe": [llama3], "gpt-4o": o200k, "llama4": o200k, "tekken": [cased("", #"\p{N}"#)],
      "deepseek-v3": deepseek3,
    ]
  }()

  static let names = (Array(known.keys) + Array(patterns.keys)).sorted()

  private let name: String

  /// The rule of this name, nil where there is none.
  init?(named name: String) {
    guard Self.known[name] != nil || Self.patterns[name] != nil else { return nil }
    self.name = name
  }

  private var isLlama3: Bool { ["llama-bpe", "llama3", "llama-v3"].contains(name) }
  /// Whether a word that is a piece is that piece, whatever the merges say.
  var joinsWholeWords: Bool { isLlama3 || name == "tekken" }
  /// Whether sequences begin with bos where the file does not say it.
  var addsBOS: Bool { joinsWholeWords }

  /// The vocabulary of pieces and merges.
  ///
  /// - Throws: ``TokenizerError``.
  func vocabulary(
    pieces: [String], merges: [(String, String)], file: String
  ) throws -> any Vocabulary {
    let splitter = Self.known[name] ?? ByteLevelSplitter()
    let known = try ByteLevelVocabulary(
      pieces: pieces, merges: merges, splitter: splitter, joinsWholeWords: joinsWholeWords, file: file)
    guard let patterns = Self.patterns[name] else { return known }
    let table = PieceTable(pieces)
    var vocabulary = PipelineVocabulary(
      table: table, texts: table,
      model: .bytePairs(
        try BytePairMerges(merges, table, file: file), .init(joinsWholeWords: joinsWholeWords)))
    vocabulary.cutters = patterns.compactMap { source in
      (try? ScalarPattern(source, .init(file: file, key: "tokenizer.ggml.pre"))).map {
        .split($0, .isolated, isInverted: false)
      }
    }
    guard vocabulary.cutters.count == patterns.count else {
      throw TokenizerError.unsupported(
        file: file, found: "tokenizer.ggml.pre \(name)", expected: "a rule that can be read")
    }
    vocabulary.writesBytes = true
    vocabulary.joiners = [.byteLevel]
    return vocabulary
  }

  /// The steps of a `tokenizer.json` that do the same.
  var steps: [[String: Any]] {
    let bytes: [String: Any] = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true]
    func split(_ pattern: String) -> [String: Any] {
      ["type": "Split", "pattern": ["Regex": pattern], "behavior": "Isolated", "invert": false]
    }
    if let patterns = Self.patterns[name] {
      return patterns.map(split) + [bytes.merging(["use_regex": false]) { $1 }]
    }
    let splitter = Self.known[name] ?? ByteLevelSplitter()
    if splitter.rule == .qwen2 {
      return [split(ByteLevelSplitter.qwen2Pattern), bytes.merging(["use_regex": false]) { $1 }]
    }
    let digits: [[String: Any]] =
      splitter.isolatesDigits ? [["type": "Digits", "individual_digits": true]] : []
    return digits + [bytes.merging(["use_regex": true]) { $1 }]
  }
}
