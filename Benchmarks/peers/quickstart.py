"""The stages of configs/quickstart.yaml after composition by transformers and TRL, on the prompts, questions and model of a run of ours.

  dpotrain --config configs/quickstart.yaml --set run.output_dir=RUN
  dpotrain export --model configs/shapes-base --format hf --output MODEL
  quickstart.py --run RUN --model MODEL --output FILE.json --threads 2

`scripts/bench --end-to-end` does all three. The settings are those of RUN/config.yaml, in Float32. Every stage is written as one does with
these libraries who looks at time: prompts of one length together, 64 at a time; features of pictures computed once for all answers to a
prompt; PyTorch's fused attention wherever no probabilities are asked for; four answers drawn in one call. Greedy and
drawn answers read their prompt anew and a pass over prompt and answer says where each looked; with --shared prompts are read once and the
steps of the answers say it, which takes less time and more care. Our run reads a prompt twice: for its five answers, and with all of them
behind it for their attention. What differs from our run:

- Pictures and questions are composed by ours; here they are read.
- TRL cannot ask the reference before the first step where there are pictures, so it asks it at every step, and computes the frozen vision
  tower there too: `reference` is a part of `train`.
- Sampled answers come from another source of chance, so that pairs are others of the same kind. No checkpoints are written.
- Answers are graded by the words for the facts that were asked for. The exact grading, which reads sentences, is ours; where RUN has
  graded answers the file says how often both agree. RUN's answers and attention ratios are compared with these as well.
"""
import argparse
import contextlib
import copy
import json
import math
import os
import re
import resource
import tempfile
import time
import unicodedata
from pathlib import Path

START = time.perf_counter()
BATCH = 64
KINDS = ["single", "sequence", "grid", "pic_in_pic"]


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Clock:
    """Seconds by name."""

    def __init__(self):
        self.seconds = {}

    @contextlib.contextmanager
    def __call__(self, name):
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - start

    def tell(self, *names, about):
        print(f"{', '.join(f'{name} {self.seconds[name]:.1f} s' for name in names)}: {about}", flush=True)


