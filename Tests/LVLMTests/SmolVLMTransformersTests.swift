import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// What is written of a SmolVLM works in transformers with its own `AutoProcessor`: the same prompt, ids,
/// views, scores and greedy answer.
@Suite struct SmolVLMTransformersTests: ModelCopies {
  private static let script = """
    import sys, json, torch
    from PIL import Image
    from safetensors.torch import save_file
    from transformers import AutoProcessor, AutoModelForImageTextToText
    d = sys.argv[1]
    p = AutoProcessor.from_pretrained(d)
    m = AutoModelForImageTextToText.from_pretrained(d, dtype=torch.float32, attn_implementation="eager").eval()
    pictures = [Image.open(x) for x in sys.argv[2:]]
    content = [{"type": "image"}, {"type": "text", "text": "First,"}, {"type": "image"}, {"type": "text", "text": "and?"}]
    prompt = p.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = p(text=prompt, images=pictures, return_tensors="pt")
    with torch.no_grad():
        logits = m(**inputs).logits[0, -1]
        out = m.generate(**inputs, max_new_tokens=8, do_sample=False)
    new = out[0, inputs["input_ids"].shape[1]:].tolist()
    pixels = inputs["pixel_values"][0]
    save_file({"pixels": pixels.float().contiguous(), "logits": logits.float().contiguous()}, d + "/found.h")
    json.dump({"prompt": prompt, "ids": inputs["input_ids"][0].tolist(), "new": new,
               "answer": p.decode(new, skip_special_tokens=True)}, open(d + "/found.json", "w"))
    """

  private struct Found: Decodable {
    var prompt: String
    var ids: [Int32]
    var new: [Int32]
    var answer: String
  }

  /// As Idefics3, whose processor needs nothing that reads films.
  @Test(
    .enabled(
      if: PeerPython.has("transformers", "torch", "PIL", "safetensors"),
      "needs a Python with torch, transformers, Pillow and safetensors; set PEER_PYTHON"))
  func modelsWorkWithTheirOwnProcessor() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let source = folder.appending(component: "source")
      try FileManager.default.copyItem(at: SmolVLMFixture.directory, to: source)
      try edit("config.json", source) { keys in
        keys["model_type"] = "idefics3"
        keys["architectures"] = ["Idefics3ForConditionalGeneration"]
      }
      try edit("config.json", section: "vision_config", source) { $0["model_type"] = "idefics3_vision" }
      let loaded = try PretrainedModel.load(from: source)
      let directory = folder.appending(component: "written")
      try loaded.save(to: directory)
      let files = ["rgb3_131x17.png", "rgb0_61x37.png"].map {
        SmolVLMFixture.directory.appending(path: "images/\($0)").path
      }
      let output = try PeerPython.run(Self.script, [directory.path] + files)
      try #require(output.status == 0, "\(output.text)")
      let found = try JSONDecoder().decode(
        Found.self, from: Data(contentsOf: directory.appending(component: "found.json")))
      let arrays = try SafeTensorsFile(reading: directory.appending(component: "found.h"))

      let question = "<image>First,<image>and?"
      #expect(found.prompt == loaded.template.prompt(question))
      let pictures = try files.map { try RGBImage(contentsOf: $0) }
      let layout = FeatureLayout(
        pictures.map { loaded.encoder.geometry.grid(width: $0.width, height: $0.height, isAlone: false) })
      let example = try loaded.encoder.example(
        question: question, images: [0, 1], grids: layout.grids)
      #expect(found.ids == example.promptIDs)
      let processor = try #require(loaded.processor)
      let pixels = Tensor.concatenated(pictures.map { processor.pixels($0, isAlone: false) }, axis: 0)
      let theirs = try arrays.tensor("pixels")
      // With torchvision, transformers scales in other fixed-point numbers than Pillow: levels more or less.
      #expect(difference(pixels, theirs) < 16.5 / 255 / 0.5)
      let features = noGradient { loaded.model.imageFeatures(theirs, layout: layout) }
      let batch = try PackedBatch(
        [example], sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID,
        features: features.layout)
      let hidden = noGradient { loaded.model.hiddenStates(batch, imageFeatures: features) }
      let last = hidden.slice(axis: 0, hidden.shape[0] - 1..<hidden.shape[0])
      let logits = noGradient { loaded.model.decoder.logits(last).reshaped([-1]) }
      #expect(difference(logits, try arrays.tensor("logits")) < 2e-4)
      let answer = try Generator(model: loaded.model, tokenizer: loaded.tokenizer)
        .generate([example], imageFeatures: features, maxNewTokens: 8)[0]
      #expect(answer.ids == found.new.filter { $0 != loaded.tokenizer.eosID })
      #expect(answer.text == found.answer)
    }
  }
}
