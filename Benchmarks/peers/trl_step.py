"""Steps of TRL's own DPOTrainer on the model of dpo_step, four pairs with 1, 2, 3 and 5 pictures a step: the trainer runs in a
thread of its own and waits for its turn before every step. Collating the batch is not timed."""
import copy
import tempfile
import threading
import time

import numpy
import torch
from datasets import Dataset, Features, Image, List, Value
from peft import LoraConfig
from PIL import Image as Picture
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlavaImageProcessorPil, LlavaProcessor, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer

import dpo_step


def processor(s):
    """Words w3, w4, … as tokens, so that the trainer's own collator makes the batch."""
    image_token = s["vocab"] - 64
    words = {"<pad>": 0, "<s>": 1, "</s>": 2} | {f"w{i}": i for i in range(3, s["vocab"])}
    words["<image>"] = words.pop(f"w{image_token}")
    tokens = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    tokens.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<pad>",
        additional_special_tokens=["<image>"])
    pictures = LlavaImageProcessorPil(size={"shortest_edge": s["image"]}, crop_size={"height": s["image"], "width": s["image"]})
    return LlavaProcessor(image_processor=pictures, tokenizer=tokenizer, patch_size=14,
                          vision_feature_select_strategy="default", num_additional_image_tokens=1)


def pairs(s):
    g, numbers = torch.Generator().manual_seed(3), numpy.random.default_rng(3)
    words = lambda n: " ".join(f"w{int(i)}" for i in torch.randint(3, s["vocab"] - 64, (n,), generator=g))
    picture = lambda: Picture.fromarray(numbers.integers(0, 256, (s["image"], s["image"], 3), dtype=numpy.uint8))
    rows = {"prompt": [], "chosen": [], "rejected": [], "images": []}
    for count, chosen, rejected in zip(dpo_step.IMAGES, *dpo_step.ANSWERS):
        rows["prompt"].append("<s> " + " ".join(f"{words(4)} <image> {words(1)}" for _ in range(count)) + " " + words(24))
        rows["chosen"].append(words(chosen - 1) + " </s>")
        rows["rejected"].append(words(rejected - 1) + " </s>")
        rows["images"].append([picture() for _ in range(count)])
    text = Value("string")
    return Dataset.from_dict(rows, features=Features(prompt=text, chosen=text, rejected=text, images=List(Image())))


class Turns(TrainerCallback):
    def __init__(self):
        self.asked, self.done = threading.Semaphore(0), threading.Semaphore(0)
        self.loss = None

    def on_step_begin(self, *_, **__):
        self.asked.acquire()
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.seconds = time.perf_counter() - self.start

    def on_log(self, *_, logs=None, **__):
        if logs and "loss" in logs:
            self.loss = float(logs["loss"])
            self.done.release()


class Step:
    """As the trainer's defaults have it (bfloat16, gradient checkpointing), or in Float32 without checkpointing."""

    def __init__(self, size, lora=False, defaults=False):
        s = dpo_step.SIZES[size]
        policy = dpo_step.build(s)
        adapters = LoraConfig(
            r=128, lora_alpha=256, lora_dropout=0.0, bias="none",
            target_modules=r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)") if lora else None
        precision = {} if defaults else dict(bf16=False, gradient_checkpointing=False)
        self.turns = Turns()
        trainer = DPOTrainer(
            model=policy, ref_model=None if lora else copy.deepcopy(policy), train_dataset=pairs(s),
            processing_class=processor(s), callbacks=[self.turns], peft_config=adapters,
            args=DPOConfig(
                output_dir=tempfile.mkdtemp(), per_device_train_batch_size=4, max_steps=100_000, report_to="none",
                save_strategy="no", logging_steps=1, disable_tqdm=True, use_cpu=True, max_length=None,
                dataloader_pin_memory=False, lr_scheduler_type="constant", learning_rate=1e-6, **precision))
        trainer.remove_callback(PrinterCallback)  # standard output is the worker's
        self.failure = None

        def train():
            try:
                trainer.train()
            except BaseException as error:  # the turn that waits has to end
                self.failure = error
                self.turns.done.release()
        threading.Thread(target=train, daemon=True).start()

    def run(self):
        self.turns.asked.release()
        self.turns.done.acquire()
        if self.failure:
            raise self.failure
        return self.turns.loss, self.turns.seconds
