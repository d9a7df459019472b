import MultiImageData
import Records
import Testing

/// Records of every format in the spellings that are about, and the pairs they are.
enum PairSamples {
  struct Sample: Sendable, CustomTestStringConvertible {
    var name: String
    var format: PairFormat
    var text: String
    var pair: PreferencePair
    var testDescription: String { name }
  }

  static let records: [Sample] = [
    Sample(
      name: "mia-dpo as released", format: .miaDPO,
      text:
        #"{"id": 5, "image": "a.png", "prompt": "<image-placeholder>\nIn Image3, what?", "chosen": "x", "rejected": "y", "gt": "z"}"#,
      pair: PreferencePair(
        id: "5", images: ["a.png"], prompt: "<image>\nIn Image3, what?", chosen: "x", rejected: "y",
        groundTruth: "z")),
    Sample(
      name: "trl texts", format: .trl,
      text: #"{"prompt": "The sky is", "chosen": " blue.", "rejected": " green."}"#,
      pair: PreferencePair(id: "0", images: [], prompt: "The sky is", chosen: " blue.", rejected: " green.")),
    Sample(
      name: "trl texts and an image", format: .trl,
      text:
        #"{"image": {"bytes": null, "path": "a.png"}, "prompt": "What?", "chosen": "x", "rejected": "y", "tools": null}"#,
      pair: PreferencePair(id: "0", images: ["a.png"], prompt: "<image>What?", chosen: "x", rejected: "y")),
    Sample(
      name: "trl messages", format: .trl,
      text:
        #"{"images": ["a.png", "b.png"], "prompt": [{"role": "user", "content": "Differences?"}], "chosen": [{"role": "assistant", "content": "x"}], "rejected": [{"role": "assistant", "content": "y"}]}"#,
      pair: PreferencePair(
        id: "0", images: ["a.png", "b.png"], prompt: "<image><image>Differences?", chosen: "x", rejected: "y")
    ),
    Sample(
      name: "trl parts", format: .trl,
      text:
        #"{"images": [{"path": "a.png", "bytes": null}], "prompt": [{"role": "system", "content": [{"type": "text", "text": "S"}]}, {"role": "user", "content": [{"type": "text", "text": "See "}, {"type": "image", "text": null}, {"type": "text", "text": "\nWhat?"}]}], "chosen": [{"role": "assistant", "content": [{"type": "text", "text": "x"}]}], "rejected": [{"role": "assistant", "content": [{"type": "text", "text": "y"}]}]}"#,
      pair: PreferencePair(
        id: "0", images: ["a.png"], prompt: "See <image>\nWhat?", chosen: "x", rejected: "y", system: "S")),
    Sample(
      name: "trl parts with pictures", format: .trl,
      text:
        #"{"prompt": [{"role": "user", "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "What?"}]}], "chosen": [{"role": "assistant", "content": "x"}], "rejected": [{"role": "assistant", "content": "y"}]}"#,
      pair: PreferencePair(id: "0", images: ["a.png"], prompt: "<image>What?", chosen: "x", rejected: "y")),
    Sample(
      name: "trl implicit prompt", format: .trl,
      text:
        #"{"prompt": "Q1", "chosen": [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "Q2"}, {"role": "assistant", "content": "x"}], "rejected": [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "Q2"}, {"role": "assistant", "content": "y"}], "score": 0.5}"#,
      pair: PreferencePair(
        id: "0", images: [], prompt: "Q2", chosen: "x", rejected: "y",
        extra: [.init("score", .number(0.5))], history: [.init(question: "Q1", answer: "A1")])),
    Sample(
      name: "llama-factory ShareGPT", format: .llamaFactory,
      text:
        #"{"conversations": [{"from": "human", "value": "<image>Q1"}, {"from": "gpt", "value": "A1"}, {"from": "human", "value": "Q2"}], "chosen": {"from": "gpt", "value": "x"}, "rejected": {"from": "gpt", "value": "y"}, "system": "S", "tools": "", "images": ["a.png"]}"#,
      pair: PreferencePair(
        id: "0", images: ["a.png"], prompt: "Q2", chosen: "x", rejected: "y", system: "S",
        history: [.init(question: "<image>Q1", answer: "A1")])),
    Sample(
      name: "llama-factory OpenAI", format: .llamaFactory,
      text:
        #"{"id": "n", "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}], "chosen": {"role": "assistant", "content": "x"}, "rejected": {"role": "assistant", "content": "y"}, "system": ""}"#,
      pair: PreferencePair(id: "n", images: [], prompt: "Q", chosen: "x", rejected: "y", system: "S")),
    Sample(
      name: "llama-factory alpaca", format: .llamaFactory,
      text:
        #"{"instruction": "<image>Sum up.", "input": "A text.", "chosen": "x", "rejected": "y", "history": [["Q1", "A1"]], "images": "a.png"}"#,
      pair: PreferencePair(
        id: "0", images: ["a.png"], prompt: "<image>Sum up.\nA text.", chosen: "x", rejected: "y",
        history: [.init(question: "Q1", answer: "A1")])),
    Sample(
      name: "ms-swift response", format: .msSwift,
      text:
        #"{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "<image>Q2"}, {"role": "assistant", "content": "x"}], "rejected_response": "y", "images": ["a.png"], "label": null}"#,
      pair: PreferencePair(
        id: "0", images: ["a.png"], prompt: "<image>Q2", chosen: "x", rejected: "y",
        extra: [.init("label", .null)], system: "S", history: [.init(question: "Q1", answer: "A1")])),
    Sample(
      name: "ms-swift messages", format: .msSwift,
      text:
        #"{"messages": [{"role": "user", "content": "<image>Q"}, {"role": "assistant", "content": "x"}], "images": ["a.png"], "rejected_messages": [{"role": "user", "content": "<image>Q"}, {"role": "assistant", "content": "y"}], "rejected_images": ["a.png"]}"#,
      pair: PreferencePair(id: "0", images: ["a.png"], prompt: "<image>Q", chosen: "x", rejected: "y")),
    Sample(
      name: "ms-swift without marks", format: .msSwift,
      text:
        #"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "x"}], "image": "a.png", "rejected_images": [{"bytes": null, "path": "b.png"}]}"#,
      pair: PreferencePair(
        id: "0", images: ["a.png"], prompt: "<image>Q", chosen: "x", rejected: "x", rejectedImages: ["b.png"])
    ),
    Sample(
      name: "rlaif-v", format: .rlaifV,
      text:
        #"{"ds_name": "R", "image": {"bytes": null, "path": "a.jpg"}, "question": "Q", "chosen": "x", "rejected": "y", "idx": "0012", "image_path": "/a.jpg"}"#,
      pair: PreferencePair(
        id: "0012", images: ["a.jpg"], prompt: "<image>\nQ", chosen: "x", rejected: "y",
        extra: [.init("ds_name", .string("R")), .init("image_path", .string("/a.jpg"))])),
  ]
}
