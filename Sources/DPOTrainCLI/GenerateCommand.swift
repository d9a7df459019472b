import ArgumentParser
import CommandArguments
import DPOTrain
import Foundation
import LVLM
import Records
import Runs
import Tensor

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Answers a question about pictures, printing the answer as it comes; or a file of questions.",
    discussion: """
      dpotrain generate --model llava-1.5-7b-hf --image a.png --image b.jpg --prompt "What changed?"
      dpotrain generate --model runs/x --batch questions.jsonl --output answers.jsonl

      A prompt without <image> marks gets one per picture in front. --attention draws where the answer \
      looked, one picture beside the other, brighter where more attention of the layer fell on a patch.

      --batch reads a record a line, {"id": "1", "prompt": "What changed?", "images": ["a.png", "b.jpg"]}, \
      paths from the file's folder; answers are written in this order as they come. The same command goes on \
      after an interruption, with the same model, pictures and options.
      """)

  @OptionGroup var choice: ModelOptions

  @Option(
    name: .customLong("image"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("PNG, JPEG or WebP file; can be given several times.", valueName: "file"))
  var images: [String] = []

  @Option(help: "The question.")
  var prompt: String?

  @Option(help: ArgumentHelp("JSONL file of questions.", valueName: "file.jsonl"))
  var batch: String?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("JSONL file of --batch's answers.", valueName: "file.jsonl"))
  var output: String?

  @Option(help: "Questions of --batch at a time, at most.")
  var batchSize = 16

  @Flag(help: "Begins --output anew in place of going on.")
  var fresh = false

  @OptionGroup var answer: AnswerOptions

  @Option(help: ArgumentHelp("Draws where the answer looked into this PNG file.", valueName: "file"))
  var attention: String?

  @Option(help: "Decoder layer of --attention, from 0; the middle one when left out.")
  var attentionLayer: Int?

  func validate() throws {
    guard attention == nil || !images.isEmpty else { throw ValidationError("--attention needs an --image") }
    guard batch != nil else {
      guard prompt != nil else { throw ValidationError("Missing expected argument '--prompt <prompt>'") }
      guard output == nil, !fresh else { throw ValidationError("--output and --fresh belong to --batch") }
      return
    }
    guard prompt == nil, images.isEmpty, attention == nil else {
      throw ValidationError("--batch has questions and pictures in its file; leave out --prompt and --image")
    }
    guard output != nil else { throw ValidationError("--batch needs --output") }
    guard (1...1024).contains(batchSize) else {
      throw ValidationError("--batch-size must be from 1 to 1024")
    }
  }

  func run() throws {
    if let batch, let output { return try answer(batch, output) }
    if let attention {
      try OutputPlace.requireFile(attention, option: "--attention", endings: ["png"], inputs: images)
    }
    let pictures = try images.map { try RGBImage(contentsOf: $0) }
    let loaded = try choice.open()
    let layers = loaded.model.configuration.text.hiddenLayerCount
    let layer = attentionLayer ?? layers / 2
    guard (0..<layers).contains(layer) else {
      throw ValidationError("--attention-layer: found \(layer), expected 0 to \(layers - 1)")
    }
    let prompt = prompt ?? ""
    let marks = String(repeating: Tokenizer.imageMark + "\n", count: pictures.count)
    let question = prompt.contains(Tokenizer.imageMark) ? prompt : marks + prompt
    let example = try loaded.encoder.example(
      question: question, images: Array(pictures.indices),
      grids: try zip(images, pictures).map { file, picture in
        try loaded.encoder.geometry.grid(
          of: file, width: picture.width, height: picture.height, isAlone: pictures.count == 1)
      },
      room: answer.maxNewTokens)
    let features = try loaded.imageFeatures(pictures)
    let generator = Generator(
      model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop, stops: answer.stops)
    let output = FileHandle.standardOutput
    let answers = try generator.generate(
      [example], imageFeatures: features, maxNewTokens: answer.maxNewTokens, sampling: answer.sampling,
      attentionLayer: attention == nil ? nil : layer
    ) { _, text in try? output.write(contentsOf: Data(text.utf8)) }
    try? output.write(contentsOf: Data("\n".utf8))
    if let attention, let map = answers.first?.attention, let processor = loaded.processor {
      try AttentionPicture.draw(map, over: processor.seen(pictures)).writePNG(to: attention)
    }
  }

  private func answer(_ batch: String, _ output: String) throws {
    Interruption.install()
    var answers = BatchAnswers(batch, output: output)
    answers.maxNewTokens = answer.maxNewTokens
    answers.sampling = answer.sampling
    answers.stops = answer.stops
    answers.rows = batchSize
    answers.fresh = fresh
    let choice = try self.choice.find()
    answers.content = try ModelContent(choice, projector: self.choice.projector, weights: self.choice.dtype)
    var start = ContinuousClock.now
    func open() throws -> PretrainedModel {
      defer { start = .now }
      return try self.choice.open(choice)
    }
    let outcome = try answers.run(open(), console: Console(isQuiet: false))
    AnswerSpeed.tell(tokens: outcome.tokens, since: start)
  }
}

/// Tokens per second, on standard error.
enum AnswerSpeed {
  static func tell(tokens: Int, since start: ContinuousClock.Instant) {
    tell(tokens: tokens, in: ContinuousClock.now - start)
  }

  static func tell(tokens: Int, in time: Duration) {
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    let speed = seconds > 0 ? Double(tokens) / seconds : 0
    let line =
      "\(tokens) tokens in \(Format.decimal(seconds, 1)) s, \(Format.decimal(speed, 1)) tokens per second\n"
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
  }
}
