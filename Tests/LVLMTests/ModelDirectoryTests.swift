import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

@Suite struct ModelDirectoryTests {
  @Test(arguments: ParameterNames.Layout.allCases) func everyLayoutComesBack(layout: ParameterNames.Layout)
    throws
  {
    try Fixtures.withTemporaryDirectory { folder in
      let model = try Golden.model()
      try model.save(to: folder, layout: layout)
      let again = try LlavaModel.load(from: folder)
      #expect(try again.configuration.json() == model.configuration.json())
      for ((name, a), (_, b)) in zip(model.namedParameters(), again.namedParameters()) {
        #expect(a.tensor.array(of: Float.self) == b.tensor.array(of: Float.self), "\(name)")
      }
    }
  }

  @Test func namesOfEveryLayout() {
    let names: [ParameterNames.Layout: [String]] = [
      .saved: [
        "vision_tower.pre_layrnorm.weight", "multi_modal_projector.linear_1.bias",
        "language_model.model.norm.weight", "language_model.lm_head.weight",
      ],
      .published: [
        "vision_tower.vision_model.pre_layrnorm.weight", "multi_modal_projector.linear_1.bias",
        "language_model.model.norm.weight", "language_model.lm_head.weight",
      ],
      .inMemory: [
        "model.vision_tower.pre_layrnorm.weight", "model.multi_modal_projector.linear_1.bias",
        "model.language_model.norm.weight", "lm_head.weight",
      ],
      .original: [
        "model.vision_tower.vision_tower.vision_model.pre_layrnorm.weight", "model.mm_projector.0.bias",
        "model.norm.weight", "lm_head.weight",
      ],
    ]
    for (layout, theirs) in names {
      for (ours, theirs) in zip(names[.saved] ?? [], theirs) {
        #expect(ParameterNames.llava.name(ours, in: layout) == theirs)
        #expect(ParameterNames.llava.canonical(theirs) == ours)
      }
    }
    #expect(ParameterNames.llava.canonical("vision_tower.vision_model.embeddings.position_ids") == nil)
  }

