import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// What is written here works in transformers with its own `AutoProcessor`: several pictures, the chat
/// template, the same ids, the same scores, the same greedy answer.
@Suite struct TransformersProcessorTests {
  /// For each directory: the prompt of a message with two pictures, its ids and pixels, the scores behind it,
  /// and the greedy answer; and the ids of plain texts.
  private static let script = """
    import sys, json, torch
    from PIL import Image
    from safetensors.torch import save_file
    from transformers import AutoProcessor, AutoModelForImageTextToText
    texts = json.load(open(sys.argv[1]))
    pictures = [Image.open(p) for p in sys.argv[2:4]]
    for d in sys.argv[4:]:
        p = AutoProcessor.from_pretrained(d)
        m = AutoModelForImageTextToText.from_pretrained(d, dtype=torch.float32, attn_implementation="eager").eval()
        content = [{"type": "image", "image": i} for i in pictures] + [{"type": "text", "text": "Which colour?"}]
        message = [{"role": "user", "content": content}]
        inputs = p.apply_chat_template(message, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
        with torch.no_grad():
            logits = m(**inputs).logits[0, -1]
            out = m.generate(**inputs, max_new_tokens=8, do_sample=False)
        new = out[:, inputs["input_ids"].shape[1]:]
        prompt = p.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        ids = [p.tokenizer(t, add_special_tokens=False).input_ids for t in texts]
        decoded = [p.tokenizer.decode(i) for i in ids]
        json.dump({"prompt": prompt, "ids": inputs["input_ids"][0].tolist(), "answer": p.batch_decode(new, skip_special_tokens=True)[0],
                   "new": new[0].tolist(), "texts": ids, "decoded": decoded}, open(d + "/found.json", "w"))
        save_file({"pixels": inputs["pixel_values"].float().contiguous(), "logits": logits.float().contiguous()}, d + "/found.h")
    """

  private struct Found: Decodable {
    var prompt: String
    var ids: [Int32]
    var answer: String
    var new: [Int32]
    var texts: [[Int32]]
    var decoded: [String]
  }

  private static let vision = VisionConfiguration(
    hiddenSize: 16, intermediateSize: 32, hiddenLayerCount: 2, attentionHeadCount: 2, imageSize: 12,
    patchSize: 4,
    projectionSize: 16)

  /// A model with a vocabulary that is trained here, or with that of a language model.
  private func model(
    _ template: ChatTemplate, isByteLevel: Bool, in folder: URL
  ) throws -> PretrainedModel {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var generator = RandomGenerator(seed: 3)
    if isByteLevel {
      // The tiny file with a context that holds two pictures.
      var bytes = try Data(contentsOf: Fixtures.url("tokenizers/tiny.gguf"))
      let key = try #require(bytes.range(of: Data("llama.context_length".utf8)))
      bytes.replaceSubrange(key.upperBound + 4..<key.upperBound + 8, with: [0, 2, 0, 0])
      let url = folder.appending(component: "language.gguf")
      try bytes.write(to: url)
      let file = try GGUFFile(reading: url)
      try Tokenizer.writeJSON(of: file, to: folder)
      let model = try LlavaModel(
        vision: Self.vision, visionFeatureLayer: -1, languageModel: file, tokenizer: Tokenizer(gguf: file),
        using: &generator)
      return try PretrainedModel(new: model, tokenizerIn: folder, template: template)
    }
    let words = try String(contentsOf: Fixtures.url("golden/corpus.txt"), encoding: .utf8)
    let tokenizer = try Tokenizer.train(
      texts: words.split(separator: "\n").map(String.init), vocabularySize: 420,
      to: folder.appending(component: "tokenizer.model"))
    let text = TextConfiguration(
      vocabularySize: tokenizer.vocabularySize, hiddenSize: 32, intermediateSize: 48, hiddenLayerCount: 2,
      attentionHeadCount: 4,
      keyValueHeadCount: 2, contextLength: 512, bosTokenID: Int(tokenizer.bosID),
      eosTokenID: Int(tokenizer.eosID),
      padTokenID: Int(tokenizer.padID))
    let configuration = LlavaConfiguration(
      vision: Self.vision, text: text, imageTokenIndex: Int(tokenizer.imageID))
    return try PretrainedModel(
      new: LlavaModel(configuration, using: &generator), tokenizerIn: folder, template: template)
  }

