/// Configuration files to begin with: the few keys that somebody has to fill in, with what they mean.
public enum ConfigurationStarter: String, CaseIterable, Sendable {
  /// Preference pairs and a model that are there.
  case pairs
  /// Pictures with questions and answers; the model is new and small.
  case pictures
  /// Pictures with questions and answers, and a model that is there.
  case checkpoint

  /// What it is for.
  public var summary: String {
    switch self {
    case .pairs: "preference pairs and a model that you have"
    case .pictures: "pictures with questions and answers of yours; the model is new and small"
    case .checkpoint: "pictures with questions and answers of yours, and a model that you have"
    }
  }

  /// The places that have to be filled in.
  public var places: [String] {
    switch self {
    case .pairs: ["MODEL", "PAIRS", "PICTURES"]
    case .pictures: ["CONVERSATIONS", "PICTURES"]
    case .checkpoint: ["MODEL", "CONVERSATIONS", "PICTURES"]
    }
  }

  /// The file, with the words of ``places`` where paths have to be.
  public var yaml: String {
    switch self {
    case .pairs:
      """
      # Trains a model you have on preference pairs you have. Every key: dpotrain explain KEY
      model:
        path: MODEL                     # directory in Hugging Face layout
      data:
        pairs: PAIRS                    # JSON or JSONL, in any format of docs/pairs.md
        image_root: PICTURES            # what the paths in it are relative to
        eval_share: 0.1                 # pairs that are never trained on, to look at
      train:
        loss_type: sigmoid              # DPO; a list is added up
        beta: 0.1                       # how much the model may move away from where it began
        gamma: 0.1                      # weight of the likelihood of the chosen answers beside it
        adapter: lora                   # none trains all weights of the decoder
        lora_r: 16
        lora_alpha: 32
        learning_rate: 5e-5
        num_train_epochs: 3
        per_device_train_batch_size: 4
        gradient_accumulation_steps: 4  # 16 pairs a step
        eval_steps: 50
        eval_samples: 4                 # prompts held out that it answers at every look
        load_best_model_at_end: true

      """
    case .pictures:
      """
      # A new, small model learns your pictures, and MIA-DPO teaches it to look at the right one of several.
      # Every key: dpotrain explain KEY
      data:
        source: llava
        path: CONVERSATIONS             # JSON or JSONL, records with "id", "image" and "conversations"
        image_root: PICTURES            # what "image" is relative to
        sizes: {sft: 2000, pref: 1000, val: 200, test: 500}   # records, each for one purpose
      sft:
        max_steps: 900                  # the model before preferences
        composed: {share: 0.3, sequence: {2: 2, 3: 1}, grid: {4: 1}}   # several pictures in a conversation
      compose:
        sequence: {2: 300, 3: 150}      # prompts of so many pictures
        grid: {4: 100}
        pic_in_pic: {total: 50}
      train:
        max_steps: 200
      evaluate:
        questions: 200
        sequence_counts: [2, 3]
        grid_counts: [4]

      """
    case .checkpoint:
      """
      # MIA-DPO for a model you have: it answers about several of your pictures, its attention tells which
      # answers looked at the wrong one, and it learns not to give those. Every key: dpotrain explain KEY
      model:
        path: MODEL                     # directory in Hugging Face layout
      data:
        source: llava
        path: CONVERSATIONS             # JSON or JSONL, records with "id", "image" and "conversations"
        image_root: PICTURES            # what "image" is relative to
        sizes: {sft: 0, pref: 1000, val: 200, test: 500}   # records, each for one purpose
      sft:
        max_steps: 0                    # the model comes trained
      compose:
        sequence: {2: 300, 3: 150}      # prompts of so many pictures
        grid: {4: 100}
        pic_in_pic: {total: 50}
      train:
        adapter: lora
        frozen_dtype: bfloat16          # half the memory of what is not trained
        learning_rate: 5e-5
        per_device_train_batch_size: 1
        gradient_accumulation_steps: 16
      evaluate: {questions: 200, sequence_counts: [2, 3], grid_counts: [4]}

      """
    }
  }
}
