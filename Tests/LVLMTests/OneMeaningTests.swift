import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A model directory means one thing, whatever release wrote it; numbers are `processors/make_answers.py`'s.
@Suite struct OneMeaningTests: ModelCopies {
  private static let image = "preprocessor_config.json"
  private static let processor = "processor_config.json"

  @Test func imageSettingsUnderEitherName() throws {
    try withCopy { folder in
      try expect(-35.009496, folder)
      // transformers 5 keeps them in processor_config.json alone.
      let settings = try object(folder.appending(component: Self.image))
      try FileManager.default.removeItem(at: folder.appending(component: Self.image))
      try write(["processor_class": "LlavaProcessor", "image_processor": settings], Self.processor, folder)
      try expect(-35.009496, folder)
      var stretched = settings
      stretched["size"] = ["height": 12, "width": 12]
      try write(["image_processor": stretched], Self.processor, folder)
      try expect(-37.805946, folder)
      // Both, saying the same in other words.
      try write(settings, Self.image, folder)
      var same = settings
      same["image_processor_type"] = "CLIPImageProcessorFast"
      same["size"] = 12
      try write(["image_processor": same], Self.processor, folder)
      try expect(-35.009496, folder)
    }
  }

  /// `tokenizer.model` cannot have words that were added; beside it `tokenizer.json` counts for them.
  @Test func addedWordsBesidePieces() throws {
    try withCopy { folder in
      let plain = try PretrainedModel.load(from: folder).tokenizer
      var json = try object(folder.appending(component: "tokenizer.json"))
      let word: [String: Any] = [
        "id": 332, "content": "colour", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": false,
      ]
      json["added_tokens"] = (json["added_tokens"] as? [[String: Any]] ?? []) + [word]
      try write(json, "tokenizer.json", folder)
      let both = try PretrainedModel.load(from: folder).tokenizer.encode("What colour?")
      #expect(try both.contains(332) && !plain.encode("What colour?").contains(332))
      try FileManager.default.removeItem(at: folder.appending(component: "tokenizer.model"))
      #expect(try PretrainedModel.load(from: folder).tokenizer.encode("What colour?") == both)
    }
  }

  @Test func filesThatContradictEachOther() throws {
    try withCopy { folder in
      var settings = try object(folder.appending(component: Self.image))
      for (key, value) in [
        ("size", ["height": 12, "width": 12] as Any), ("resample", 2), ("do_normalize", false),
        ("image_mean", [0.5, 0.5, 0.5]), ("rescale_factor", 0.5), ("do_center_crop", false),
      ] {
        var other = settings
        other[key] = value
        if key == "do_center_crop" { other["size"] = ["height": 12, "width": 12] }
        try write(["image_processor": other], Self.processor, folder)
        let words = message(folder)
        #expect(words.contains("\(Self.image) and \(Self.processor) ("), "\(words)")
        #expect(words.contains("\(key) is ") || key == "do_center_crop", "\(words)")
      }
      for (key, value) in [
        ("patch_size", 14 as Any), ("vision_feature_select_strategy", "full"), ("image_token", "<img>"),
        ("num_additional_image_tokens", 0), ("video_processor", ["size": 12]),
      ] {
        try write([key: value], Self.processor, folder)
        #expect(message(folder).contains("\(Self.processor): \(key): found"), "\(message(folder))")
      }
      try FileManager.default.removeItem(at: folder.appending(component: Self.processor))
      settings["crop_size"] = 24
      try write(settings, Self.image, folder)
      #expect(message(folder).contains("vision_config.image_size: found 12, expected 24"))
      try FileManager.default.removeItem(at: folder.appending(component: Self.image))
      #expect(message(folder).contains("no error") && message(folder).contains("padded to squares"))
    }
  }

