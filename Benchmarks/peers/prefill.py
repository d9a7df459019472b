"""Reading a prompt with one picture in tiles: transformers' SmolVLM in the shape of SmolVLM-256M, random weights."""
import time

import torch
from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

SIDE, FEATURES, IMAGE = 512, 64, 49190


class Prefill:
    def __init__(self, tiles):
        config = SmolVLMConfig(
            text_config=dict(
                model_type="llama", vocab_size=49280, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
                num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0,
                tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=2),
            vision_config=dict(
                hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, image_size=SIDE,
                patch_size=16),
            scale_factor=4, image_token_id=IMAGE, tie_word_embeddings=True, pad_token_id=2)
        torch.manual_seed(0)
        self.model = SmolVLMForConditionalGeneration(config).eval()
        views = tiles * tiles + 1
        runs = ([100, 101] + [IMAGE] * FEATURES) * views
        self.ids = torch.tensor([[1] + runs + [100, 101] + list(range(200, 224))])
        self.inputs = dict(
            input_ids=self.ids, attention_mask=torch.ones_like(self.ids),
            pixel_values=torch.randn(1, views, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5)))

    @torch.no_grad()
    def race(self, repetitions):
        """From views to the first token: one forward pass without the bookkeeping of generate()."""
        start = time.perf_counter()
        for _ in range(repetitions):
            out = self.model(**self.inputs, use_cache=True, logits_to_keep=1)
            out.logits[:, -1].argmax(-1)
        whole = time.perf_counter() - start
        return {"seconds": whole / repetitions, "tokens": self.ids.numel(),
                "prefill_tokens_per_second": self.ids.numel() * repetitions / whole}
