import ArgumentParser
import DPOTrain
import Foundation
import LVLM
import Records
import Runs
import Tensor

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Answers a question about pictures, printing the answer as it comes.",
    discussion: """
      dpotrain generate --model llava-1.5-7b-hf --image a.png --image b.jpg --prompt "What changed?"

      A prompt without <image> marks gets one per picture in front. --attention draws where the answer looked, one \
      picture beside the other, brighter where more attention of the layer fell on a patch.
      """)

  @Option(help: ArgumentHelp(ModelArguments.model, valueName: "path"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Vision tower and projector of a GGUF file (mmproj); the one *mmproj*.gguf beside it when left out.",
      valueName: "file"))
  var projector: String?

  @Option(
    help: ArgumentHelp(
      "How weights are kept: auto (as a GGUF file has them, else float32), float32, bfloat16 or quantized.",
      valueName: "type"))
  var dtype = WeightStorage.auto

  @Option(help: ArgumentHelp(ModelArguments.adapter, valueName: "path"))
  var adapter: String?

  @Option(
    name: .customLong("image"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("PNG, JPEG or WebP file; can be given several times.", valueName: "file"))
  var images: [String] = []

  @Option(help: "The question.")
  var prompt: String

  @Option(
    help:
      "Chat template: \(ChatTemplate.all.map(\.name).joined(separator: ", ")); the model's own when left out."
  )
  var template: String?

  @Option(help: "Tokens of the answer at most.")
  var maxNewTokens = 256

  @Option(help: "Sampling temperature; 0 is greedy.")
  var temperature = 0.0

  @Option(help: "Sample from the k likeliest tokens.")
  var topK: Int?

  @Option(help: "Sample from the likeliest tokens that add up to this probability.")
  var topP: Double?

  @Option(help: "Penalty on tokens already generated.")
  var repetitionPenalty = 1.0

  @Option(
    name: .customLong("stop"), parsing: .unconditionalSingleValue,
    help: "Text that ends the answer; can be given several times.")
  var stops: [String] = []

  @Option(help: "Random seed.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Draws where the answer looked into this PNG file.", valueName: "file"))
  var attention: String?

  @Option(help: "Decoder layer of --attention, from 0; the middle one when left out.")
  var attentionLayer: Int?

  func validate() throws {
    guard (1...1_000_000).contains(maxNewTokens) else {
      throw ValidationError("--max-new-tokens must be from 1 to 1000000")
    }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature must be 0 or more")
    }
    guard topK ?? 1 > 0 else { throw ValidationError("--top-k must be positive") }
    guard topP ?? 1 > 0, topP ?? 1 <= 1 else {
      throw ValidationError("--top-p must be above 0 and at most 1")
    }
    guard repetitionPenalty > 0, repetitionPenalty.isFinite else {
      throw ValidationError("--repetition-penalty must be positive")
    }
    guard template.map({ ChatTemplate(named: $0) != nil }) ?? true else {
      throw ValidationError(
        "--template: found \(template ?? ""), expected one of "
          + "\(ChatTemplate.all.map(\.name).joined(separator: ", "))"
      )
    }
    guard attention == nil || !images.isEmpty else { throw ValidationError("--attention needs an --image") }
  }

  func run() throws {
    if let attention {
      try OutputFile.check(attention, option: "--attention", endings: ["png"], inputs: images)
    }
    let pictures = try images.map { try RGBImage(contentsOf: $0) }
    let choice = try ModelChoice(model: model, adapter: adapter)
    let (loaded, _) = try choice.open(
      weights: dtype, template: template.flatMap { ChatTemplate(named: $0) }, projector: projector)
    for note in choice.notes + loaded.notes { Console(isQuiet: false).warning(note) }
    let layers = loaded.model.configuration.text.hiddenLayerCount
    let layer = attentionLayer ?? layers / 2
    guard (0..<layers).contains(layer) else {
      throw ValidationError("--attention-layer: found \(layer), expected 0 to \(layers - 1)")
    }
    let marks = String(repeating: Tokenizer.imageMark + "\n", count: pictures.count)
    let question = prompt.contains(Tokenizer.imageMark) ? prompt : marks + prompt
    let example = try loaded.encoder.example(
      question: question, images: Array(pictures.indices),
      grids: try zip(images, pictures).map { file, picture in
        try loaded.encoder.geometry.grid(
          of: file, width: picture.width, height: picture.height, isAlone: pictures.count == 1)
      },
      room: maxNewTokens)
    let features = try loaded.imageFeatures(pictures)
    let generator = Generator(
      model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop, stops: stops)
    let sampling = Sampling(
      temperature: temperature, topK: topK, topP: topP, repetitionPenalty: repetitionPenalty,
      generator: RandomGenerator(seed: seed))
    let output = FileHandle.standardOutput
    let answers = try generator.generate(
      [example], imageFeatures: features, maxNewTokens: maxNewTokens, sampling: sampling,
      attentionLayer: attention == nil ? nil : layer
    ) { _, text in try? output.write(contentsOf: Data(text.utf8)) }
    try? output.write(contentsOf: Data("\n".utf8))
    if let attention, let map = answers.first?.attention, let processor = loaded.processor {
      let seen = pictures.map { picture in
        (processor as? ImageProcessor)?.square(picture)
          ?? picture.resized(width: processor.viewSide, height: processor.viewSide, filter: .bicubic)
      }
      try AttentionPicture.draw(map, over: seen).writePNG(to: attention)
    }
  }
}

extension WeightStorage: ExpressibleByArgument {}
