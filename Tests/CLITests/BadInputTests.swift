import Foundation
import LVLM
import Testing

/// What a person sees who brings broken files: one or two lines that name the place, status 1, earlier files
/// untouched.
@Suite struct BadInputTests {
  /// Forty pictures, each with a question, as a LLaVA file; `lines` may change its records.
  private func dataset(in folder: URL, changing change: (inout [String]) -> Void = { _ in }) throws
    -> [String]
  {
    let pictures = folder.appendingPathComponent("pictures")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    var lines: [String] = []
    for i in 0..<40 {
      let shade = UInt8(6 * i)
      try RGBImage(width: 12, height: 9, colour: RGBColour(shade, 255 - shade, 90))
        .writePNG(to: pictures.appendingPathComponent("\(i).png").path)
      lines.append(record(i))
    }
    change(&lines)
    let file = folder.appendingPathComponent("data.jsonl")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    return [
      "--config", try TinyRun.write(to: folder), "--set", "data.source=llava", "--set",
      "data.path=\(file.path)",
      "--set", "data.sizes={sft: 20, pref: 10, val: 2, test: 8}",
      "--set", "sft.composed.share=0", "--set", "run.output_dir=run",
    ]
  }

  private func record(
    _ index: Int, image: String? = nil, question: String = "<image>\\nWhat is it?", answer: String = "a field"
  ) -> String {
    """
    {"id": "r\(index)", "image": "pictures/\(image ?? "\(index).png")", "conversations": [\
    {"from": "human", "value": "\(question)"}, {"from": "gpt", "value": "\(answer)"}]}
    """
  }

  /// Runs the first stage on a changed data set and gives what it says.
  private func complaint(
    with more: [String] = [], changing change: (inout [String]) -> Void = { _ in }
  ) throws -> String {
    var errors = ""
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder, changing: change)
      let call = try BuiltCommand.run(["sft"] + arguments + ["--quiet"] + more, in: folder)
      #expect(call.status == 1)
      #expect(call.errors.split(separator: "\n").count <= 12, "\(call.errors)")
      errors = call.errors.replacingOccurrences(of: folder.path, with: "DIR")
    }
    return errors
  }

  @Test func theDataSetItselfIsGood() throws {
    try BuiltCommand.withFolder { folder in
      let call = try BuiltCommand.run(["sft"] + dataset(in: folder) + ["--quiet"], in: folder)
      #expect(call.status == 0, "\(call.errors)")
    }
  }

  @Test func recordsThatAllShowOnePicture() throws {
    let shares = ["--set", "sft.composed.share=0.25"]
    func onto(_ picture: Int) throws -> String {
      try complaint(with: shares) { lines in
        for i in lines.indices { lines[i] = record(i, image: "\(picture).png") }
      }
    }
    #expect(
      try onto(0) == "error: --set: sft.composed.share: has 0.25 with 2 pictures in a prompt, and the "
        + "records of the split sft show 1 different one; 0 needs no more than one\n")
    #expect(
      try onto(2).contains("data.sizes.sft: llava has no record in the split sft; raise data.sizes.sft"))
  }

  @Test func recordsThatCannotBeUsed() throws {
    #expect(
      try complaint { $0[3] = $0[3].replacingOccurrences(of: "\"conversations\"", with: "conversations") }
        .hasPrefix("error: DIR/data.jsonl: record 3: broken JSON in line 4, byte "))
    #expect(
      try complaint { $0[3] = record(3, image: "none.png") }
        == "error: DIR/data.jsonl:4: record r3: image \"pictures/none.png\" does not exist in DIR\n")
    #expect(
      try complaint { $0[3] = record(3, question: "<image><image>Which?") }
        == "error: DIR/data.jsonl:4: record r3: has 2 <image> marks for 1 images; expected one mark for each image\n"
    )
    #expect(
      try complaint { $0[3] = record(3, question: "Which?") }
        == "error: DIR/data.jsonl:4: record r3: has 0 <image> marks for 1 images; expected one mark for each image\n"
    )
    #expect(
      try complaint { $0[3] = record(3, answer: "  ") }
        == "error: DIR/data.jsonl:4: record r3: turn 2 of \"conversations\": the answer is empty\n")
    let missing = try complaint(with: ["--set", "data.path=none.jsonl"])
    #expect(missing == "error: none.jsonl: no such file\n")
  }

  @Test func recordsThatAreLeftOutOnRequestAreTold() throws {
    try BuiltCommand.withFolder { folder in
      let arguments = try dataset(in: folder) { lines in
        lines[3] = record(3, answer: " ")
        lines.append(
          #"{"id": "text", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}"#
        )
      }
      let call = try BuiltCommand.run(
        ["sft"] + arguments + ["--quiet", "--set", "run.on_bad_record=skip"], in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let told = try String(contentsOf: folder.appendingPathComponent("run/omissions.txt"), encoding: .utf8)
      #expect(
        told.replacingOccurrences(of: folder.path, with: "DIR") == """
          data: left out: DIR/data.jsonl:41: record text: has 0 images; questions here are about one
          data: left out: DIR/data.jsonl:4: record r3: turn 2 of "conversations": the answer is empty

          """)
      #expect(
        call.errors.split(separator: "\n").map(String.init)
          == told.split(separator: "\n").map { "warning: \($0)" })
    }
  }

  /// The bad record is the one every run reads: all of them have the same long question.
  @Test func aPromptLongerThanTheContext() throws {
    let long = "<image>\\n" + Array(repeating: "why", count: 400).joined(separator: " ")
    let text = try complaint(with: ["--set", "model.text_config.max_position_embeddings=256"]) { lines in
      for i in lines.indices { lines[i] = record(i, question: long) }
    }
    #expect(
      text.contains(
        #/^error: DIR\/data\.jsonl:1: record r0: as a conversation .*: found \d+ tokens, expected at most 256/#
      ),
      "\(text)")
  }

  @Test func picturesThatCannotBeRead() throws {
    let whole = Data(try RGBImage(width: 64, height: 64, colour: RGBColour(200, 10, 30)).pngBytes())
    var huge = whole
    huge.replaceSubrange(16..<24, with: [0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0])
    // The header's checksum has to be right, or the file is merely damaged.
    huge.replaceSubrange(29..<33, with: withUnsafeBytes(of: crc32(huge[12..<29]).bigEndian) { Data($0) })
    for (bytes, expected) in [
      (Data("no picture at all".utf8), "not an image: expected a PNG, JPEG or WebP"),
      (whole.prefix(60), "image is cut short: PNG ends at byte 60"),
      (huge, "image is too large: 100000x100000 pixels, at most 64000000 pixels are allowed"),
    ] {
      try BuiltCommand.withFolder { folder in
        let arguments = try dataset(in: folder)
        for i in 0..<40 {
          try bytes.write(to: folder.appendingPathComponent("pictures/\(i).png"))
        }
        let call = try BuiltCommand.run(["sft"] + arguments + ["--quiet"], in: folder)
        #expect(call.status == 1)
        #expect(call.errors.contains(#/pictures/\d+\.png: /#), "\(call.errors)")
        #expect(call.errors.contains(expected), "\(call.errors)")
        // The first ten, how many more there are, and what to do.
        #expect(call.errors.split(separator: "\n").count == 12, "\(call.errors)")
      }
    }
  }

  private func crc32(_ bytes: Data) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }

  @Test func aLossThatIsNotANumber() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run(
        "sft", "--config", config, "--quiet", "--set", "sft.learning_rate=1e30", in: folder)
      #expect(call.status == 1)
      #expect(
        call.errors.contains(
          #/^error: sft step \d+: the loss is (nan|inf), expected a finite number; records of the step: /#),
        "\(call.errors)")
      #expect(call.errors.split(separator: "\n").count <= 2, "\(call.errors)")
    }
  }
}