  @Test func vocabulariesThatContradictEachOther() throws {
    try withCopy { folder in
      let file = folder.appending(component: "tokenizer.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      // One vocabulary, blanks by two rules: as transformers reads it, and as tokenizer.json alone is read.
      #expect(message(folder).contains("tokenizer.model and tokenizer.json put blanks at other places"))
      try expect(-35.009496, folder)
      try FileManager.default.removeItem(at: folder.appending(component: "tokenizer.model"))
      try expect(-35.009496, folder)
      try FileManager.default.copyItem(
        at: Fixtures.url("verification/llava_tiny/tokenizer.model"),
        to: folder.appending(component: "tokenizer.model"))
      var json = try object(file)
      var model = try #require(json["model"] as? [String: Any])
      var vocabulary = try #require(model["vocab"] as? [String: Int])
      let pieces = vocabulary.filter { $0.value == 270 || $0.value == 271 }.sorted { $0.key < $1.key }
      vocabulary[pieces[0].key] = pieces[1].value
      vocabulary[pieces[1].key] = pieces[0].value
      model["vocab"] = vocabulary
      json["model"] = model
      try write(json, "tokenizer.json", folder)
      let words = message(folder)
      #expect(words.contains("tokenizer.model and tokenizer.json (the id 270 is"), "\(words)")
      model["vocab"] = try #require(
        (object(Fixtures.url("verification/llava_tiny/tokenizer.json"))["model"] as? [String: Any])?["vocab"])
      model["merges"] = (model["merges"] as? [Any]).map { Array($0.reversed()) }
      json["model"] = model
      try write(json, "tokenizer.json", folder)
      #expect(message(folder).contains("tokenizer.model and tokenizer.json (\""), "\(message(folder))")
      try Data(text.utf8).write(to: file)
      let configuration = try object(folder.appending(component: "tokenizer_config.json"))
      for (key, value) in [
        ("add_bos_token", false), ("add_eos_token", true), ("split_special_tokens", true),
        ("do_lower_case", true),
      ] {
        try write(configuration.merging([key: value]) { $1 }, "tokenizer_config.json", folder)
        #expect(
          message(folder).contains("tokenizer_config.json: \(key): found \(value)"), "\(message(folder))")
      }
      try write(configuration, "tokenizer_config.json", folder)
      try write(["<image>": 329], "added_tokens.json", folder)
      #expect(message(folder).contains("added_tokens.json (<image> has the id 329, expected 330"))
    }
  }

  @Test func chatTemplatesInEveryPlace() throws {
    try withCopy { folder in
      func put(_ jinja: String, _ name: String) throws {
        switch name {
        case "chat_template.jinja": try Data(jinja.utf8).write(to: folder.appending(component: name))
        case "chat_template.json": try write(["chat_template": jinja], name, folder)
        default:
          var keys = try object(folder.appending(component: name))
          keys["chat_template"] = [
            ["name": "default", "template": jinja], ["name": "tool_use", "template": "{{ x }}"],
          ]
          try write(keys, name, folder)
        }
      }
      let kept = try Data(contentsOf: folder.appending(component: "tokenizer_config.json"))
      let places = ["chat_template.jinja", "chat_template.json", "tokenizer_config.json"]
      for place in places {
        for template in ChatTemplate.all {
          try put(template.jinja + "\n", place)
          #expect(try PretrainedModel.load(from: folder).template == template, "\(place)")
        }
        try put("{{ messages[0] }}", place)
        let words = message(folder)
        #expect(words.contains("\(place): chat_template: found") && words.contains("--template"), "\(words)")
        #expect(message(folder, template: .plain).contains("--template plain takes its place"))
        try put(ChatTemplate.plain.jinja, place)
        try expect(-35.009496, folder)
        #expect(
          message(folder, template: .vicunaV1).contains(
            "its chat template is plain (\(place)); --template vicuna_v1"))
        #expect(!message(folder, template: .plain).contains("takes its place"))
        if place != "tokenizer_config.json" {
          try FileManager.default.removeItem(at: folder.appending(component: place))
        } else {
          try kept.write(to: folder.appending(component: place))
        }
      }
      try put(ChatTemplate.plain.jinja, places[0])
      try put(ChatTemplate.plain.jinja, places[1])
      #expect(message(folder).contains("no error"))
      try put(ChatTemplate.vicunaV1.jinja, places[2])
      #expect(
        message(folder).contains(
          "the chat templates in chat_template.jinja (plain) and tokenizer_config.json (vicuna_v1)"),
        "\(message(folder))")
    }
  }

  /// SmolLM2's GGUF file has line breaks where its `tokenizer_config.json` escapes them.
  @Test func lineBreaksInsideLiterals() {
    let escaped =
      "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
      + "{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}"
      + "{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
      + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
    #expect(ChatTemplate(jinja: escaped) == .chatML)
    #expect(ChatTemplate(jinja: escaped.replacing("\\n", with: "\n") + "\n") == .chatML)
    for template in ChatTemplate.all {
      #expect(ChatTemplate(jinja: template.jinja.replacing("\\n", with: "\n")) == template)
    }
    #expect(ChatTemplate(jinja: escaped.replacing("{% endif %}", with: "{% endif %}\n")) == nil)
  }

  @Test func severalTemplatesWithoutADefault() throws {
    let plain = ChatTemplate.plain.jinja
    try withCopy { folder in
      for value in [
        [["name": "tool_use", "template": plain]] as Any, [String](), ["tool_use": plain], 7, true,
      ] {
        try write(["chat_template": value], "chat_template.json", folder)
        #expect(message(folder).contains("chat_template.json: chat_template: found"), "\(message(folder))")
        #expect(message(folder, template: .plain).contains("takes its place"))
      }
      try write(["chat_template": ["default": plain, "tool_use": "{{ x }}"]], "chat_template.json", folder)
      #expect(try PretrainedModel.load(from: folder).template == .plain)
    }
  }

  /// A snapshot in Hugging Face's cache is links to the files beside all snapshots, and to nothing else.
  @Test func aSnapshotOfTheCache() throws {
    try withCopy { model in
      let manager = FileManager.default
      for (name, opens) in [("models--a--b", true), ("another", false)] {
        let cache = model.deletingLastPathComponent().appending(component: name)
        let snapshot = cache.appending(path: "snapshots/0123")
        try manager.createDirectory(at: snapshot, withIntermediateDirectories: true)
        try manager.copyItem(at: model, to: cache.appending(component: "blobs"))
        for file in try manager.contentsOfDirectory(atPath: model.path) {
          try manager.createSymbolicLink(
            atPath: snapshot.appending(component: file).path, withDestinationPath: "../../blobs/\(file)")
        }
        let words = message(snapshot)
        #expect(opens ? words.hasPrefix("no error") : words.contains("(a symbolic link to"), "\(words)")
        let link = snapshot.appending(component: "preprocessor_config.json")
        try manager.removeItem(at: link)
        try manager.createSymbolicLink(
          at: link, withDestinationURL: model.appending(component: "preprocessor_config.json"))
        #expect(message(snapshot).contains("preprocessor_config.json (a symbolic link to"))
      }
    }
  }

  @Test func everythingIsKeptWithAModel() throws {
    try withCopy { folder in
      var settings = try object(folder.appending(component: Self.image))
      settings["size"] = ["height": 12, "width": 12]
      try write(settings, Self.image, folder)
      let loaded = try PretrainedModel.load(from: folder, template: .plain)
      let saved = folder.appending(component: "saved")
      try loaded.save(to: saved)
      let again = try PretrainedModel.load(from: saved)
      #expect(again.template == .plain)
      #expect(again.squareSettings == loaded.squareSettings)
      #expect(try answer(again) == answer(loaded))
      for name in ["tokenizer.model", "tokenizer.json", "tokenizer_config.json"] {
        #expect(
          try Data(contentsOf: saved.appending(component: name))
            == Data(contentsOf: folder.appending(component: name)), "\(name)")
      }
      let files = [
        "config.json", "model.safetensors", Self.image, Self.processor, "chat_template.jinja",
        "generation_config.json",
      ]
      for name in files {
        #expect(FileManager.default.fileExists(atPath: saved.appending(component: name).path), "\(name)")
      }
    }
  }

  /// The `tokenizer.json` that is written beside a `tokenizer.model` gives the same ids, blanks and bytes
  /// included.
  @Test func theVocabularyInBothForms() throws {
    try withCopy { folder in
      for name in ["tokenizer.json", "tokenizer_config.json"] {
        try FileManager.default.removeItem(at: folder.appending(component: name))
      }
      let saved = folder.appending(component: "saved")
      try PretrainedModel.load(from: folder).save(to: saved)
      let both = try PretrainedModel.load(from: saved)
      #expect(!both.notes.contains { $0.contains("blanks") })
      let json = try Tokenizer(contentsOf: saved.appending(component: "tokenizer.json"))
      let model = try Tokenizer(contentsOf: saved.appending(component: "tokenizer.model"))
      var generator = RandomGenerator(seed: 5)
      for text in RandomTexts.make(300, using: &generator) {
        #expect(try json.encode(text) == model.encode(text), "\(text.debugDescription)")
        #expect(try json.decode(json.encode(text)) == model.decode(model.encode(text)))
      }
    }
  }
}

/// Texts of words, blanks in all places, digits, bytes and characters of every plane.
enum RandomTexts {
  static func make(_ count: Int, using generator: inout RandomGenerator) -> [String] {
    let parts = [
      " ", "  ", "\n", "\t", "image", "What", " colour", "12", "7", "é", "図", "🦊", "\u{2581}", "\u{0}",
      "\u{7F}", "\u{301}", "\u{200B}",
      "\u{10FFFF}", "<", ">", "s", "a", "aa", "'", "…", "\r\n", "\u{FEFF}", "ab", "the", " the", "ing",
    ]
    return (0..<count).map { _ in
      (0..<generator.integer(below: 12)).map { _ in parts[generator.integer(below: parts.count)] }.joined()
    }
  }
}
