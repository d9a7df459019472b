"""Writes rotary.json, what RotaryReferenceTests expects: angles, likelihoods and answers by transformers.

    python make_rotary.py ../verification/llava_tiny        # torch 2.13, transformers 5.23
"""
import json, os, shutil, sys, tempfile
import torch
from transformers import LlamaConfig, LlavaForConditionalGeneration
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

base = sys.argv[1]
llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
yarn = {"rope_type": "yarn", "factor": 4.0}


def original(tokens):
    return {"original_max_position_embeddings": tokens}


# name: (head_dim, max_position_embeddings, rope_theta, rope_parameters)
angles = {
    "plain": (16, 512, 10000.0, {"rope_type": "default"}),
    "linear": (16, 512, 10000.0, {"rope_type": "linear", "factor": 3.0}),
    "dynamic": (16, 512, 10000.0, {"rope_type": "dynamic", "factor": 2.0}),
    "llama-3.1": (128, 131072, 500000.0, llama3 | original(8192)),
    "llama-3.2": (64, 131072, 500000.0, llama3 | original(8192) | {"factor": 32.0}),
    "llama3, other bounds": (32, 4096, 10000.0,
        llama3 | original(100) | {"low_freq_factor": 0.5, "high_freq_factor": 9.0}),
    "llama3, old type": (32, 4096, 10000.0, {"type": "llama3"} | {k: llama3[k] for k in llama3 if k != "rope_type"}),
    "llama3, no original": (32, 256, 10000.0, llama3),
    "llama3, all slow": (8, 256, 1e9, llama3 | original(4)),
    "yarn": (128, 131072, 1000000.0, yarn | original(32768)),
    "yarn-llama-2": (128, 65536, 10000.0, yarn | original(4096) | {"factor": 16.0, "finetuned": True}),
    "yarn, old type": (16, 128, 10000.0, {"type": "yarn", "factor": 8.0} | original(16)),
    "yarn, no original": (64, 2048, 10000.0, yarn),
    "yarn, no factor": (64, 2048, 10000.0, {"rope_type": "yarn", "factor": None} | original(256)),
    "yarn, attention factor": (64, 2048, 10000.0, yarn | original(512) | {"attention_factor": 0.7}),
    "yarn, mscale": (64, 2048, 10000.0, yarn | original(512) | {"mscale": 0.707, "mscale_all_dim": 1.0}),
    "yarn, equal mscale": (64, 2048, 10000.0, yarn | original(512) | {"mscale": 1.0, "mscale_all_dim": 1.0}),
    "yarn, half of mscale": (64, 2048, 10000.0, yarn | original(512) | {"mscale": 0.707}),
    "yarn, mscale of 0": (64, 2048, 10000.0, yarn | original(512) | {"mscale": 0.0, "mscale_all_dim": 1.0}),
    "yarn, betas": (64, 2048, 10000.0, yarn | original(512) | {"beta_fast": 24.0, "beta_slow": 3}),
    "yarn, betas of 0": (64, 2048, 10000.0, yarn | original(512) | {"beta_fast": 0, "beta_slow": 0}),
    "yarn, not truncated": (64, 2048, 10000.0, yarn | original(512) | {"truncate": False}),
    "yarn, truncated": (64, 2048, 10000.0, yarn | original(512) | {"truncate": True}),
    "yarn, one bound": (
        64, 2048, 10000.0, yarn | original(512) | {"beta_fast": 2, "beta_slow": 2, "truncate": False}),
    "yarn, short context": (16, 64, 10000.0, yarn | original(5)),
    "yarn, long context": (8, 65536, 10.0, yarn | original(16384)),
    "yarn, factor of 1": (16, 64, 10000.0, yarn | original(64) | {"factor": 1.0}),
    "yarn, factor below 1": (16, 64, 10000.0, yarn | original(64) | {"factor": 0.5}),
}

models = {
    "plain": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
    "llama3": llama3 | original(16),
    "yarn": yarn | original(32),
    "yarn, every key": yarn | original(16) | {
        "mscale": 0.9, "mscale_all_dim": 0.4, "beta_fast": 4.0, "beta_slow": 0.5, "truncate": False},
    "yarn, attention factor": yarn | original(24) | {"attention_factor": 1.3},
}


def turned(head, context, theta, keys):
    config = LlamaConfig(
        hidden_size=2 * head, num_attention_heads=2, head_dim=head, max_position_embeddings=context,
        rope_parameters=dict(keys) | {"rope_theta": theta})
    rotary = LlamaRotaryEmbedding(config)
    return {
        "head_dim": head, "max_position_embeddings": context, "rope_theta": theta, "keys": keys,
        "frequencies": [float(f"{x:.8g}") for x in rotary.inv_freq.tolist()],
        "magnitude": rotary.attention_scaling,
    }


def changed(keys):
    """The model with other keys in its text_config."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "model")
        shutil.copytree(base, copy)
        path = os.path.join(copy, "config.json")
        os.chmod(path, 0o644)
        config = json.load(open(path))
        config["text_config"]["rope_parameters"] = keys | {"rope_theta": 500.0}
        json.dump(config, open(path, "w"))
        return LlavaForConditionalGeneration.from_pretrained(
            copy, dtype=torch.float32, attn_implementation="eager").eval()


def read(keys):
    """log p of every next one of 120 tokens, and what follows the first 60."""
    model = changed(keys)
    ids = torch.tensor([[(i * i * 7 + i * 37 + 11) % 300 + 4 for i in range(120)]])
    with torch.no_grad():
        logp = torch.log_softmax(model(input_ids=ids).logits[0].double(), -1)
        answer = model.generate(ids[:, :60], do_sample=False, max_new_tokens=60, attention_mask=torch.ones(1, 60))
    return {
        "keys": keys, "likelihoods": [round(float(logp[i, ids[0, i + 1]]), 5) for i in range(119)],
        "answer": answer[0, 60:].tolist(),
    }


with open("rotary.json", "w") as file:
    json.dump(
        {"angles": {k: turned(*v) for k, v in angles.items()},
         "models": {k: read(v) for k, v in models.items()}},
        file, separators=(",", ":"))
