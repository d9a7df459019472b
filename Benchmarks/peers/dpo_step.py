"""One DPO step of a small LLaVA in transformers, as TRL lays it out: right-padded rows, chosen then rejected, every
image once for each of them, logits of all positions, fused AdamW on every weight or on peft's adapters of the decoder."""
import contextlib
import copy
import time

import torch
import torch.nn.functional as F
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

SIZES = {
    "tiny": dict(image=56, vision=128, vision_layers=4, width=256, layers=6, heads=4, inner=688, vocab=2048),
    "small": dict(image=112, vision=256, vision_layers=6, width=512, layers=8, heads=8, inner=1376, vocab=4096),
}
IMAGES = (1, 2, 3, 5)
ANSWERS = ((61, 58, 58, 38), (34, 61, 35, 35))


def build(s):
    vision = CLIPVisionConfig(
        hidden_size=s["vision"], intermediate_size=4 * s["vision"], num_hidden_layers=s["vision_layers"],
        num_attention_heads=4, image_size=s["image"], patch_size=14, projection_dim=s["vision"])
    text = LlamaConfig(
        vocab_size=s["vocab"], hidden_size=s["width"], intermediate_size=s["inner"], num_hidden_layers=s["layers"],
        num_attention_heads=s["heads"], num_key_value_heads=s["heads"], max_position_embeddings=4096,
        bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False)
    torch.manual_seed(0)
    return LlavaForConditionalGeneration(LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=s["vocab"] - 64,
        image_seq_length=(s["image"] // 14) ** 2, vision_feature_layer=-2, projector_hidden_act="gelu"))


def batch(s):
    g = torch.Generator().manual_seed(1)
    image_token, patches = s["vocab"] - 64, (s["image"] // 14) ** 2
    text = lambda n: torch.randint(3, image_token, (n,), generator=g).tolist()
    prompts = []
    for count in IMAGES:
        ids = [1]
        for _ in range(count):
            ids += text(4) + [image_token] * patches + text(1)
        prompts.append(ids + text(24))
    rows = [(p, text(n - 1) + [2]) for lengths in ANSWERS for p, n in zip(prompts, lengths)]
    longest = max(len(p) + len(a) for p, a in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    attention, completion = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, (p, a) in enumerate(rows):
        ids[i, : len(p) + len(a)] = torch.tensor(p + a)
        attention[i, : len(p) + len(a)] = 1
        completion[i, len(p) : len(p) + len(a)] = 1
    pixels = torch.randn(sum(IMAGES), 3, s["image"], s["image"], generator=g)
    return dict(input_ids=ids, attention_mask=attention, completion=completion, pixel_values=torch.cat([pixels] * 2))


class Step:
    def __init__(self, size, lora=False, bf16=False, compiled=False):
        self.policy = build(SIZES[size])
        if lora:
            from peft import LoraConfig, get_peft_model
            self.policy = get_peft_model(self.policy, LoraConfig(
                r=128, lora_alpha=256, lora_dropout=0.0, bias="none",
                target_modules=r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"))
            self.reference = self.policy
        else:
            self.reference = copy.deepcopy(self.policy).eval().requires_grad_(False)
        self.without_adapters = self.policy.disable_adapter if lora else contextlib.nullcontext
        self.policy.train()
        self.batch, self.bf16 = batch(SIZES[size]), bf16
        self.trained = [p for p in self.policy.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.trained, lr=1e-6, weight_decay=0.0, fused=True)
        self.of_policy, self.of_reference = (lambda: self.answers(self.policy)), (lambda: self.answers(self.reference))
        if compiled:
            self.of_policy = torch.compile(self.of_policy, dynamic=False)
            self.of_reference = torch.compile(self.of_reference, dynamic=False)
        self.phases = {}

    def answers(self, model):
        b = self.batch
        with torch.autocast("cpu", torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            logits = model(input_ids=b["input_ids"], attention_mask=b["attention_mask"],
                           pixel_values=b["pixel_values"], use_cache=False).logits
        logits, targets = logits[:, :-1].float(), b["input_ids"][:, 1:]
        tokens = torch.gather(logits, 2, targets.unsqueeze(-1)).squeeze(-1) - torch.logsumexp(logits, -1)
        return (tokens * b["completion"][:, 1:]).sum(1)

    def run(self):
        t0 = time.perf_counter()
        policy = self.of_policy()
        t1 = time.perf_counter()
        with torch.no_grad(), self.without_adapters():
            reference = self.of_reference()
        t2 = time.perf_counter()
        chosen, rejected = (policy - reference).chunk(2)
        loss = -F.logsigmoid(0.1 * (chosen - rejected)).mean()
        loss.backward()
        t3 = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        t4 = time.perf_counter()
        self.phases = dict(policy_forward=t1 - t0, reference_forward=t2 - t1, backward=t3 - t2, clip_and_adamw=t4 - t3)
        return float(loss.detach())