/// A run directory with something wrong in it.
@Suite struct DamagedRunTests {
  /// A whole run whose last stages have to be done again from the checkpoint.
  private func interrupted(in folder: URL) throws -> (arguments: [String], run: URL) {
    let config = try TinyRun.write(to: folder)
    #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
    let run = folder.appendingPathComponent("runs/tiny")
    try FileManager.default.removeItem(at: run.appendingPathComponent("train/done.json"))
    return (["train", "--config", config, "--quiet"], run)
  }

  /// Pairs from elsewhere, one of them of no use: an error that names it, or training on the others.
  @Test func pairsWithABadRecord() throws {
    try BuiltCommand.withFolder { folder in
      let (arguments, run) = try interrupted(in: folder)
      let file = run.appendingPathComponent("pairs.jsonl")
      let good = try String(contentsOf: file, encoding: .utf8)
      for (line, complaint) in [
        (
          #"{"id": "x", "image": ["none.png"], "prompt": "<image>\nIn Image1, q", "chosen": "a", "rejected": "b"}"#,
          "record x: image \"none.png\" does not exist in runs/tiny"
        ),
        (
          #"{"id": "x", "image": ["none.png"], "prompt": "<image>\nIn Image12, q", "chosen": "a", "rejected": "b"}"#,
          "record x: asks about Image12; a grid has at most 9 pictures"
        ),
        (
          #"{"id": "x", "image": ["none.png"], "prompt": "<image>\nq", "chosen": " ", "rejected": "b"}"#,
          "record x: \"chosen\" is empty"
        ),
        (
          #"{"id": "x", "image": ["a", "a"], "prompt": "<image><image>In Image3, q", "chosen": "a", "rejected": "b"}"#,
          "record x: asks about Image3, but has 2 images"
        ),
        (
          #"{"id": "x", "image": ["a", "a", "a", "a", "a", "a"], "prompt": "<image><image><image><image><image><image>In Image1, q", "chosen": "a", "rejected": "b"}"#,
          "record x: has 6 images; a sequence has at most 5"
        ),
      ] {
        try Data((line + "\n" + good).utf8).write(to: file)
        let call = try BuiltCommand.run(arguments + ["--accept", "pairs.jsonl"], in: folder)
        #expect(call.status == 1)
        #expect(
          call.errors.replacingOccurrences(of: folder.path + "/", with: "")
            .hasSuffix("error: runs/tiny/pairs.jsonl:1: \(complaint)\n"), "\(call.errors)")
      }
    }
  }

  @Test func aBadPairCanBeLeftOut() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      var arguments = ["--config", config, "--quiet", "--set", "run.on_bad_record=skip"]
      for stage in ["sft", "compose", "select"] {
        #expect(try BuiltCommand.run([stage] + arguments, in: folder).status == 0)
      }
      arguments += ["--accept", "pairs.jsonl"]
      let file = folder.appendingPathComponent("runs/tiny/pairs.jsonl")
      let bad = #"{"id": "x", "image": ["none.png"], "prompt": "<image>q", "chosen": "a", "rejected": "b"}"#
      let good = try String(contentsOf: file, encoding: .utf8)
      let first = String(good.prefix { $0 != "\n" })
      try Data((good + first + "\n").utf8).write(to: file)
      let twice = try BuiltCommand.run(
        ["train", "--config", config, "--quiet", "--accept", "pairs.jsonl"], in: folder)
      #expect(twice.status == 1)
      #expect(twice.errors.hasSuffix(": the same pair occurs twice, expected it once\n"), "\(twice.errors)")
      // One id may stand over pairs that differ, as one record was put into several formats.
      let other = first.replacingOccurrences(of: "\"rejected\": \"", with: "\"rejected\": \"no ")
      try Data((bad + "\n" + good + other + "\n").utf8).write(to: file)
      let call = try BuiltCommand.run(["train"] + arguments, in: folder)
      #expect(call.status == 0)
      #expect(
        call.errors.replacingOccurrences(of: folder.path + "/", with: "")
          == "warning: train: left out: runs/tiny/pairs.jsonl:1: record x: image \"none.png\" does not exist in runs/tiny\n"
      )
    }
  }

  @Test func aCheckpointCutShort() throws {
    try BuiltCommand.withFolder { folder in
      let (arguments, run) = try interrupted(in: folder)
      let earlier = try Data(contentsOf: run.appendingPathComponent("sft/model/model.safetensors"))
      let name = try String(contentsOf: run.appendingPathComponent("checkpoints/latest"), encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      let file = run.appendingPathComponent("checkpoints/\(name)")
      try Data(contentsOf: file).prefix(5000).write(to: file)
      let call = try BuiltCommand.run(arguments, in: folder)
      #expect(call.status == 1)
      #expect(call.errors.contains("checkpoints/\(name): "), "\(call.errors)")
      #expect(call.errors.split(separator: "\n").count <= 2, "\(call.errors)")
      #expect(try Data(contentsOf: file).count == 5000)
      #expect(try Data(contentsOf: run.appendingPathComponent("sft/model/model.safetensors")) == earlier)
    }
  }

  @Test func aCheckpointOfAnotherConfiguration() throws {
    try BuiltCommand.withFolder { folder in
      let (arguments, run) = try interrupted(in: folder)
      let call = try BuiltCommand.run(
        ["--config", arguments[2], "--quiet", "--set", "train.beta=0.4", "--set", "run.output_dir=other"],
        in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let checkpoints = run.appendingPathComponent("checkpoints")
      try FileManager.default.removeItem(at: checkpoints)
      try FileManager.default.copyItem(
        at: folder.appendingPathComponent("other/checkpoints"), to: checkpoints)
      let again = try BuiltCommand.run(arguments, in: folder)
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.errors.contains("train: what it left before is kept in replaced/1"), "\(again.errors)")
      #expect(
        FileManager.default.fileExists(
          atPath: run.appendingPathComponent("replaced/1/checkpoints/latest").path))
    }
  }

  /// The size limit of a process stands for a full disk. Nothing that was there is lost, and the run goes on
  /// to the same bytes once there is room.
  @Test(arguments: [64, 200, 400]) func aFullDisk(kilobytes: Int) throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(
        try BuiltCommand.run("--config", config, "--quiet", "--set", "run.output_dir=whole", in: folder)
          .status == 0)
      let full = try BuiltCommand.run(
        ["--config", config, "--quiet"], in: folder, fileSizeLimit: kilobytes * 1024)
      #expect(full.status == 1)
      #expect(full.errors.contains("File too large"), "\(full.errors)")
      #expect(full.errors.split(separator: "\n").count <= 2, "\(full.errors)")
      let last = try BuiltCommand.run("--config", config, "--quiet", in: folder)
      #expect(last.status == 0, "\(last.errors)")
      let whole = try TinyRun.fingerprint(of: folder.appendingPathComponent("whole"))
      #expect(try TinyRun.fingerprint(of: folder.appendingPathComponent("runs/tiny")) == whole)
    }
  }
}
