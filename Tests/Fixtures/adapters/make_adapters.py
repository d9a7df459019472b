"""Makes the adapters of this folder with PEFT, on ../verification/llava_tiny, and likelihoods.json with what transformers and PEFT compute.

    python make_adapters.py        # torch, transformers 5.23, peft 0.21, Pillow, NumPy
"""
import json, os, shutil, sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlavaForConditionalGeneration

sys.path.insert(0, "../processors")
sys.argv = ["", "../verification/llava_tiny"]
import make_answers as m

DECODER = r".*language_model.*\.(q_proj|v_proj)"
ADAPTERS = {
    "attention": dict(target_modules=DECODER, r=2, lora_alpha=4),
    "list": dict(target_modules=["q_proj", "v_proj"], r=2, lora_alpha=4),
    "rslora": dict(target_modules=DECODER, r=4, lora_alpha=4, use_rslora=True),
    "patterns": dict(
        target_modules=r".*language_model.*\.(q_proj|v_proj|down_proj)", r=2, lora_alpha=4,
        rank_pattern={"v_proj": 3, r"layers\.1\.mlp\.down_proj": 1}, alpha_pattern={"v_proj": 5}),
    "layers": dict(target_modules=["down_proj", "o_proj"], layers_to_transform=[1], r=2, lora_alpha=3),
    "pissa": dict(target_modules=DECODER, r=2, lora_alpha=4, init_lora_weights="pissa"),
}
found = {}
for name, settings in ADAPTERS.items():
    torch.manual_seed(len(name))
    model = LlavaForConditionalGeneration.from_pretrained(m.base, dtype=torch.float32, attn_implementation="eager")
    model = get_peft_model(model, LoraConfig(**settings)).eval()
    for key, value in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(value, std=0.2)
    found[name] = m.answer(model, m.crop)
    shutil.rmtree(name, ignore_errors=True)
    model.save_pretrained(name)
    os.remove(os.path.join(name, "README.md"))
json.dump(found, open("likelihoods.json", "w"), indent=1)
print(found)
