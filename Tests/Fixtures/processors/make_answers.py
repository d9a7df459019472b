"""Prints what AnswerReferenceTests expects: log p of the answer "red", its end included, by transformers and PEFT.

    python make_answers.py ../verification/llava_tiny        # torch, transformers 5.23, peft 0.21, Pillow
"""
import json, os, shutil, sys, tempfile
import numpy as np, torch
from PIL import Image
from transformers import AutoTokenizer, LlavaForConditionalGeneration
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from make_processors import picture

base = sys.argv[1]
tok = AutoTokenizer.from_pretrained(base)
prompt = "<image>\nWhich colour?"


def answer(model, image):
    text = "USER: " + prompt + " ASSISTANT:"
    ids = tok(text, add_special_tokens=False).input_ids
    ids = [1] + [i for t in ids for i in ([t] * 4 if t == 330 else [t])]
    reply = tok("red", add_special_tokens=False).input_ids + [2]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids + reply]), pixel_values=torch.tensor(image)[None]).logits[0].double()
    logp = torch.log_softmax(logits, -1)
    return float(sum(logp[len(ids) - 1 + i, t] for i, t in enumerate(reply)))


model = LlavaForConditionalGeneration.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval()
photo = Image.fromarray(picture(50, 20))
values = lambda **keys: CLIPImageProcessorPil(**keys)(photo, return_tensors="np")["pixel_values"][0]
crop = values(size={"shortest_edge": 12}, crop_size=12)
print("crop", answer(model, crop))
print("stretched", answer(model, values(size={"height": 12, "width": 12}, crop_size=12)))


def changed(keys):
    """The model with other keys in its text_config."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "model")
        shutil.copytree(base, copy)
        path = os.path.join(copy, "config.json")
        os.chmod(path, 0o644)
        config = json.load(open(path))
        for key in ("rope_parameters", "rope_scaling", "rope_theta"):
            config["text_config"].pop(key, None)
        config["text_config"].update(keys)
        json.dump(config, open(path, "w"))
        return LlavaForConditionalGeneration.from_pretrained(
            copy, dtype=torch.float32, attn_implementation="eager").eval()


linear = {"rope_type": "linear", "factor": 4.0}
print("linear, rope_parameters", answer(changed({"rope_parameters": linear | {"rope_theta": 500.0}}), crop))
print("linear, rope_scaling", answer(
    changed({"rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 500.0}), crop))
print("rope_theta", answer(changed({"rope_theta": 500.0}), crop))
