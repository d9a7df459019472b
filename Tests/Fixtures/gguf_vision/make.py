"""Writes the GGUF files of this folder with the `gguf` package (0.19): the tiny LLaVA of ../verification/llava_tiny and the tiny
SmolVLM of ../smolvlm as llama.cpp's converters name and order them (convert_hf_to_gguf.py; for LLaVA's tower
tools/mtmd/legacy-models/convert_image_encoder_to_gguf.py, with its exchanged names of ffn_up and ffn_down), and a vocabulary with
symbols of its own with the ids that SentencePiece (0.2) gives to texts. Needs gguf, numpy, safetensors and sentencepiece."""

import json
import pathlib

import gguf
import numpy as np
import sentencepiece
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import load_file

here = pathlib.Path(__file__).parent
BLOCKS, NONE = 32, None


def add(writer, name, data, kind):
    """A tensor: matrices in `kind` where rows are whole blocks, else in F16; everything else in F32."""
    data = np.ascontiguousarray(data, dtype=np.float32)
    if data.ndim < 2 or kind == Type.F32 or "_embd" in name and name.startswith("v."):
        return writer.add_tensor(name, data)
    if kind == Type.F16 or data.ndim != 2 or data.shape[1] % BLOCKS:
        return writer.add_tensor(name, data.astype(np.float16))
    writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def permuted(weight, heads):
    """Rows for rotary pairs of neighbours, as llama.cpp stores queries and keys."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def decoder(writer, config, tensors, prefix, head, kind):
    text = config["text_config"]
    writer.add_context_length(text["max_position_embeddings"])
    writer.add_embedding_length(text["hidden_size"])
    writer.add_block_count(text["num_hidden_layers"])
    writer.add_feed_forward_length(text["intermediate_size"])
    writer.add_head_count(text["num_attention_heads"])
    writer.add_head_count_kv(text["num_key_value_heads"])
    writer.add_rope_freq_base(text["rope_parameters"]["rope_theta"])
    writer.add_layer_norm_rms_eps(text["rms_norm_eps"])
    writer.add_vocab_size(text["vocab_size"])
    writer.add_rope_dimension_count(text["head_dim"])
    add(writer, "token_embd.weight", tensors[prefix + "embed_tokens.weight"], kind)
    add(writer, "output_norm.weight", tensors[prefix + "norm.weight"], kind)
    if head in tensors:
        add(writer, "output.weight", tensors[head], kind)
    names = {
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }
    heads = {"attn_q": text["num_attention_heads"], "attn_k": text["num_key_value_heads"]}
    for layer in range(text["num_hidden_layers"]):
        for theirs, ours in names.items():
            weight = tensors[f"{prefix}layers.{layer}.{theirs}.weight"]
            if ours in heads:
                weight = permuted(weight, heads[ours])
            add(writer, f"blk.{layer}.{ours}.weight", weight, kind)


def pieces(writer, model, extra=(), size=NONE):
    """A SentencePiece vocabulary, tokens added behind it, and rows without a token."""
    tokens, scores, types = [], [], []
    for id in range(model.get_piece_size()):
        tokens.append(model.id_to_piece(id))
        scores.append(model.get_score(id))
        kind = gguf.TokenType.NORMAL
        if model.is_unknown(id):
            kind = gguf.TokenType.UNKNOWN
        elif model.is_control(id):
            kind = gguf.TokenType.CONTROL
        elif model.is_unused(id):
            kind = gguf.TokenType.UNUSED
        elif model.is_byte(id):
            kind = gguf.TokenType.BYTE
        elif model.id_to_piece(id) in symbols:
            kind = gguf.TokenType.USER_DEFINED
        types.append(kind)
    for token in extra:
        tokens.append(token)
        scores.append(-1000.0)
        types.append(gguf.TokenType.CONTROL)
    for id in range(len(tokens), size or 0):
        tokens.append(f"[PAD{id}]")
        scores.append(-10000.0)
        types.append(gguf.TokenType.UNUSED)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(model.bos_id())
    writer.add_eos_token_id(model.eos_id())
    writer.add_unk_token_id(model.unk_id())
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def tower(writer, config, tensors, prefix, blocks, names, kind):
    vision = config["vision_config"]
    writer.add_clip_has_vision_encoder(True)
    writer.add_vision_image_size(vision["image_size"])
    writer.add_vision_patch_size(vision["patch_size"])
    writer.add_vision_embedding_length(vision["hidden_size"])
    writer.add_vision_feed_forward_length(vision["intermediate_size"])
    writer.add_vision_head_count(vision["num_attention_heads"])
    writer.add_vision_attention_layernorm_eps(vision["layer_norm_eps"])
    writer.add_vision_block_count(blocks)
    for layer in range(blocks):
        for theirs, ours in names.items():
            for part in ["weight", "bias"]:
                weight = tensors[f"{prefix}encoder.layers.{layer}.{theirs}.{part}"]
                add(writer, f"v.blk.{layer}.{ours}.{part}", weight, kind)
    for theirs, ours in [
        ("embeddings.class_embedding", "v.class_embd"), ("embeddings.patch_embedding.weight", "v.patch_embd.weight"),
        ("embeddings.patch_embedding.bias", "v.patch_embd.bias"),
        ("embeddings.position_embedding.weight", "v.position_embd.weight"), ("pre_layrnorm.weight", "v.pre_ln.weight"),
        ("pre_layrnorm.bias", "v.pre_ln.bias"),
    ]:
        if prefix + theirs in tensors:
            add(writer, ours, tensors[prefix + theirs], kind)


BLOCK = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.out_proj": "attn_out", "layer_norm1": "ln1", "layer_norm2": "ln2",
}


def llava(label, kind):
    source = here / "../verification/llava_tiny"
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(source / "model.safetensors")
    own = lambda middle: next(k for k in tensors if middle in k).split(middle)[0]
    text = own("embed_tokens.weight")
    model = sentencepiece.SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    (here / "llava").mkdir(exist_ok=True)

    writer = gguf.GGUFWriter(here / f"llava/model-{label}.gguf", "llama")
    writer.add_name("llava_tiny")
    pieces(writer, model, ["<image>", "<pad>"], config["text_config"]["vocab_size"])
    decoder(writer, config, tensors, text, "language_model.lm_head.weight", kind)
    finish(writer)

    writer = gguf.GGUFWriter(here / f"llava/mmproj-{label}.gguf", "clip")
    writer.add_bool("clip.has_text_encoder", False)
    writer.add_bool("clip.has_llava_projector", True)
    writer.add_description("image encoder for LLaVA")
    writer.add_clip_projector_type("mlp")
    # The block behind the feature layer is left out.
    blocks = config["vision_config"]["num_hidden_layers"] + 1 + config["vision_feature_layer"]
    names = BLOCK | {"mlp.fc1": "ffn_down", "mlp.fc2": "ffn_up"}
    tower(writer, config, tensors, own("embeddings.class_embedding"), blocks, names, kind)
    writer.add_vision_projection_dim(config["vision_config"]["projection_dim"])
    writer.add_vision_image_mean([0.48145466, 0.4578275, 0.40821073])
    writer.add_vision_image_std([0.26862954, 0.26130258, 0.27577711])
    writer.add_vision_use_gelu(False)
    projector = own("linear_1.weight")
    for theirs, ours in [("linear_1", "mm.0"), ("linear_2", "mm.2")]:
        for part in ["weight", "bias"]:
            add(writer, f"{ours}.{part}", tensors[f"{projector}{theirs}.{part}"], kind)
    finish(writer)


def smolvlm(label, kind, decoder_kind):
    source = here / "../smolvlm"
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(source / "model.safetensors")
    (here / "smolvlm").mkdir(exist_ok=True)
    if decoder_kind:
        vocabulary = json.loads((source / "tokenizer.json").read_text())
        ids = vocabulary["model"]["vocab"] | {token["content"]: token["id"] for token in vocabulary["added_tokens"]}
        special = {token["id"]: token["special"] for token in vocabulary["added_tokens"]}
        size = config["text_config"]["vocab_size"]
        tokens = [f"[PAD{id}]" for id in range(size)]
        types = [gguf.TokenType.UNUSED] * size
        for token, id in ids.items():
            tokens[id] = token
            types[id] = gguf.TokenType.NORMAL
            if id in special:
                types[id] = gguf.TokenType.CONTROL if special[id] else gguf.TokenType.USER_DEFINED
        merges = [m if isinstance(m, str) else " ".join(m) for m in vocabulary["model"]["merges"]]
        writer = gguf.GGUFWriter(here / "smolvlm/model-f16.gguf", "llama")
        writer.add_name("smolvlm_tiny")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(tokens)
        writer.add_token_types(types)
        writer.add_token_merges(merges)
        names = json.loads((source / "tokenizer_config.json").read_text())
        writer.add_bos_token_id(ids[names["bos_token"]])
        writer.add_eos_token_id(ids[names["eos_token"]])
        writer.add_pad_token_id(ids[names["pad_token"]])
        writer.add_unk_token_id(ids[names["unk_token"]])
        writer.add_add_bos_token(False)
        writer.add_chat_template(json.loads((source / "chat_template.json").read_text())["chat_template"])
        decoder(writer, config, tensors, "model.text_model.", "lm_head.weight", decoder_kind)
        finish(writer)

    writer = gguf.GGUFWriter(here / f"smolvlm/mmproj-{label}.gguf", "clip")
    writer.add_type("mmproj")
    settings = json.loads((source / "preprocessor_config.json").read_text())
    writer.add_vision_projection_dim(config["text_config"]["hidden_size"])
    names = BLOCK | {"mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down"}
    blocks = config["vision_config"]["num_hidden_layers"]
    tower(writer, config, tensors, "model.vision_model.", blocks, names, kind)
    for part in ["weight", "bias"]:
        add(writer, f"v.post_ln.{part}", tensors[f"model.vision_model.post_layernorm.{part}"], kind)
    writer.add_vision_image_mean(settings["image_mean"])
    writer.add_vision_image_std(settings["image_std"])
    writer.add_clip_projector_type(gguf.VisionProjectorType.IDEFICS3)
    writer.add_vision_projector_scale_factor(config["scale_factor"])
    writer.add_vision_use_gelu(True)
    writer.add_uint32("clip.vision.preproc_image_size", settings["size"]["longest_edge"])
    add(writer, "mm.model.fc.weight", tensors["model.connector.modality_projection.proj.weight"], kind)
    finish(writer)


symbols = ["<mark>", "new york", "42"]


def words():
    corpus = (here / "../verification/tokenizer_cases.json").read_text()
    texts = [case["text"] for case in json.loads(corpus)["cases"]]
    options = dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity", split_digits=True,
                   remove_extra_whitespaces=False, user_defined_symbols=symbols, vocab_size=420, hard_vocab_limit=False,
                   num_threads=1, minloglevel=2)
    path = here / "words.model"
    with open(path, "wb") as file:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=file, **options)
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    path.unlink()
    writer = gguf.GGUFWriter(here / "words.gguf", "llama")
    pieces(writer, model)
    finish(writer)
    texts += ["a <mark>b<mark>", "<mark>", " <mark> x", "new york is new", "142 42 4 2", "<s>hello</s>", "<unk>", "<0x41>",
              "\u2581x", "tab\there", "null\0byte", "\u00e9 e\u0301 \U0001F98A\u200d\U0001F525", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
              "\n\n  \n", "a" * 70]
    cases = [{"text": text, "ids": model.encode(text), "text_of_ids": model.decode(model.encode(text))} for text in texts]
    (here / "words.json").write_text(json.dumps({"cases": cases}, ensure_ascii=True, separators=(",", ":")) + "\n")


llava("f32", Type.F32)
llava("q8_0", Type.Q8_0)
smolvlm("f32", Type.F32, Type.F16)
smolvlm("q8_0", Type.Q8_0, NONE)
words()
