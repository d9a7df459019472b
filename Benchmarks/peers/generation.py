"""Greedy generation of transformers on the models of the DPO step: three pictures per prompt, KV cache."""
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from dpo_step import SIZES, build

NEW_TOKENS = 65


class Generation:
    def __init__(self, size, batch):
        if size == "smollm2":
            self.language_model()
            return
        s = SIZES[size]
        self.model = build(s).eval()
        g = torch.Generator().manual_seed(5)
        image_token, patches = s["vocab"] - 64, (s["image"] // 14) ** 2
        text = lambda n: torch.randint(3, image_token, (n,), generator=g).tolist()
        rows = []
        for _ in range(batch):
            ids = [1]
            for _ in range(3):
                ids += text(4) + [image_token] * patches + text(1)
            rows.append(ids + text(24))
        self.ids = torch.tensor(rows)
        self.inputs = dict(input_ids=self.ids, attention_mask=torch.ones_like(self.ids), pixel_values=torch.randn(
            3 * batch, 3, s["image"], s["image"], generator=g))

    def language_model(self):
        """The shape of SmolLM2-135M with random weights: what they are does not change the time."""
        self.model = LlamaForCausalLM(LlamaConfig(
            vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
            num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0, tie_word_embeddings=True,
            bos_token_id=1, eos_token_id=2, pad_token_id=2)).eval()
        self.ids = torch.randint(3, 49000, (1, 40), generator=torch.Generator().manual_seed(5))
        self.inputs = dict(input_ids=self.ids, attention_mask=torch.ones_like(self.ids))

    @torch.no_grad()
    def generate(self, count):
        self.model.generate(
            **self.inputs, do_sample=False, max_new_tokens=count, min_new_tokens=count, use_cache=True,
            pad_token_id=0)

    @torch.no_grad()
    def prefill(self):
        """One forward pass over the prompts without the bookkeeping of generate()."""
        out = self.model(**self.inputs, use_cache=True, logits_to_keep=1)
        out.logits[:, -1].argmax(-1)

    def race(self, repetitions):
        """Decoding is what generate() takes beyond its first token; prefill is the bare forward pass."""
        first = whole = prefill = 0
        for _ in range(repetitions):
            first += self.time(lambda: self.generate(1))
            whole += self.time(lambda: self.generate(NEW_TOKENS))
            prefill += self.time(self.prefill)
        decoded = self.ids.shape[0] * (NEW_TOKENS - 1) * repetitions
        return {"seconds": whole / repetitions, "first_token_seconds": first / repetitions,
                "decode_tokens_per_second": decoded / (whole - first),
                "prefill_tokens_per_second": self.ids.numel() * repetitions / prefill}

    @staticmethod
    def time(body):
        start = time.perf_counter()
        body()
        return time.perf_counter() - start
