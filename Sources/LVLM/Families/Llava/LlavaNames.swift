extension ParameterNames {
  /// The names of LLaVA's parameters: those of transformers 5, of the published `llava-hf` checkpoints
  /// (`vision_tower.vision_model.X`), those inside transformers 5 (`model.language_model.X`), and those of
  /// the original `llava-v1.5` checkpoints (`model.layers.X`, `model.mm_projector.0`).
  public static let llava = ParameterNames(
    [
      (
        "vision_tower.",
        [
          .published: "vision_tower.vision_model.", .inMemory: "model.vision_tower.",
          .original: "model.vision_tower.vision_tower.vision_model.",
        ]
      ),
      (
        "multi_modal_projector.linear_1.",
        [.inMemory: "model.multi_modal_projector.linear_1.", .original: "model.mm_projector.0."]
      ),
      (
        "multi_modal_projector.linear_2.",
        [.inMemory: "model.multi_modal_projector.linear_2.", .original: "model.mm_projector.2."]
      ),
      ("language_model.lm_head.", [.inMemory: "lm_head.", .original: "lm_head."]),
      ("language_model.model.", [.inMemory: "model.language_model.", .original: "model."]),
    ],
    // Wrapped towers appear between releases.
    others: [("model.vision_tower.vision_model.", "vision_tower.")])
}