  @Test(
    .enabled(
      if: PeerPython.has("transformers", "torch", "PIL", "safetensors"),
      "needs a Python with torch, transformers, Pillow and safetensors; set PEER_PYTHON"))
  func modelsWorkWithTheirOwnProcessor() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let pictures = [ImageProcessorTableTests.picture(12, 12), ImageProcessorTableTests.picture(26, 12)]
      let files = pictures.indices.map { folder.appending(component: "\($0).png").path }
      for (picture, file) in zip(pictures, files) { try picture.writePNG(to: file) }
      var generator = RandomGenerator(seed: 9)
      // What spells a special token is one for transformers and text here.
      let texts = RandomTexts.make(200, using: &generator).filter { !$0.contains("<s>") }
      let list = folder.appending(component: "texts.json")
      try JSONSerialization.data(withJSONObject: texts).write(to: list)
      var written: [(directory: URL, loaded: PretrainedModel)] = []
      for (index, template) in [ChatTemplate.vicunaV1, .llavaV0, .plain, .chatML].enumerated() {
        let isByteLevel = template == .chatML
        let made = try model(
          template, isByteLevel: isByteLevel, in: folder.appending(component: "files\(index)"))
        let directory = folder.appending(component: "model\(index)")
        try made.save(to: directory, layout: index % 2 == 0 ? .saved : .published)
        written.append((directory, try PretrainedModel.load(from: directory)))
      }
      let output = try PeerPython.run(Self.script, [list.path] + files + written.map(\.directory.path))
      try #require(output.status == 0, "\(output.text)")
      for (directory, loaded) in written {
        try compare(directory, loaded, pictures, texts)
      }
    }
  }

  private func compare(
    _ directory: URL, _ loaded: PretrainedModel, _ pictures: [RGBImage], _ texts: [String]
  ) throws {
    let name = loaded.template.name
    let found = try JSONDecoder().decode(
      Found.self, from: Data(contentsOf: directory.appending(component: "found.json")))
    let arrays = try SafeTensorsFile(reading: directory.appending(component: "found.h"))
    let question = "<image>\n<image>\nWhich colour?"
    #expect(found.prompt == loaded.template.prompt(question), "\(name)")
    let example = try loaded.encoder.example(question: question, images: [0, 1])
    #expect(found.ids == example.promptIDs, "\(name)")
    for (text, ids) in zip(texts, found.texts) {
      #expect(try loaded.tokenizer.encode(text) == ids, "\(name): \(text.debugDescription)")
    }
    let processor = try #require(loaded.processor)
    let pixels = Tensor.concatenated(pictures.map { processor.pixels($0, isAlone: false) }, axis: 0)
    let theirs = try arrays.tensor("pixels")
    let level =
      zip(pixels.array(of: Float.self), theirs.array(of: Float.self))
      .map { abs($0 - $1) }.max() ?? .infinity
    // With torchvision, transformers scales in other fixed-point numbers than Pillow: a level more or less.
    #expect(level < 1.01 / 255 / 0.26, "\(name): \(level)")
    let features = noGradient { loaded.model.imageFeatures(theirs) }
    let batch = try PackedBatch(
      [example], sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID,
      features: features.layout)
    let logits = noGradient {
      loaded.model.decoder.logits(loaded.model.hiddenStates(batch, imageFeatures: features))
    }
    let last = logits.slice(axis: 0, logits.shape[0] - 1..<logits.shape[0]).array(of: Float.self)
    let largest =
      zip(last, try arrays.tensor("logits").array(of: Float.self)).map { abs($0 - $1) }.max() ?? .infinity
    #expect(largest < 2e-4, "\(name): \(largest)")
    let answer = try Generator(
      model: loaded.model, tokenizer: loaded.tokenizer
    ).generate([example], imageFeatures: features, maxNewTokens: 8)[0]
    #expect(answer.ids == found.new.filter { $0 != loaded.tokenizer.eosID }, "\(name)")
    #expect(answer.text == found.answer, "\(name)")
  }
}
