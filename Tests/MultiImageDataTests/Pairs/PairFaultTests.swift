import MultiImageData
import Records
import TestSupport
import Testing

/// What is wrong with a record is said in one sentence that names line, record and key.
@Suite struct PairFaultTests {
  private static let turns = #"[{"from": "human", "value": "Q"}]"#
  private static let (x, y) = (#"{"from": "gpt", "value": "x"}"#, #"{"from": "gpt", "value": "y"}"#)
  private static let asked = #"[{"role": "user", "content": "Q"}]"#
  private static let (listX, listY) = (
    #"[{"role": "assistant", "content": "x"}]"#, #"[{"role": "assistant", "content": "y"}]"#
  )
  private static let talk = #"[{"role": "user", "content": "Q"}, {"role": "assistant", "content": "x"}]"#

  static let faults: [(format: PairFormat, record: String, problem: String)] = [
    // TRL
    (
      .trl, #"{"chosen": "a b", "rejected": "a c"}"#,
      "has no \"prompt\"; where it ends in texts of \"chosen\" and \"rejected\" cannot be told, expected it "
        + "by itself or lists of messages"
    ),
    (
      .trl, #"{"prompt": 3, "chosen": "a", "rejected": "b"}"#, #""prompt": expected a string, found a number"#
    ),
    (.trl, #"{"prompt": "p", "chosen": null, "rejected": "b"}"#, #""chosen": expected a string, found null"#),
    (.trl, #"{"prompt": "p", "chosen": "a"}"#, #"has no "rejected""#),
    (.trl, #"{"prompt": "p", "chosen": "\u00a0", "rejected": "b"}"#, #""chosen" is empty"#),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "a"}"#,
      "chosen and rejected are the same text, expected two different answers"
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b <image>"}"#,
      "\"rejected\" has an <image> mark, expected none"
    ),
    (
      .trl, #"{"prompt": "<image>p", "chosen": "a", "rejected": "b", "images": ["1", "2"]}"#,
      "has 1 <image> marks for 2 images; expected one mark for each image"
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "images": [7]}"#,
      #"picture 1 of "images": expected a path, found a number"#
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "images": [null]}"#,
      #"picture 1 of "images": expected a path, found null"#
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "images": true}"#,
      #""images": expected a path, found true or false"#
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "images": [{"path": null}]}"#,
      #"picture 1 of "images": expected "path" to be a string, found null"#
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "images": [{"path": "x", "bytes": "iVBOR"}]}"#,
      "picture 1 of \"images\": has a picture inside the record, expected the path of a file; "
        + "scripts/parquet-to-pairs writes the pictures of a Parquet file into a folder"
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "image": "data:image/png;base64,iVBOR"}"#,
      "\"image\": has a picture inside the record, expected the path of a file; scripts/parquet-to-pairs "
        + "writes the pictures of a Parquet file into a folder"
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "images": ["a"], "image": "b"}"#,
      "has \"images\" and \"image\", expected one of them"
    ),
    (
      .trl, #"{"prompt": "p", "chosen": "a", "rejected": "b", "videos": ["a.mp4"]}"#,
      "has \"videos\", expected pictures and texts alone: tools, videos and sounds are not read"
    ),
    (
      .trl, #"{"prompt": \#(asked), "chosen": \#(listX), "rejected": "y"}"#,
      #""rejected": expected a list of messages, found a string"#
    ),
    (
      .trl, #"{"prompt": \#(asked), "chosen": \#(talk), "rejected": \#(listY)}"#,
      #""chosen": expected one message, the answer, found 2"#
    ),
    (
      .trl, #"{"prompt": \#(asked), "chosen": [], "rejected": \#(listY)}"#,
      #""chosen" is empty, expected messages"#
    ),
    (
      .trl, #"{"prompt": \#(asked), "chosen": [3], "rejected": \#(listY)}"#,
      #"message 1 of "chosen": expected an object, found a number"#
    ),
    (
      .trl, #"{"prompt": \#(asked), "chosen": \#(asked), "rejected": \#(listY)}"#,
      #"message 1 of "chosen": expected the assistant's answer, found one of the user"#
    ),
    (
      .trl, #"{"prompt": \#(talk), "chosen": \#(listX), "rejected": \#(listY)}"#,
      #""prompt": ends with an answer, expected a question before the two answers"#
    ),
    (
      .trl, #"{"prompt": [{"role": "tool", "content": "Q"}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      #"message 1 of "prompt": expected "role" to be user, assistant or system, found "tool""#
    ),
    (
      .trl, #"{"prompt": [{"role": "system", "content": "S"}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      #""prompt": found no question, expected one"#
    ),
    (
      .trl,
      #"{"prompt": [{"role": "user", "content": [{"type": "video"}]}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      #"part 1 of message 1 of "prompt": expected "type" to be text or image, found "video""#
    ),
    (
      .trl,
      #"{"prompt": [{"role": "user", "content": [{"type": "text", "text": "<image>"}]}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      #"part 1 of message 1 of "prompt": the text has an <image> mark, expected a part of the type image"#
    ),
    (
      .trl,
      #"{"images": ["a"], "prompt": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      "has 0 <image> marks for 1 images; expected one mark for each image"
    ),
    (
      .trl,
      #"{"images": ["a"], "prompt": [{"role": "user", "content": [{"type": "image", "image": "b"}]}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      "has pictures in \"images\" and in parts of messages, expected them in one place"
    ),
    (
      .trl,
      #"{"prompt": [{"role": "user", "content": "Q", "tool_calls": [1]}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      #"message 1 of "prompt": has "tool_calls", expected "role" and "content" alone"#
    ),
    (
      .trl, #"{"prompt": [{"role": "user", "content": null}], "chosen": \#(listX), "rejected": \#(listY)}"#,
      #"message 1 of "prompt": "content": expected a string or a list of parts, found null"#
    ),
    (
      .trl,
      #"{"chosen": \#(talk), "rejected": [{"role": "user", "content": "other"}, {"role": "assistant", "content": "y"}]}"#,
      "\"chosen\" and \"rejected\" differ before their last message, expected one conversation with two last "
        + "answers"
    ),
    (.trl, #"{"chosen": \#(listX), "rejected": \#(listY)}"#, #""prompt": found no question, expected one"#),
    (
      .trl,
      #"{"prompt": "other", "chosen": \#(talk), "rejected": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "y"}]}"#,
      #""prompt": expected messages, or a question of those in "chosen", found a string"#
    ),
    (
      .trl, #"{"id": 1.5, "prompt": "p", "chosen": "a", "rejected": "b"}"#,
      #""id": expected a string or a whole number, found a number"#
    ),
    (
      .trl, #"{"prompt": "<image-placeholder>p", "chosen": "a", "rejected": "b", "images": ["1"]}"#,
      "\"prompt\" has the mark <image-placeholder>, which is mia-dpo's; expected <image> or none"
    ),
    // LLaMA-Factory
    (.llamaFactory, #"{"conversations": \#(turns), "chosen": \#(x)}"#, #"has no "rejected""#),
    (
      .llamaFactory, #"{"conversations": \#(turns), "chosen": \#(x), "rejected": "y"}"#,
      #""rejected": expected an object, found a string"#
    ),
    (
      .llamaFactory, #"{"conversations": "Q", "chosen": \#(x), "rejected": \#(y)}"#,
      #""conversations": expected a list of messages, found a string"#
    ),
    (
      .llamaFactory, #"{"conversations": [], "chosen": \#(x), "rejected": \#(y)}"#,
      #""conversations" is empty, expected messages"#
    ),
    (
      .llamaFactory, #"{"conversations": \#(turns), "chosen": \#(x), "rejected": \#(y), "images": ["a"]}"#,
      "has 0 <image> marks for 1 images; expected one mark for each image"
    ),
    (
      .llamaFactory,
      #"{"conversations": \#(turns), "chosen": \#(x), "rejected": {"from": "function_call", "value": "y"}}"#,
      #""rejected": expected "from" to be human, gpt or system, found "function_call""#
    ),
    (
      .llamaFactory,
      #"{"conversations": [{"from": "gpt", "value": "Q"}], "chosen": \#(x), "rejected": \#(y)}"#,
      #"message 1 of "conversations": expected user and assistant in turn, user first, found assistant"#
    ),
    (
      .llamaFactory,
      #"{"conversations": [{"from": "system", "value": "S"}, {"from": "human", "value": "Q"}], "chosen": \#(x), "rejected": \#(y), "system": "T"}"#,
      #""system" and the system message of "conversations" differ, expected one of them"#
    ),
    (
      .llamaFactory, #"{"conversations": \#(turns), "chosen": \#(x), "rejected": \#(x)}"#,
      "chosen and rejected are the same text, expected two different answers"
    ),
    (
      .llamaFactory, #"{"instruction": "Q", "input": 3, "chosen": "x", "rejected": "y"}"#,
      #""input": expected a string, found a number"#
    ),
    (
      .llamaFactory, #"{"instruction": "Q", "chosen": "x", "rejected": "y", "history": [["a"]]}"#,
      #"entry 1 of "history": expected a list of two strings, a question and its answer"#
    ),
    (
      .llamaFactory, #"{"instruction": "Q", "chosen": "x", "rejected": "y", "system": 3}"#,
      #""system": expected a string, found a number"#
    ),
    // ms-swift
    (
      .msSwift, #"{"messages": \#(asked), "rejected_response": "y"}"#,
      #""messages": expected the chosen answer at the end, found a question"#
    ),
    (
      .msSwift, #"{"messages": \#(talk), "rejected_response": 3}"#,
      #""rejected_response": expected a string, found a number"#
    ),
    (
      .msSwift, #"{"messages": \#(talk), "rejected_response": ["y"]}"#,
      #"message 1 of "rejected_response": expected an object, found a string"#
    ),
    (
      .msSwift, #"{"messages": \#(talk), "rejected_response": "x"}"#,
      "chosen and rejected are the same text, expected two different answers"
    ),
    (
      .msSwift, #"{"messages": \#(talk), "rejected_response": "y", "rejected_messages": \#(talk)}"#,
      "has \"rejected_response\" and \"rejected_messages\", expected one of them"
    ),
    (
      .msSwift,
      #"{"messages": \#(talk), "rejected_messages": [{"role": "user", "content": "R"}, {"role": "assistant", "content": "y"}]}"#,
      "\"messages\" and \"rejected_messages\" differ before their last message, expected one conversation "
        + "with two last answers"
    ),
    (
      .msSwift, #"{"messages": \#(talk), "images": ["a"], "rejected_messages": \#(talk)}"#,
      "has \"rejected_messages\" and pictures, expected \"rejected_images\" beside them"
    ),
    (
      .msSwift,
      #"{"messages": \#(talk), "images": ["a"], "rejected_response": "y", "rejected_images": ["b", "c"]}"#,
      "has 2 images for the rejected answer and 1 for the chosen one; expected as many, because both follow "
        + "the same prompt"
    ),
    (
      .msSwift,
      #"{"messages": [{"role": "user", "content": "<image><image>Q"}, {"role": "assistant", "content": "x"}], "images": ["a"], "rejected_response": "y"}"#,
      "has 2 <image> marks for 1 images; expected one mark for each image"
    ),
    (
      .msSwift, #"{"messages": [{"role": "assistant", "content": "x"}], "rejected_response": "y"}"#,
      #""messages": found no question, expected one"#
    ),
    (
      .msSwift, #"{"messages": \#(talk), "rejected_response": "y", "objects": {"ref": ["a"]}}"#,
      "has \"objects\", expected pictures and texts alone: tools, videos and sounds are not read"
    ),
    // RLAIF-V
    (.rlaifV, #"{"question": "Q", "chosen": "x", "rejected": "y"}"#, #"has no "image""#),
    (
      .rlaifV, #"{"question": "Q", "chosen": "x", "rejected": "y", "image": ["a", "b"]}"#,
      #""image": expected a path, found a list"#
    ),
    (
      .rlaifV, #"{"question": ["Q"], "chosen": "x", "rejected": "y", "image": "a"}"#,
      #""question": expected a string, found a list"#
    ),
    (
      .rlaifV, #"{"question": "<image><image>", "chosen": "x", "rejected": "y", "image": "a"}"#,
      "has 2 <image> marks for 1 images; expected one mark for each image"
    ),
    (
      .rlaifV, #"{"question": "Q", "chosen": "x", "rejected": "y", "image": {"path": "a", "bytes": [137]}}"#,
      "\"image\": has a picture inside the record, expected the path of a file; scripts/parquet-to-pairs "
        + "writes the pictures of a Parquet file into a folder"
    ),
    // Ours, beside what PreferencePairFileTests has
    (
      .miaDPO, #"{"image": ["a"], "prompt": "<image>", "chosen": "x", "rejected": "x", "gt": "x"}"#,
      "chosen and rejected are the same text, expected two different answers"
    ),
    (
      .miaDPO,
      #"{"image": ["data:image/png;base64,AAAA"], "prompt": "<image>", "chosen": "x", "rejected": "y", "gt": "x"}"#,
      "has a picture inside the record, expected the path of a file; scripts/parquet-to-pairs writes the "
        + "pictures of a Parquet file into a folder"
    ),
    (
      .miaDPO, #"{"system": "<image>", "prompt": "p", "chosen": "x", "rejected": "y", "gt": "x"}"#,
      "\"system\" has an <image> mark, expected none"
    ),
  ]

  @Test(arguments: faults.indices)
  func everyFaultIsNamed(index: Int) throws {
    let (format, record, problem) = Self.faults[index]
    let folder = try TemporaryFolder()
    let path = try folder.write("\n" + record + "\n", to: "in.jsonl")
    #expect(message { _ = try PairFile.read(path, format: format) } == "\(path):2: record 0: \(problem)")
    // The keys alone tell the format.
    #expect(message { _ = try PairFile.read(path) } == "\(path):2: record 0: \(problem)")
  }

  @Test func theKeysOfNoFormatOrOfSeveralAreListed() throws {
    let folder = try TemporaryFolder()
    let none = try folder.write(#"{"text": "a", "label": 1}"#, to: "none.jsonl")
    let said = message { _ = try PairFile.read(none) }
    #expect(
      said.hasPrefix(
        "\(none):1: record 0: found the keys \"text\", \"label\", expected those of a known format of pairs: "
          + "mia-dpo (id, "
      ))
    for format in PairFormat.allCases { #expect(said.contains(format.rawValue + " (")) }
    let several = try folder.write(
      #"{"prompt": "p", "question": "q", "chosen": "x", "rejected": "y", "image": "a"}"#, to: "two.jsonl")
    #expect(
      message { _ = try PairFile.read(several) }
        == "\(several):1: record 0: found the keys \"prompt\", \"question\", \"chosen\", \"rejected\", "
        + "\"image\", which could be trl or rlaif-v; expected those of one format, or to be told which it "
        + "is"
    )
    let told = try PairFile.read(several, format: .rlaifV)
    #expect(told.pairs.first?.prompt == "<image>\nq")
    #expect(told.reading.unknownColumns == ["prompt"])
    let empty = try folder.write("{}", to: "empty.jsonl")
    #expect(message { _ = try PairFile.read(empty) }.contains("found no keys, expected those of a known"))
  }

  @Test func bytesOfAllKinds() throws {
    let folder = try TemporaryFolder()
    let good = #"{"prompt": "p", "chosen": "x", "rejected": "y"}"#
    // A byte order mark, line breaks of Windows, an empty line.
    let windows = try folder.write("\u{FEFF}" + good + "\r\n\r\n" + good + "\r\n", to: "crlf.jsonl")
    #expect(try PairFile.read(windows).pairs.count == 2)
    let deep = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
    let lines = [
      good, #"{"prompt": "\ud83d", "chosen": "x", "rejected": "y"}"#, #""text""#, "null",
      #"{"prompt": "p", "chosen": "x", "rejected": "y", "more": \#(deep)}"#, #"{"prompt": "p""#,
      #"{"prompt": "p", "prompt": "p", "chosen": "x", "rejected": "y"}"#,
      #"{"prompt": "p", "chosen": {"a": null}, "rejected": [null]}"#, good,
    ]
    let path = try folder.write(lines.joined(separator: "\n"), to: "bad.jsonl")
    var problems: [String] = []
    let read = try PairFile.read(path, broken: { problems.append($0.problem) })
    #expect(read.pairs.count == 2 && read.reading.count == 2)
    #expect(problems.count == 7)
    #expect(problems[0].contains("a lone surrogate is no character"))
    #expect(problems[1] == "expected an object, found a string")
    #expect(problems[3].contains("nested deeper than 256 levels"))
    #expect(problems[5].contains("found \"prompt\" twice"))
    let parquet = try folder.write("PAR1 and so on", to: "a.parquet")
    #expect(message { _ = try PairFile.read(parquet) }.contains("is a Parquet file, expected JSON or JSONL"))
  }

  @Test func picturesAreLookedForWhereAFolderIsGiven() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: "here.png")
    let path = try folder.write(
      #"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "x"}], "images": ["here.png"], "rejected_images": ["gone.png"]}"#,
      to: "in.jsonl")
    #expect(
      message { _ = try PairFile.read(path, imageFolder: folder.path) }
        == "\(path):1: record 0: image \"gone.png\" does not exist in \(folder.path)")
  }
}
