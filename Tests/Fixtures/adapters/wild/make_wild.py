"""Makes the adapters of this folder with PEFT, on ../../verification/llava_tiny, and likelihoods.json with what transformers and PEFT compute.

Those in UNTIED are on that model with a head of its own: half of the embedding. `older` and `llava` are the files of `all_names` and
`layers_alone` under the names of other programs: PEFT under transformers 4.50, and LLaVA's own training.

    python make_wild.py        # torch 2.15, transformers 5.24, peft 0.21, Pillow, NumPy, safetensors
"""
import json, os, shutil, sys
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlavaForConditionalGeneration

sys.path.insert(0, "../../processors")
sys.argv = ["", "../../verification/llava_tiny"]
import make_answers as m

DECODER = r".*language_model.*\.(q_proj|v_proj)"
EVERYWHERE = ["q_proj", "v_proj", "fc1", "linear_1", "linear_2"]
UNTIED = {"saved_head", "dora_head", "embedding"}
ADAPTERS = {
    "all_names": dict(target_modules=EVERYWHERE, r=2, lora_alpha=4),
    "all_linear": dict(target_modules="all-linear", r=1, lora_alpha=2),
    "regex": dict(target_modules=r"model\.(language_model\.layers\.1\..*\.[ov]_proj|multi_modal_projector\.linear_2)", r=2, lora_alpha=4),
    "saved": dict(target_modules=DECODER, r=2, lora_alpha=4, modules_to_save=["multi_modal_projector"]),
    "saved_head": dict(target_modules=DECODER, r=2, lora_alpha=4, modules_to_save=["lm_head", "linear_2"]),
    "dora": dict(target_modules=DECODER, r=2, lora_alpha=4, use_dora=True),
    "dora_all": dict(target_modules=EVERYWHERE, r=2, lora_alpha=4, use_dora=True, use_rslora=True, rank_pattern={"v_proj": 3}),
    "dora_head": dict(target_modules=["lm_head", "down_proj"], r=2, lora_alpha=4, use_dora=True),
    "bias_all": dict(target_modules=EVERYWHERE, r=2, lora_alpha=4, bias="all"),
    "bias_lora_only": dict(target_modules=EVERYWHERE, r=2, lora_alpha=4, bias="lora_only"),
    "embedding": dict(target_modules=["embed_tokens", "v_proj"], r=2, lora_alpha=4, rank_pattern={"embed_tokens": 3}),
    "orthogonal": dict(target_modules=DECODER, r=2, lora_alpha=4, init_lora_weights="orthogonal"),
}


def base(name):
    model = LlavaForConditionalGeneration.from_pretrained(m.base, dtype=torch.float32, attn_implementation="eager")
    if name in UNTIED:
        model.config.tie_word_embeddings = model.config.text_config.tie_word_embeddings = False
        model.lm_head.weight = torch.nn.Parameter(model.get_input_embeddings().weight.detach() * 0.5)
    return model


def half(value):
    value.data = value.data.bfloat16().float()


def randomise(model, name):
    for key, value in model.named_parameters():
        if "lora_B" in key or "lora_embedding_A" in key:
            torch.nn.init.normal_(value, std=0.2)
        elif "lora_magnitude" in key or ("modules_to_save" in key or (key.endswith("bias") and value.requires_grad)):
            value.data += torch.randn_like(value) * 0.1
        if "modules_to_save" in key:
            half(value)


def keep(model, name):
    shutil.rmtree(name, ignore_errors=True)
    model.save_pretrained(name)
    os.remove(os.path.join(name, "README.md"))
    # What was rounded above takes half the room.
    path = os.path.join(name, "adapter_model.safetensors")
    tensors = {k: v if any(part in k for part in (".lora_", ".base_layer.", ".bias")) else v.bfloat16() for k, v in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})
    path = os.path.join(name, "adapter_config.json")
    keys = json.load(open(path)) | {"base_model_name_or_path": "llava_tiny"}
    json.dump(keys, open(path, "w"), indent=1, sort_keys=True)


def rename(source, target, new_name):
    shutil.rmtree(target, ignore_errors=True)
    os.mkdir(target)
    shutil.copy(os.path.join(source, "adapter_config.json"), target)
    return {new_name(k): v for k, v in load_file(os.path.join(source, "adapter_model.safetensors")).items()}


found = {}
for name, settings in ADAPTERS.items():
    torch.manual_seed(len(name))
    model = base(name)
    if name == "dora_head":
        half(model.lm_head.weight)
    model = get_peft_model(model, LoraConfig(**settings)).eval()
    randomise(model, name)
    found[name] = m.answer(model, m.crop)
    keep(model, name)
    if name == "dora":
        # Gradients of the answer's log p: the lengths of rows are constants in them.
        kept, no_grad = [], torch.no_grad
        torch.no_grad, m.float = torch.enable_grad, lambda value: kept.append(value) or value.item()
        m.answer(model, m.crop)
        torch.no_grad = no_grad
        del m.float
        kept[0].backward()
        gradients = {k.replace(".default", ""): v.grad for k, v in model.named_parameters() if v.grad is not None}
        save_file({k.removesuffix(".weight") if "magnitude" in k else k: v for k, v in gradients.items()}, "dora_gradients.safetensors")

# A decoder wrapped for itself, and with its head.
torch.manual_seed(3)
model = base("layers_alone")
wrapped = get_peft_model(model.model.language_model, LoraConfig(target_modules=["q_proj", "o_proj"], r=2, lora_alpha=4))
randomise(wrapped, "layers_alone")
found["layers_alone"] = m.answer(model.eval(), m.crop)
keep(wrapped, "layers_alone")

older = rename("all_names", "older", lambda k: k.replace("model.model.language_model.", "model.language_model.model.").replace(
    "model.model.vision_tower.", "model.vision_tower.vision_model.").replace("model.model.multi_modal", "model.multi_modal"))
save_file(older, "older/adapter_model.safetensors", metadata={"format": "pt"})
found["older"] = found["all_names"]

llava = rename("layers_alone", "llava", lambda k: k.replace("base_model.model.", "base_model.model.model."))
torch.save(llava, "llava/adapter_model.bin")
json.dump({  # PEFT 0.4, as LLaVA requires it
    "auto_mapping": None, "base_model_name_or_path": "lmsys/vicuna-7b-v1.5", "bias": "none", "fan_in_fan_out": False,
    "inference_mode": True, "init_lora_weights": True, "layers_pattern": None, "layers_to_transform": None, "lora_alpha": 4,
    "lora_dropout": 0.05, "modules_to_save": None, "peft_type": "LORA", "r": 2, "revision": None,
    "target_modules": ["q_proj", "o_proj"], "task_type": "CAUSAL_LM"}, open("llava/adapter_config.json", "w"), indent=1)
projector = model.model.multi_modal_projector
for value in projector.parameters():
    value.data = (value.data + torch.randn_like(value) * 0.1).half().float()
found["llava"] = m.answer(model, m.crop)
numbers = {"linear_1": 0, "linear_2": 2}
torch.save({f"base_model.model.model.mm_projector.{numbers[k.split('.')[0]]}.{k.split('.')[1]}": v.detach().half()
            for k, v in projector.named_parameters()}, "llava/non_lora_trainables.bin")
json.dump(found, open("likelihoods.json", "w"), indent=1)
print(found)