  @Test func savedAdaptersAreMerged() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let model = try TinyModel.make()
      var generator = RandomGenerator(seed: 3)
      model.applyLoRA(rank: 2, alpha: 2, using: &generator)
      for (name, parameter) in model.trainableParameters() where name.contains("lora_B") {
        parameter.tensor = .randomNormal(parameter.shape, using: &generator)
      }
      try model.save(to: folder)
      let again = try LlavaModel.load(from: folder)
      let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
      let batch = try TinyModel.batch(TinyModel.examples)
      let (a, b) = noGradient {
        (
          model.logProbabilities(batch, imageFeatures: features),
          again.logProbabilities(batch, imageFeatures: features)
        )
      }
      #expect(difference(a, b) < 1e-5)
    }
  }

  @Test func shards() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let model = try TinyModel.make()
      try model.configuration.json().write(to: folder.appending(component: "config.json"))
      var map: [String: String] = [:]
      for (part, parameters) in [model.visionTower, model.projector, model.decoder].map({
        (module: any Module) in module.namedParameters()
      }).enumerated() {
        let prefix = ["vision_tower.", "multi_modal_projector.", "language_model."][part]
        let file = "model-0000\(part + 1)-of-00003.safetensors"
        for (name, _) in parameters { map[prefix + name] = file }
        try SafeTensors.write(
          parameters.map {
            (
              prefix + $0.name,
              StoredArray($0.parameter.tensor.array(of: Float.self), shape: $0.parameter.shape)
            )
          }, to: folder.appending(component: file))
      }
      let index = folder.appending(component: "model.safetensors.index.json")
      try JSONEncoder().encode(["weight_map": map]).write(to: index)
      let again = try LlavaModel.load(from: folder)
      #expect(again.mergedParameters().count == map.count)
      let shard = folder.appending(component: "model-00002-of-00003.safetensors")
      let whole = try Data(contentsOf: shard)
      try whole.prefix(whole.count - 5).write(to: shard)
      let cut = #expect(throws: CheckpointError.self) { try LlavaModel.load(from: folder) }
      #expect(cut?.kind == .damaged && cut?.description.contains("model-00002-of-00003.safetensors") == true)
      // Two shards cut short and one with a value that is no number: all three in one error.
      let others = ["1", "3"].map { folder.appending(component: "model-0000\($0)-of-00003.safetensors") }
      let (first, third) = (try Data(contentsOf: others[0]), try Data(contentsOf: others[1]))
      try first.prefix(100).write(to: others[0])
      var arrays = try SafeTensorsFile(reading: others[1]).tensors()
      arrays[1].tensor = .full(arrays[1].tensor.shape, .nan)
      try SafeTensors.write(arrays, to: others[1])
      let several = #expect(throws: ModelErrors.self) { try LlavaModel.load(from: folder) }
      let words = several?.description ?? ""
      #expect(several?.errors.count == 3, "\(words)")
      #expect(words.contains("model-00001-of-00003.safetensors") && words.contains("model-00002-of-00003"))
      #expect(words.contains("1 unusable: \(arrays[1].name) (not all values are finite)"))
      #expect(!words.contains("missing"))
      try first.write(to: others[0])
      try third.write(to: others[1])
      try FileManager.default.removeItem(at: shard)
      #expect(throws: CheckpointError.self) { try LlavaModel.load(from: folder) }
      try SafeTensors.write([(name: "other", tensor: .zeros([1]))], to: shard)
      let lacking = #expect(throws: ModelDirectoryError.self) { try LlavaModel.load(from: folder) }
      #expect(lacking?.unexpected == ["other"])
      #expect(lacking?.missing.count == map.count { $0.value == shard.lastPathComponent })
      map["extra"] = "../outside.safetensors"
      try JSONEncoder().encode(["weight_map": map]).write(to: index)
      let error = #expect(throws: ModelDirectoryError.self) { try LlavaModel.load(from: folder) }
      #expect(error?.unusable == ["../outside.safetensors (expected a file of this directory)"])
    }
  }

  @Test func sizesThatNoMemoryHolds() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let model = try TinyModel.make()
      try model.save(to: folder)
      var configuration = model.configuration
      configuration.text.hiddenLayerCount = 4096
      configuration.text.intermediateSize = 1 << 18
      configuration.text.hiddenSize = 1 << 18
      try configuration.json().write(to: folder.appending(component: "config.json"))
      let error = #expect(throws: ModelConfigurationError.self) { try LlavaModel.load(from: folder) }
      #expect(error?.problems.map(\.key) == ["sizes"])
    }
  }

  @Test func everythingWrongInOneError() throws {
    let model = try TinyModel.make()
    var parameters = model.mergedParameters()
    let before = parameters[5].tensor.array(of: Float.self)
    let removed = parameters.remove(at: 0).name
    parameters[0].tensor = .zeros([3, 3])
    parameters[1].tensor = .full(parameters[1].tensor.shape, .nan)
    parameters[4].tensor = .zeros(parameters[4].tensor.shape)
    parameters.append((name: "language_model.model.layers.9.mlp.up_proj.weight", tensor: .zeros([1])))
    let error = #expect(throws: ModelDirectoryError.self) {
      try model.setParameters(parameters, source: "here")
    }
    #expect(error?.missing == [removed])
    #expect(error?.unexpected == ["language_model.model.layers.9.mlp.up_proj.weight"])
    #expect(error?.wrongShapes == ["\(parameters[0].name): found [3, 3], expected [8, 3, 2, 2]"])
    #expect(error?.unusable == ["\(parameters[1].name) (not all values are finite)"])
    #expect(error?.description.hasPrefix("here: 1 missing: ") == true)
    #expect(model.mergedParameters()[5].tensor.array(of: Float.self) == before)
  }
}
