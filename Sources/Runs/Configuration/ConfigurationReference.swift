import Records

/// Every key of the configuration as a document: `docs/configuration.md`.
public enum ConfigurationReference {
  /// Markdown with one table per section.
  public static var markdown: String {
    let rows = RunConfiguration().rows("")
    var text = """
      # Configuration

      One YAML file describes a run. Keys that are left out take the default; an unknown key, a value of another type or
      out of range, and values that contradict each other are errors, reported all at once with file, line and key.
      `--set section.key=value` takes the place of a value of the file and is checked the same way;
      `dpotrain plan --config FILE` prints every value as it will be used, and a run writes the same to `config.yaml` in
      its directory.

      Keys with a star do not change results. The column *redoes* names the parts of a run that have to be made again after
      a change of another key, with everything that is made from them; a run in the same directory says so, makes those again
      and leaves the others as they are ([parts of a run](runs.md)). This page is generated from the package's schema and
      compared with it by a test.

      """
    var section = ""
    for row in rows {
      let path = row.key.split(separator: ".")
      if path[0] != section {
        section = String(path[0])
        text += "\n## \(section)\n\n| key | default | expected | meaning | redoes |\n|---|---|---|---|---|\n"
      }
      let key = path.dropFirst().joined(separator: ".")
      let cells = [
        "`\(key)`" + (row.affectsResults ? "" : " *"), "`\(row.value)`", row.expectation, row.summary,
        row.affectsResults ? row.firstReaders.map(\.rawValue).joined(separator: ", ") : "–",
      ]
      text += "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
    return text + remarks
  }

  private static let remarks = """

    ## Remarks

    - `model`: names are those of Hugging Face's `LlavaConfig`. Either `path` or the two shapes.
    - `data.source: mixture` takes as many records of each source as its share of `data.shares` says; emoji and stamps show
      their pictures again, at another place and size and with another question, when there are more records than
      pictures. Held out are pictures, so no name is asked for outside of `sft`.
    - `model.language_model` puts a new vision tower and projector before the decoder of a GGUF file; `tokenizer.template`
      is then usually `chatml`, and `sft.train_decoder: false` leaves the language model as it came.
    - `compose.sequence` and `compose.grid`: `{total: 600, counts: [2, 3]}` divides the total evenly and gives the
      remainder to the smallest numbers; `{2: 400, 3: 200}` says it directly.
    - `select.preset` sets `thresholds`, `strict`, `noise` and `perplexity_min` before the other keys are read, wherever
      it stands. `paper` is section 3.3 of arXiv 2410.17637. `released` is what the authors' scripts do: other
      thresholds, perplexity above 1.1, and rejected answers generated on noised pictures. The paper gives no bounds
      for its length and edit-distance filters, the scripts have none. `released` also generates with the template
      `llava_v0`, up to 512 tokens, and leaves out chosen answers of 512 and more characters.
    - `compose.compare` and `compose.find`, `evaluate.*` and `sft.composed.*` of the same names: questions
      of levels 2 and 3 of S2H-DPO (arXiv 2604.18512). R of a comparison is the share of both named
      pictures, of a search the share of the picture that fits. A threshold τ of the table is for one
      picture of n; where two are compared every other picture may have as much as there, τ₂ = 1 − (1 −
      τ)(n − 2) / (n − 1). `quantile` and `otsu` read the answers of each level by themselves, `argmax`
      rejects an answer when another picture got more attention than one of the two. Of two pictures that
      are both named R is 1, so that `compose` compares two of three and more. `select.layer: auto` asks
      the prompts that name one picture alone, where there are any. `select.rejected: swapped` names
      another picture in a search and gives one of two compared pictures the value of another; the first
      half of a comparison is not wrong, and `truncated` makes no pair of it. Right answers to both levels
      are ballast of their format.
    - `select.*_quantile` cut the stated share of the pairs that all other rules have kept; pairs that tie with the quantile stay,
      so that answers of one word lose fewer.

      | format | images | paper | released |
      |---|---|---|---|
      | sequence | 2, 3, 4, 5 | ≤ 0.7, 0.6, 0.5, 0.5 | ≤ 0.8, 0.7, 0.6, 0.6 |
      | grid | 2, 3, 4, 6, 9 | ≤ 0.7, 0.6, 0.5, 0.4, 0.4 | < 0.7, 0.6, 0.5, 0.4, 0.3 |
      | pic_in_pic | | ≤ 0.6 | < 0.8 |

    - `train`: names are TRL's. `gamma` is the paper's γ: 0.1 there, 0 in the released scripts.
      `nll_reduction: mean` is the released code, `sum` is the paper's equation 5.
    - `train.loss_type`, a list: L = `preference_weight` · Σ wᵢ · mean over the pairs of lossᵢ, with the one β
      and the options that any of them reads. A loss that compares all pairs of a step asks for one
      micro-batch, whatever the others are. MPO (arXiv 2411.10442) is `[sigmoid, bco_pair]` with weights
      `[0.8, 0.2]` and `gamma: 1`. CPO (arXiv 2401.08417) is `[cpo, sft]`, CPO-SimPO `[simpo, sft]` and ORPO
      (arXiv 2403.07691, β its λ) `[orpo, sft]` with `gamma: 0`; their likelihood is of the answers, not of
      the prompts. `kto_pair` is KTO on both answers of a pair (arXiv 2402.01306, eq. 7), its divergence
      estimated in the micro-batch. `aot_pair`, its name in earlier versions of TRL, is `aot_unpaired`.
    - `train.lora_dropout`: which elements are dropped is decided by seed, step, the place of the micro-batch
      in the step and the layer, so that a run that is interrupted ends in the same bytes; other
      micro-batches, and `shares_prefix`, drop others. With `use_dora` only the product of both matrices has
      it. `train.loraplus_lr_ratio` applies to B alone.
    - `train.optim`: `adam_beta1` and `adam_beta2` are also Lion's. `sgd` has no momentum; what `rmsprop` and
      `adagrad` do not share with others is PyTorch's default.
    - `train.attention_weight` adds λ · mean over the pairs of a step of max(0, τ − R), R of the chosen
      answer: in one decoder layer, the attention of the answer's rows (`select.queries`) to the features
      of the image asked about over that to all image features, heads and rows averaged before the
      division; in grids and pictures in pictures the patches of the cell or of the centre, as `select`
      weighs them. Gradients reach queries, keys and all before them. A single image has nothing to look
      away to and counts with 0. What is asked about is looked up in `compose/` by prompt and pictures:
      pairs from elsewhere are records that cannot be used. `metrics.jsonl` has `attention/chosen` (mean
      R) and `attention/penalty` (mean of max(0, τ − R)) over the pairs with an R. λ 0.9 and τ 0.75 are
      AA-DPO's, which averages R over the layers 14 to 22 of 32.
    - `train.image_weight` adds mDPO's −log σ(β log π/π_ref(y_w | pictures, x) − β log π/π_ref(y_w |
      corrupted, x)) (arXiv 2406.11839, equations 5 and 6), its mean over the pairs of a step. One picture
      is corrupted, that which is asked about, of grids and pictures in pictures the whole; each pair
      always in the same way, so that features and reference log-probabilities are computed once
      (`train/reference-corrupted.h5`). Pairs of several pictures from elsewhere are records that cannot
      be used. `metrics.jsonl` has `rewards/corrupted`, `rewards/image_margins` and
      `rewards/image_accuracies`. With `image_weight: 1`, `anchor_weight: 1` and `gamma: 0` the loss is
      mDPO's.

    """
}
