"""Own preference pairs with LoRA by TRL's DPOTrainer and peft: seconds from the start to every step, as JSON on standard output.

  dpo_pairs.py --make FOLDER --pairs 64          writes pictures and pairs.jsonl (TRL's format) with the standard library alone
  dpo_pairs.py MODEL FOLDER --steps 8            trains; --defaults leaves bfloat16 and gradient checkpointing as DPOConfig has them
"""
import argparse
import json
import os
import random
import struct
import time
import zlib
from pathlib import Path

START = time.time()
COLORS = ["red", "green", "blue", "yellow", "purple", "orange"]
SHAPES = ["circle", "square", "triangle", "star", "cross"]


def png(side, numbers):
    """A picture of noise."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + numbers.randbytes(side * 3) for _ in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make(folder, count, side=64):
    """Pairs about one to four pictures of noise: what is learned does not matter here, tokens and pictures do."""
    numbers = random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index in range(count):
        images = [f"{index}-{i}.png" for i in range(1 + index % 4)]
        for name in images:
            (folder / name).write_bytes(png(side, numbers))
        target = numbers.randrange(len(images)) + 1
        chosen, rejected = numbers.sample([f"{c} {s}" for c in COLORS for s in SHAPES], 2)
        parts = []
        for i in range(len(images)):
            parts += [{"type": "text", "text": f"Image{i + 1}: "}, {"type": "image"}, {"type": "text", "text": "\n"}]
        parts.append({"type": "text", "text": f"In Image{target}, what can be seen? Answer in one sentence."})
        answer = lambda what: [{"role": "assistant", "content": [
            {"type": "text", "text": f"There is a {what} in the middle of picture {target}, in front of an even background."}]}]
        lines.append(json.dumps({"images": images, "prompt": [{"role": "user", "content": parts}],
                                 "chosen": answer(chosen), "rejected": answer(rejected)}))
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n")


def train(options):
    import torch
    torch.set_num_threads(options.threads)
    from datasets import Dataset
    from peft import LoraConfig
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    rows = [json.loads(line) for line in (options.folder / "pairs.jsonl").read_text().splitlines()]
    for row in rows:
        row["images"] = [Image.open(options.folder / name).convert("RGB") for name in row["images"]]
    processor = AutoProcessor.from_pretrained(options.model)
    model = AutoModelForImageTextToText.from_pretrained(options.model, dtype="auto" if options.defaults else torch.float32)
    times = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_, **__):
            times.append(time.time() - START)

        def on_step_end(self, *_, **__):
            times.append(time.time() - START)

    settings = {} if options.defaults else {"bf16": False, "gradient_checkpointing": False}
    trainer = DPOTrainer(
        model=model, processing_class=processor, train_dataset=Dataset.from_list(rows),
        args=DPOConfig(
            output_dir=options.output, use_cpu=True, max_steps=options.steps, report_to="none", save_strategy="no",
            per_device_train_batch_size=options.batch, gradient_accumulation_steps=options.accumulation,
            learning_rate=2e-4, lr_scheduler_type="linear", warmup_steps=1, max_length=None, logging_steps=1,
            disable_tqdm=True, seed=1, **settings),
        peft_config=LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.0, task_type="CAUSAL_LM",
            target_modules=r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"),
        callbacks=[Clock()])
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"times": times, "losses": losses, "peak_mib": peak, "torch": torch.__version__,
                      "trainable": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--make", type=Path)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--accumulation", type=int, default=2)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--defaults", action="store_true")
    parser.add_argument("--output", default="trl", help="folder that the trainer may write to")
    options = parser.parse_args()
    if options.make:
        make(options.make, options.pairs)
    else:
        train(options)


if __name__ == "__main__":
    main()