def settings(run):
    """The run's own configuration; what is not done here is refused."""
    import yaml
    text = (run / "config.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(re.sub(r": (\d+)(e-\d+)$", r": \1.0\2", text, flags=re.M))  # without a point it reads no number
    expected = {
        "select": {"layer": "auto", "threshold_rule": "argmax", "pick": "lowest_ratio", "heads": "mean", "queries": "answer",
                   "require_wrong": False, "chosen": "ground_truth", "rejected": "model", "use_attention": True, "max_pairs": 0},
        "train": {"adapter": "none", "loss_type": "sigmoid", "lr_scheduler_type": "linear", "optim": "adamw_torch", "bf16": False,
                  "nll_reduction": "mean", "train_vision": False, "train_projector": False, "rounds": 1, "ballast_per_step": 0,
                  "permuted_copies": 0, "attention_weight": 0, "image_weight": 0, "anchor_weight": 0, "single_image_share": 0}}
    for section, keys in expected.items():
        for key, value in keys.items():
            if found[section][key] != value:
                raise SystemExit(f"{run}/config.yaml: found {section}.{key} {found[section][key]}, expected {value}, all that this script does")
    return found


def questions(folder, composed, single):
    """Prompts of a folder with the full paths of their pictures; of several pictures first."""
    found = rows(folder / composed) + [dict(row, kind="single", count=1, target=1, images=[row["image"]]) for row in rows(folder / single)]
    for row in found:
        if row.get("level"):
            raise SystemExit(f"{folder / composed}: {row['id']} compares pictures or looks for one, which this script does not do")
        row["images"] = [str(folder / name) for name in row["images"]]
    return found


def spread(items, count):
    """So many of them, evenly spread; all of them for 0."""
    return items if not count or count >= len(items) else [items[i * len(items) // count] for i in range(count)]


def permuted(row):
    """A sequence with every picture one place on, the last one first."""
    target = row["target"] % row["count"] + 1
    head, _, tail = row["prompt"].rpartition(f"In Image{row['target']}, ")
    return dict(row, images=row["images"][-1:] + row["images"][:-1], target=target, prompt=f"{head}In Image{target}, {tail}")


class Attention:
    """From attention to image features to the shares of pictures: one row of weights for each picture, cell, or for the centre."""

    def __init__(self, features):
        import numpy
        self.numpy, self.features, self.side, self.known = numpy, features, math.isqrt(features), {}

    def spans(self, low, high):
        """The share of each row or column of features that lies between two fractions of the picture."""
        places = self.numpy.arange(self.side)
        return (self.numpy.minimum(places + 1, high * self.side) - self.numpy.maximum(places, low * self.side)).clip(0, 1)

    def weights(self, row):
        layout = row.get("layout") or {}
        key = (row["kind"], row["count"], layout.get("rows"), layout.get("columns"))
        if key not in self.known:
            numpy = self.numpy
            if row["kind"] == "grid":  # the picture divided evenly, as in the paper's released code
                cells = [divmod(number, key[3]) for number in range(key[1])]
                found = [numpy.outer(self.spans(r / key[2], (r + 1) / key[2]), self.spans(c / key[3], (c + 1) / key[3])).ravel()
                         for r, c in cells]
            elif row["kind"] == "pic_in_pic":
                found = [numpy.outer(self.spans(1 / 6, 5 / 6), self.spans(1 / 6, 5 / 6)).ravel()]
            else:
                found = numpy.kron(numpy.eye(key[1]), numpy.ones(self.features))
            self.known[key] = numpy.array(found)
        return self.known[key]

    def shares(self, row, maps):
        """[layers, pictures] of attention maps [layers, features]."""
        part, total = maps @ self.weights(row).T, maps.sum(1, keepdims=True)
        found = self.numpy.divide(part, total, out=self.numpy.zeros_like(part), where=total > 0).clip(0, 1)
        return self.numpy.concatenate([found, 1 - found], 1) if row["kind"] == "pic_in_pic" else found


class Asker:
    """A model that answers in batches and says where each answer looked."""

    def __init__(self, folder, clock, maximum, shares):
        import torch
        from transformers import AutoProcessor, LlavaForConditionalGeneration
        self.torch, self.clock, self.maximum, self.shares = torch, clock, maximum, shares
        self.processor = AutoProcessor.from_pretrained(folder)
        self.model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.eos, self.layers = self.model.generation_config.eos_token_id, self.model.config.text_config.num_hidden_layers
        self.attention = Attention((self.model.config.vision_config.image_size // self.model.config.vision_config.patch_size) ** 2)

    def text(self, prompt):
        return self.processor.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True)

    @staticmethod
    def batches(found):
        """Places of prompts of nearly one length; pictures are most of it."""
        order = sorted(range(len(found)), key=lambda i: (len(found[i]["images"]), len(found[i]["prompt"]), i))
        return [order[i:i + BATCH] for i in range(0, len(order), BATCH)]

    def read(self, batch):
        """Ids of prompts with padding before them, and their embeddings with and without what pictures show."""
        from PIL import Image
        pictures = [[Image.open(name).convert("RGB") for name in row["images"]] for row in batch]
        inputs = self.processor(
            text=[self.text(row["prompt"]) for row in batch], images=pictures, padding=True, padding_side="left", return_tensors="pt")
        features = self.torch.cat(self.model.get_image_features(inputs.pixel_values).pooler_output)
        inputs["places"] = inputs.input_ids == self.model.config.image_token_id
        inputs["words"] = self.model.get_input_embeddings()(inputs.input_ids)
        inputs["seen"] = inputs["words"].masked_scatter(inputs["places"].unsqueeze(-1), features)
        return inputs

    def generate(self, inputs, count=0, temperature=1.0, blind=False, cache=None):
        """Greedy answers, or `count` drawn ones for each prompt in a row: ids, tokens without the end, texts and perplexities, and with a
        cache of the prompts what each step looked at."""
        torch, width = self.torch, inputs.input_ids.shape[1]
        kind = dict(do_sample=False)
        if count:
            kind = dict(do_sample=True, temperature=temperature, top_k=0, top_p=1.0, num_return_sequences=count)
        if cache is None:
            given = dict(inputs_embeds=inputs["words"].masked_fill(inputs["places"].unsqueeze(-1), 0) if blind else inputs["seen"])
        else:  # all but the last token of the prompts, which is a word, has been read
            given = dict(input_ids=inputs.input_ids, cache=cache, output_attentions=True)
        found = self.model.generate(
            **given, **kind, attention_mask=inputs.attention_mask, max_new_tokens=self.maximum, return_dict_in_generate=True, output_logits=True)
        ids = found.sequences[:, width if cache is not None else 0:]
        ended = ids == self.eos
        lengths = torch.where(ended.any(1), ended.int().argmax(1), ids.shape[1])
        texts = [text.strip() for text in self.processor.batch_decode(ids, skip_special_tokens=True)]
        best = torch.stack([logits.amax(-1) - logits.logsumexp(-1) for logits in found.logits], 1)
        steps = torch.arange(ids.shape[1]) <= lengths.unsqueeze(1)  # the end of the answer counts
        return ids, lengths, texts, (-(best * steps).sum(1) / steps.sum(1)).exp().tolist(), found.attentions

    def look(self, inputs, ids, lengths):
        """Attention maps [layers, rows, prompt] of answers, the mean over heads and over their tokens without the end, from a forward pass
        over prompts and answers."""
        torch = self.torch
        width, ids = inputs.input_ids.shape[1], ids[:, :max(int(lengths.max()), 1)]
        asks = (torch.arange(ids.shape[1]) < lengths.unsqueeze(1)).float()
        mask = torch.cat([inputs.attention_mask, asks.long()], 1)
        self.model.set_attn_implementation("eager")
        found = self.model(
            inputs_embeds=torch.cat([inputs["seen"], self.model.get_input_embeddings()(ids)], 1), attention_mask=mask,
            position_ids=(mask.cumsum(1) - 1).clamp(min=0), output_attentions=True, use_cache=False, logits_to_keep=1)
        self.model.set_attn_implementation("sdpa")
        asks = asks / lengths.clamp(min=1).unsqueeze(1)
        return torch.stack([torch.einsum("bhqk,bq->bk", layer[:, :, width:, :width], asks) / layer.shape[1] for layer in found.attentions])

    def looked(self, inputs, lengths, steps):
        """The same from the steps of an answer, which feed one token each; the last one of an answer that has no end is never fed."""
        torch, width = self.torch, inputs.input_ids.shape[1]
        asks = (torch.arange(len(steps) - 1) < lengths.unsqueeze(1)).float()
        asks = asks / asks.sum(1, keepdim=True).clamp(min=1)
        return torch.stack([sum(
            step[layer][:, :, 0, :width].mean(1) * asks[:, i:i + 1] for i, step in enumerate(steps[1:])) for layer in range(self.layers)])

    def separate(self, inputs, count, temperature, name):
        """Answers by generate(), which reads the prompts for each of them, then forward passes for their attention."""
        with self.clock(name("generate")):
            given = [self.generate(inputs)[:4]]
            given += self.divided(self.generate(inputs, count, temperature)[:4], count) if count else []
        with self.clock(name("attention")):
            return given, [self.look(inputs, ids, lengths) for ids, lengths, _, _ in given]

    def shared(self, inputs, count, temperature, name):
        """Prompts are read once, their keys and values serve all answers, whose steps say where they look."""
        from transformers import DynamicCache
        with self.clock(name("generate")):
            cache, mask = DynamicCache(config=self.model.config), inputs.attention_mask[:, :-1]
            self.model(inputs_embeds=inputs["seen"][:, :-1], attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                       cache=cache, use_cache=True, logits_to_keep=1)
            self.model.set_attn_implementation("eager")
            found = [self.generate(inputs, cache=copy.deepcopy(cache) if count else cache)]
            if count:
                cache.batch_repeat_interleave(count)
                found.append(self.generate(inputs, count, temperature, cache=cache))
            self.model.set_attn_implementation("sdpa")
        with self.clock(name("attention")):
            given, maps = [], []
            for ids, lengths, texts, perplexities, steps in found:
                several, looked = len(given) * count or 1, self.looked(inputs, lengths, steps)
                given += self.divided((ids, lengths, texts, perplexities), several)
                maps += [looked[:, n::several] for n in range(several)]
            return given, maps

    @staticmethod
    def divided(given, count):
        """Answers drawn for every prompt in a row as so many answers to all prompts."""
        return [tuple(part[n::count] for part in given) for n in range(count)]

    def answers(self, found, name, samples=0, temperature=1.0, blind=False, turned=False):
        """For every prompt its greedy answer and `samples` drawn ones; blind and with turned pictures where asked for."""
        answers = [None] * len(found)
        with self.torch.no_grad():
            for batch in self.batches(found):
                own = [found[i] for i in batch]
                with self.clock(name("generate")):
                    inputs = self.read(own)
                given, maps = (self.shared if self.shares else self.separate)(inputs, samples, temperature, name)
                with self.clock(name("generate")):
                    without = self.generate(inputs, blind=True)[2] if blind else [None] * len(own)
                with self.clock(name("scores")):
                    for place, i in enumerate(batch):
                        shown = inputs["places"][place]
                        answers[i] = {"blind": without[place], "given": [
                            {"text": texts[place], "perplexity": perplexities[place],
                             "shares": self.attention.shares(own[place], seen[:, place, shown].double().numpy())}
                            for (_, _, texts, perplexities), seen in zip(given, maps)]}
                sequences = [i for i in batch if found[i]["kind"] == "sequence"] if turned else []
                if sequences:
                    with self.clock(name("generate")):
                        for i, text in zip(sequences, self.generate(self.read([permuted(found[i]) for i in sequences]))[2]):
                            answers[i]["permuted"] = text
        return answers


def widest_layer(prompts, answers):
    """The layer whose ratios differ most between greedy answers to prompts of one format and number of pictures."""
    import numpy
    groups = {}
    for row, answer in zip(prompts, answers):
        if row["kind"] != "single":
            groups.setdefault((row["kind"], row["count"]), []).append(answer["given"][0]["shares"][:, row["target"] - 1])
    return int(numpy.argmax(sum(numpy.std(group, axis=0) * len(group) for group in groups.values())))


SPELLED = re.compile(r"<0x[0-9A-Fa-f]{2}>|<\|[a-z_]*|\[/?INST\]|</?(s|unk|pad|image|bos|eos)(>|$)|\b(USER|ASSISTANT)\b")


def is_text(text):
    kinds = {unicodedata.category(c) for c in text if c not in "\n\r\t"}
    return not kinds & {"Cc", "Cn", "Co", "Cs"} and "\ufffd" not in text and SPELLED.search(text) is None and any(k[0] in "LNS" for k in kinds)


def edits(a, b):
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(diagonal + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def pair(row, answer, layer, rule):
    """The answer that becomes the rejected one: of those that looked more at another picture and pass all other rules the one that looked
    least at its own; None where there is none."""
    truth, asked, passed = row["answer"], row["target"] - 1, []
    for given in answer["given"]:
        text, shares = given["text"], given["shares"][layer]
        if not text or text == truth or not is_text(text) or shares[asked] >= max(s for i, s in enumerate(shares) if i != asked):
            continue
        ratio = len(text) / max(len(truth), 1)
        if rule["post_selection"] and (
                not given["perplexity"] >= rule["perplexity_min"] or 0 < rule["perplexity_max"] < given["perplexity"]
                or 0 < rule["chosen_length_max"] < len(truth) or ratio < rule["length_ratio_min"]
                or 0 < rule["length_ratio_max"] < ratio):
            continue
        passed.append((shares[asked], given))
    passed.sort(key=lambda one: one[0])  # stable: of equals the first, so that the greedy answer comes before the same one drawn
    for ratio, given in passed:
        distance = edits(given["text"], truth)
        if not rule["post_selection"] or distance >= rule["edit_distance_min"]:
            return {"id": row["id"], "images": row["images"], "prompt": row["prompt"], "chosen": truth, "rejected": given["text"],
                    "ratio": float(ratio), "perplexity": given["perplexity"], "edit_distance": distance}
    return None


def train(model, asker, pairs, chosen, steps, seed, clock, folder):
    """Steps of TRL's DPOTrainer on every weight of the decoder; the trained model is written to `folder`."""
    from datasets import Dataset, Features, Image, List, Value
    from transformers import LlavaForConditionalGeneration, PrinterCallback
    from trl import DPOConfig, DPOTrainer
    policy = LlavaForConditionalGeneration.from_pretrained(model, dtype=asker.torch.float32)
    for part in (policy.model.vision_tower, policy.model.multi_modal_projector):
        part.requires_grad_(False)
    # The trainer adds no tokens to texts: they begin and end with their own.
    begin, end = asker.processor.tokenizer.bos_token, asker.processor.tokenizer.eos_token
    text = Value("string")
    data = Dataset.from_dict(
        {"prompt": [begin + asker.text(row["prompt"]) for row in pairs], "chosen": [row["chosen"] + end for row in pairs],
         "rejected": [row["rejected"] + end for row in pairs], "images": [row["images"] for row in pairs]},
        features=Features(prompt=text, chosen=text, rejected=text, images=List(Image())))
    trainer = DPOTrainer(
        model=policy, train_dataset=data, processing_class=asker.processor,
        args=DPOConfig(
            output_dir=folder, use_cpu=True, bf16=False, gradient_checkpointing=False, max_length=None, report_to="none",
            save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False, seed=seed, max_steps=steps,
            per_device_train_batch_size=chosen["per_device_train_batch_size"], beta=chosen["beta"],
            gradient_accumulation_steps=chosen["gradient_accumulation_steps"], loss_type=["sigmoid", "sft"],
            loss_weights=[chosen["preference_weight"], chosen["gamma"]], learning_rate=chosen["learning_rate"], lr_scheduler_type="linear",
            warmup_steps=math.ceil(chosen["warmup_ratio"] * steps), weight_decay=chosen["weight_decay"], adam_beta1=chosen["adam_beta1"],
            adam_beta2=chosen["adam_beta2"], adam_epsilon=chosen["adam_epsilon"], max_grad_norm=chosen["max_grad_norm"],
            logging_steps=chosen["logging_steps"]))
    trainer.remove_callback(PrinterCallback)
    begun = []
    trainer.ref_model.register_forward_pre_hook(lambda *_: begun.append(time.perf_counter()))

    def count(*_):
        clock.seconds["reference"] = clock.seconds.get("reference", 0) + time.perf_counter() - begun.pop()
    trainer.ref_model.register_forward_hook(count)
    trainer.train()
    trainer.save_model(folder)
    return [row for row in trainer.state.log_history if "loss" in row]


class Grader:
    """Right is an answer that names what was asked for, and nothing that is not so: the words of all facts are known from the questions."""

    def __init__(self, found):
        self.values = {}
        for row in found:
            for key, value in (row.get("facts") or {}).items():
                self.values.setdefault(key, set()).add(value)

    def named(self, text):
        words = re.findall(r"[a-z]+", text.lower().replace("grey", "gray"))
        return {key: {word for word in words if word in values} for key, values in self.values.items()}

    def is_right(self, row, text):
        if not row.get("facts"):
            return " ".join(re.findall(r"\w+", text.lower())) == " ".join(re.findall(r"\w+", row["answer"].lower()))
        question = row.get("question", row["prompt"]).lower()
        asked = {key for key in self.values if key in question} or set(self.values)
        # "What is the red shape?" takes the color for granted and asks for the shape alone.
        asked -= {key for key in asked if len(asked) > 1 and any(value in question.split() for value in self.values[key])}
        named = self.named(text)
        return all(named[key] or key not in asked for key in named) and all(values <= {row["facts"][key]} for key, values in named.items())


def accuracy(found, answers, grader):
    """By kind, and over all with several pictures: share of right answers, and what else was asked for."""
    def share(values):
        return sum(values) / len(values) if values else None
    table = {}
    for kind in KINDS + ["multi_image"]:
        own = [(row, answer) for row, answer in zip(found, answers) if row["kind"] == kind or kind == "multi_image" and row["kind"] != "single"]
        table[kind] = {
            "accuracy": share([grader.is_right(row, answer["given"][0]["text"]) for row, answer in own]), "n": len(own),
            "blind": share([grader.is_right(row, answer["blind"]) for row, answer in own if answer["blind"] is not None]),
            "permuted": share([grader.is_right(row, answer["permuted"]) for row, answer in own if "permuted" in answer])}
    return table


def agreement(found, answers, path, text, ratios, perplexity=lambda _: None):
    """How far greedy answers, and the ratios and perplexities of the same ones, are from those that RUN has on file."""
    if not path.exists():
        return None
    stored = {row["id"]: row for row in rows(path)}
    both = [(row, answer["given"][0], stored[row["id"]]) for row, answer in zip(found, answers) if row["id"] in stored]
    same = [(row, answer, other) for row, answer, other in both if answer["text"] == text(other)]
    differences = sorted(
        abs(float(mine) - theirs) for row, answer, other in same if row["kind"] != "single" and ratios(other)
        for mine, theirs in zip(answer["shares"][:, row["target"] - 1], ratios(other)))
    away = sorted(abs(answer["perplexity"] - perplexity(other)) for _, answer, other in same if perplexity(other) is not None)
    return {"prompts": len(both), "same_answers": len(same),
            "ratio_differences": {"mean": sum(differences) / len(differences), "p99": differences[len(differences) * 99 // 100],
                                  "largest": differences[-1]} if differences else None,
            "largest_perplexity_difference": away[-1] if away else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="run directory of ours, with compose/ and evaluate/questions/")
    parser.add_argument("--model", type=Path, required=True, help="base model in Hugging Face's layout")
    parser.add_argument("--output", type=Path, required=True, help="JSON to write; pairs go to a file beside it")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--tuned", action="store_true", help="the environment is that of the tuned peers of scripts/bench; noted in the output")
    parser.add_argument("--shared", action="store_true", help="read each prompt once for all its answers, take attention from their steps")
    parser.add_argument("--prompts", type=int, default=0, help="composed prompts, evenly spread; 0 for all")
    parser.add_argument("--steps", type=int, default=0, help="training steps; 0 for those of the run")
    parser.add_argument("--questions", type=int, default=0, help="questions of each kind; 0 for all")
    options = parser.parse_args()
    places = {options.run: ["config.yaml", "compose/records.jsonl", "compose/single.jsonl", "evaluate/questions/composed.jsonl",
                            "evaluate/questions/single.jsonl"], options.model: ["config.json", "tokenizer.json"]}
    for folder, names in places.items():
        for name in names:
            if not (folder / name).is_file():
                made = "a run of dpotrain whose evaluation has begun" if folder == options.run else "what dpotrain export --format hf writes"
                raise SystemExit(f"{folder / name} is not there; expected {made}")
    if options.tuned and "mkl_avx512" not in os.environ.get("LD_PRELOAD", ""):
        raise SystemExit("--tuned expects the environment that scripts/bench gives its tuned peers, found no mkl_avx512 in LD_PRELOAD")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import datasets
        import torch
        import transformers
        import trl
        from transformers import AutoProcessor, LlavaForConditionalGeneration  # noqa: F401, both libraries import late: not in a stage's time
        from trl import DPOConfig, DPOTrainer  # noqa: F401
    except ImportError as error:
        raise SystemExit(f"{error}; expected what `pip install -r Benchmarks/peers/requirements.txt` installs")
    torch.set_num_threads(options.threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    chosen, clock = settings(options.run), Clock()
    seed = chosen["run"]["seed"]
    torch.manual_seed(seed)
    clock.seconds["start"] = time.perf_counter() - START
    clock.tell("start", about=f"torch {torch.__version__}, transformers {transformers.__version__}, TRL {trl.__version__}")

    prompts = spread(questions(options.run / "compose", "records.jsonl", "single.jsonl"), options.prompts)
    with clock("select"):
        asker = Asker(options.model, clock, chosen["select"]["max_new_tokens"], options.shared)
        answers = asker.answers(
            prompts, lambda part: part, samples=chosen["select"]["samples"], temperature=chosen["select"]["temperature"])
        with clock("scores"):
            layer = widest_layer(prompts, answers)
            pairs = [found for row, answer in zip(prompts, answers)
                     if row["kind"] != "single" and (found := pair(row, answer, layer, chosen["select"]))]
            options.output.with_suffix(".pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs), encoding="utf-8")
    clock.tell("select", "generate", "attention", "scores", about=f"{len(prompts)} prompts, layer {layer}, {len(pairs)} pairs")
    if not pairs:
        raise SystemExit(f"none of {len(prompts)} prompts became a pair; more prompts are needed")
    agrees = {"select": agreement(
        prompts, answers, options.run / "select/answers.jsonl", lambda row: row["greedy"]["text"],
        lambda row: row["greedy"].get("layer_ratios"), lambda row: row["greedy"]["perplexity"])}

    steps = options.steps or chosen["train"]["max_steps"]
    with tempfile.TemporaryDirectory() as folder:
        with clock("train"):
            log = train(options.model, asker, pairs, chosen["train"], steps, seed, clock, folder)
            asker.processor.save_pretrained(folder)
        clock.tell("train", "reference", about=f"{steps} steps of {chosen['train']['per_device_train_batch_size']}, loss "
                   f"{log[0]['loss']:.4f} to {log[-1]['loss']:.4f}" if log else f"{steps} steps")

        asked = questions(options.run / "evaluate/questions", "composed.jsonl", "single.jsonl")
        asked = [row for kind in KINDS for row in spread([row for row in asked if row["kind"] == kind], options.questions)]
        grader, figures, own = Grader(asked), {}, chosen["evaluate"]
        with clock("evaluate"):
            for when, model in (("before", options.model), ("after", folder)):
                asker = Asker(model, clock, own["max_new_tokens"], options.shared)
                given = asker.answers(asked, lambda part: f"evaluate {part}", blind=own["blind"], turned=own["permuted"])
                figures[when] = accuracy(asked, given, grader)
                if when == "before":
                    first = given
    clock.tell("evaluate", about=f"{len(asked)} questions twice, several pictures "
               + " to ".join(f"{100 * figures[when]['multi_image']['accuracy']:.1f} %" for when in figures))
    stored = options.run / "evaluate/before.jsonl"
    agrees["evaluate"] = agreement(asked, first, stored, lambda row: row["prediction"], lambda row: row.get("layer_ratios"))
    if stored.exists():
        known = {row["id"]: row for row in asked}
        judged = [grader.is_right(known[row["id"]], row["prediction"]) == row["correct"] for row in rows(stored) if row["id"] in known]
        agrees["grading"] = {"answers": len(judged), "same": sum(judged)}
    print(f"beside the run's own: {json.dumps(agrees)}", flush=True)
    options.output.write_text(json.dumps({
        "program": f"torch {torch.__version__}, transformers {transformers.__version__}, TRL {trl.__version__}",
        "tuned": options.tuned, "shared": options.shared, "threads": torch.get_num_threads(), "seconds": clock.seconds,
        "wall": time.perf_counter() - START, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "prompts": len(prompts), "layer": layer, "pairs": len(pairs), "steps": steps, "questions": len(asked), "accuracy": figures,
        "log": log, "agreement": agrees}, indent=1))


if __name__ == "__main__":
    main()
