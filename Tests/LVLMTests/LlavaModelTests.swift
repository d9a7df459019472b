import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

@Suite struct LlavaModelTests {
  /// A directional derivative for every parameter, against central differences in double precision.
  @Test(arguments: [false, true]) func gradients(tiesWordEmbeddings: Bool) throws {
    var configuration = TinyModel.configuration
    configuration.text.tiesWordEmbeddings = tiesWordEmbeddings
    let model = try TinyModel.make(configuration, dtype: .float64)
    let batch = try TinyModel.batch(TinyModel.examples)
    let pixels = TinyModel.pixels(3, dtype: .float64)
    let weights = Tensor((0..<12).map { 0.3 * Double($0) - 1 })
    func value() -> Tensor {
      (model.logProbabilities(batch, imageFeatures: model.imageFeatures(pixels)) * weights).sum()
    }
    let gradients = value().backward()
    var generator = RandomGenerator(seed: 5)
    for (name, parameter) in model.namedParameters() {
      // The last block of the tower is behind the feature layer, the norm behind that too.
      let isUsed = !name.contains("vision_tower.encoder.layers.1") && !name.contains("post_layernorm")
      guard let gradient = gradients[parameter] else {
        #expect(!isUsed, "\(name)")
        continue
      }
      #expect(isUsed, "\(name)")
      let direction = Tensor.randomNormal(parameter.shape, dtype: .float64, using: &generator)
      let difference = centralDifference(parameter, along: direction, of: value)
      let derivative = (gradient * direction).sum().item()
      #expect(abs(derivative - difference) < 1e-5 * max(1, abs(difference)), "\(name)")
    }
  }

  @Test func freshAdaptersChangeNothing() throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let batch = try TinyModel.batch(TinyModel.examples)
    func values() -> Tensor { noGradient { model.logProbabilities(batch, imageFeatures: features) } }
    let before = values()
    var generator = RandomGenerator(seed: 9)
    model.applyLoRA(rank: 2, alpha: 4, using: &generator)
    #expect(difference(values(), before) == 0)
    #expect(model.decoder.trainableParameters().count == 3 * 7 * 2)
    for (name, parameter) in model.trainableParameters() where name.contains("lora_B") {
      parameter.tensor = .randomNormal(parameter.shape, standardDeviation: 0.3, using: &generator)
    }
    let adapted = values()
    #expect(difference(adapted, before) > 1e-3)
    model.isAdapterEnabled = false
    #expect(difference(values(), before) == 0)
    model.isAdapterEnabled = true
    model.mergeAdapters()
    #expect(difference(values(), adapted) < 1e-5)
    #expect(!model.hasAdapters)
  }

  @Test(arguments: [["q_proj", "v_proj"], ["down_proj"], LlavaModel.linearNames])
  func adaptersSitOnTheNamedLinearsAlone(targets: [String]) throws {
    let model = try TinyModel.make()
    let others = model.namedParameters().count
    var generator = RandomGenerator(seed: 9)
    model.applyLoRA(rank: 2, alpha: 4, targets: Set(targets), using: &generator)
    let added = model.namedParameters().map(\.name).filter { $0.contains(".lora_") }
    #expect(added.count == 3 * 2 * targets.count)
    #expect(model.namedParameters().count == others + added.count)
    #expect(added.allSatisfy { name in targets.contains { name.contains(".\($0).") } })
    #expect(model.decoder.trainableParameters().count == added.count)
    let directory = FileManager.default.temporaryDirectory.appending(component: "adapter-\(UUID())")
    defer { try? FileManager.default.removeItem(at: directory) }
    for (name, parameter) in model.trainableParameters() where name.contains("lora_B") {
      parameter.tensor = .randomNormal(parameter.shape, standardDeviation: 0.3, using: &generator)
    }
    try model.saveAdapter(to: directory, baseModel: "base")
    let other = try TinyModel.make()
    try other.loadAdapter(from: directory)
    #expect(other.namedParameters().map(\.name) == model.namedParameters().map(\.name))
    model.mergeAdapters()
    other.mergeAdapters()
    for (one, two) in zip(model.namedParameters(), other.namedParameters()) {
      #expect(difference(one.parameter.tensor, two.parameter.tensor) == 0, "\(one.name)")
    }
  }

  @Test func frozenPartsGetNoGradient() throws {
    let model = try TinyModel.make()
    model.setTrainable(false, .vision, .projector)
    let batch = try TinyModel.batch(TinyModel.examples)
    let loss = model.logProbabilities(batch, imageFeatures: model.imageFeatures(TinyModel.pixels(3))).sum()
    let gradients = loss.backward()
    for (name, parameter) in model.namedParameters() {
      #expect((gradients[parameter] != nil) == name.hasPrefix("language_model"), "\(name)")
    }
  }

  @Test func biasesAndFullFeatures() throws {
    var configuration = TinyModel.configuration
    configuration.text.hasAttentionBias = true
    configuration.text.hasPerceptronBias = true
    configuration.featureSelection = .full
    configuration.visionFeatureLayer = -1
    let model = try TinyModel.make(configuration)
    #expect(configuration.tokensPerImage == 5)
    #expect(model.imageFeatures(TinyModel.pixels(2)).rows.shape == [10, 8])
    let names = model.namedParameters().map(\.name)
    #expect(names.contains("language_model.model.layers.2.self_attn.o_proj.bias"))
    #expect(names.contains("language_model.model.layers.0.mlp.down_proj.bias"))
  }
}
