"""Writes pipelines.json: what the tokenizers library makes of texts with the steps a `tokenizer.json` can name.

    python make_pipelines.py        # tokenizers 0.23, sentencepiece (for a small map of characters)

The models are trained on a few lines that stand below; a case is a model with a normalizer, a pre-tokenizer, a post-processor,
a decoder and added tokens, and for every text its ids and the text that they decode to; `framed` is "a" with special tokens.
"""
import base64, json, os, random, sys, tempfile
import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import Tokenizer, models, trainers, normalizers, pre_tokenizers, decoders, AddedToken, Regex

CORPUS = """The quick brown fox jumps over the lazy dog. It's 12 o'clock, we'll see 345 cats!
the end of the fox and the dog; The END. don't can't I'm you're they've he'd
été naïve café Ünïcödé straße ŒUVRE résumé  double  spaces   triple
日本語のテキスト 中文字符 한국어 텍스트 русский текст Ελληνικά σίγμας ςΣ
def f(x):\n    return x + 1  # comment\n\n\nif x == 10: print("x")\n\tpass
مرحبا بالعالم שלום עולם नमस्ते दुनिया สวัสดี""".split("\n") * 3

TEXTS = [
    "", " ", "   ", "\n", "\n\n \n", "a", " a", "a ", "  a  b  ", "The quick brown fox", "The  quick\n\nbrown\r\n fox\t!",
    "It's we'LL I'M you'Re 'S x's", "12345 1 23 4567890123", "x=10;y+=2//3 **z**", "été e\u0301te\u0301 ﬁne Ⅷ ½ ²", "café\u0300\u0323",
    "日本語のテキスト。中文！", "한국어 텍스트", "مرحبا بالعالم", "नमस्ते", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🦊", "a\u0000b", "\u200bzero\u200dwidth\ufeff", "ſt ﬀ İ ß ẞ ΣΑΣ",
    "<s>hello</s>", "a <tag> b<tag>", "x<Tag>y TAG", "word words sword word", "  <mask>  b", "tab\tnbsp\u00a0end\u3000ideo", "'''\"\"\"...!?!?", "\u0085\u2028x\u2029",
    "A1b2C3 a_b-c d.e,f", "ＦＵＬＬ　ｗｉｄｔｈ １２３", "▁under▁score _x_", "<0x41> <0x0A>", "한\u1112\u1161\u11ab", "\U0001F1E9\U0001F1EA\U0001F1EB", "\U0010FFFF\uE000", "٣٤٥ ௧௨ ⅣⅤ ①②", "don't   stop . now , ok ?", "a" * 40, "\t\t\n  indent", "x \n", "x\n ", "\r\n\r\n",
]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K_POSSESSIVE = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def split(regex, behavior="Isolated", invert=False, key="Regex"):
    return {"type": "Split", "pattern": {key: regex}, "behavior": behavior, "invert": invert}


def seq(key, *steps):
    return {"type": "Sequence", key: list(steps)}


def pre(*steps):
    return seq("pretokenizers", *steps)


def trained(model, trainer, normalizer=None, pre_tokenizer=None):
    tok = Tokenizer(model)
    if normalizer: tok.normalizer = normalizer
    if pre_tokenizer: tok.pre_tokenizer = pre_tokenizer
    tok.train_from_iterator(CORPUS, trainer)
    return json.loads(tok.to_str())["model"]


def with_bytes(model):
    """Byte pieces behind <unk>, <s> and </s>, as LLaMA's vocabularies have them."""
    order = sorted(model["vocab"], key=model["vocab"].get)
    order = order[:3] + [f"<0x{i:02X}>" for i in range(256)] + order[3:]
    return model | {"vocab": {piece: i for i, piece in enumerate(order)}, "byte_fallback": True}


SPECIAL = ["<unk>", "<s>", "</s>"]
bpe = trained(models.BPE(unk_token="<unk>"), trainers.BpeTrainer(vocab_size=330, special_tokens=SPECIAL, show_progress=False))
spaced = trained(models.BPE(unk_token="<unk>"), trainers.BpeTrainer(vocab_size=330, special_tokens=SPECIAL, show_progress=False),
                 None, pre_tokenizers.Metaspace(split=False))
byte = trained(models.BPE(), trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIAL, show_progress=False,
               initial_alphabet=pre_tokenizers.ByteLevel.alphabet()), None, pre_tokenizers.ByteLevel(add_prefix_space=False))
unigram = trained(models.Unigram(), trainers.UnigramTrainer(vocab_size=240, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False),
                  None, pre_tokenizers.Metaspace())
piece = trained(models.WordPiece(unk_token="<unk>"), trainers.WordPieceTrainer(vocab_size=260, special_tokens=SPECIAL, show_progress=False),
                normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer())
level = trained(models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=120, special_tokens=SPECIAL, show_progress=False),
                None, pre_tokenizers.Whitespace())

with tempfile.TemporaryDirectory() as folder:
    rules = os.path.join(folder, "rules.tsv")
    pairs = [("ﬁ", "fi"), ("ﬀ", "ff"), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "), ("Ⅷ", "VIII"), ("é", "e"), ("e\u0301", "é"),
             ("Ａ", "A"), ("１", "1"), ("２", "2"), ("½", "1⁄2"), ("\u200b", " "), ("ß", "ss"), ("日本", "JP"), ("\ufeff", "")]
    with open(rules, "w") as file:
        for a, b in pairs:
            file.write(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n")
    with open(os.path.join(folder, "corpus.txt"), "w") as file:
        file.write("\n".join(CORPUS))
    spm.SentencePieceTrainer.train(input=os.path.join(folder, "corpus.txt"), model_prefix=os.path.join(folder, "m"), vocab_size=150,
                                   normalization_rule_tsv=rules, hard_vocab_limit=False, minloglevel=2)
    proto = pb.ModelProto()
    proto.ParseFromString(open(os.path.join(folder, "m.model"), "rb").read())
    CHARSMAP = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
PRECOMPILED = {"type": "Precompiled", "precompiled_charsmap": CHARSMAP}
META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
LLAMA = {"normalizer": seq("normalizers", {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}),
         "decoder": seq("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                        {"type": "Strip", "content": " ", "start": 1, "stop": 0})}


def template(before=("<s>",), after=()):
    ids = {"<unk>": 0, "<s>": 1, "</s>": 2}
    one = lambda t: {"SpecialToken": {"id": t, "type_id": 0}}
    return {"type": "TemplateProcessing", "single": [*map(one, before), {"Sequence": {"id": "A", "type_id": 0}}, *map(one, after)],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in {*before, *after}}}


def token(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False} | flags


MODELS = {"bpe": bpe, "bpeFused": bpe | {"fuse_unk": True}, "bpeBytes": with_bytes(spaced) | {"fuse_unk": True}, "byte": byte, "byteWhole": byte | {"ignore_merges": True},
          "unigram": unigram, "piece": piece, "level": level}
CASES = {"llama": dict(model="bpeBytes", post_processor=template(), **LLAMA)}
CASES["llamaFirst"] = dict(model="bpeBytes", pre_tokenizer=META | {"prepend_scheme": "first", "split": False}, post_processor=template(), decoder=LLAMA["decoder"])
for scheme in ("first", "always", "never"):
    CASES["metaspace " + scheme] = dict(model="unigram", pre_tokenizer=META | {"prepend_scheme": scheme}, decoder=META | {"prepend_scheme": scheme})
    CASES["metaspace whole " + scheme] = dict(model="bpeBytes", pre_tokenizer=META | {"prepend_scheme": scheme, "split": scheme == "never"}, decoder=META | {"prepend_scheme": scheme})
for name, regex in (("gpt2", GPT2), ("cl100k", CL100K), ("cl100k possessive", CL100K_POSSESSIVE), ("qwen2", QWEN2), ("o200k", O200K)):
    CASES[name] = dict(model="byte", pre_tokenizer=pre(split(regex), BYTES), decoder=BYTES)
CASES["gpt2 removed inverted"] = dict(model="byte", pre_tokenizer=pre(split(GPT2, "Removed", True), BYTES), decoder=BYTES)
CASES["llama3"] = dict(model="byteWhole", pre_tokenizer=pre(split(CL100K), BYTES), decoder=BYTES, post_processor=seq("processors", BYTES, template()))
CASES["deepseek"] = dict(model="byte", decoder=BYTES, pre_tokenizer=pre(
    split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), {"type": "Digits", "individual_digits": True}, BYTES))
CASES["deepseek3"] = dict(model="byte", decoder=BYTES, pre_tokenizer=pre(
    split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"),
    split("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"), BYTES))
CASES["nfc bytes"] = dict(model="byte", normalizer={"type": "NFC"}, pre_tokenizer=pre(split(QWEN2), BYTES), decoder=BYTES)
CASES["roberta"] = dict(model="byte", pre_tokenizer=BYTES | {"add_prefix_space": True, "use_regex": True}, decoder=BYTES,
                        post_processor={"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True, "add_prefix_space": True},
                        added=[token("<mask>", lstrip=True, special=True)])
CASES["prefix space behind a split"] = dict(model="byte", pre_tokenizer=pre(split(r"\d+"), BYTES | {"add_prefix_space": True, "use_regex": True}), decoder=BYTES)
for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
    for invert in (False, True):
        CASES[f"split {behavior} {invert}"] = dict(model="bpe", pre_tokenizer=split(r"\s|[aeo]", behavior, invert), decoder={"type": "Fuse"})
    CASES[f"split text {behavior}"] = dict(model="bpeFused", pre_tokenizer=split("e", behavior, key="String"), decoder={"type": "Fuse"})
    CASES[f"punctuation {behavior}"] = dict(model="bpe", pre_tokenizer={"type": "Punctuation", "behavior": behavior}, decoder={"type": "Fuse"})
for step in ({"type": "Whitespace"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"}, {"type": "Digits", "individual_digits": False},
             {"type": "Digits", "individual_digits": True}, {"type": "CharDelimiterSplit", "delimiter": "e"}):
    CASES["cut " + json.dumps(step)] = dict(model="bpe", pre_tokenizer=step)
replace = lambda pattern, content, key="Regex": {"type": "Replace", "pattern": {key: pattern}, "content": content}
for step in ({"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": False},
             {"type": "Strip", "strip_left": False, "strip_right": True}, {"type": "StripAccents"}, {"type": "Nmt"}, PRECOMPILED, {"type": "Prepend", "prepend": "xy"},
             replace(r" {2,}", " "), replace("the", "THE", "String"), replace(r"\s+", " "), replace(r"(?:[^\S\n]|\d)+?$", "#"), replace(r"^.", "^"),
             {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
             {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": False, "strip_accents": True, "lowercase": False},
             {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False, "strip_accents": None, "lowercase": False},
             seq("normalizers", {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"})):
    CASES["normal " + json.dumps(step)[:60] + str(len(CASES))] = dict(model="bpeBytes", normalizer=step, decoder=seq("decoders", {"type": "ByteFallback"}, {"type": "Fuse"}))
CASES["t5"] = dict(model="unigram", normalizer=seq("normalizers", PRECOMPILED, replace(" {2,}", " ")), pre_tokenizer=META, decoder=META, post_processor=template((), ("</s>",)))
CASES["t5 alone"] = dict(model="unigram", normalizer=PRECOMPILED, pre_tokenizer=META, decoder=META)
CASES["xlmr"] = dict(model="unigram", normalizer=PRECOMPILED, pre_tokenizer=pre({"type": "WhitespaceSplit"}, META), decoder=META, post_processor=template(("<s>",), ("</s>",)))
CASES["bert"] = dict(model="piece", normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
                     pre_tokenizer={"type": "BertPreTokenizer"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
                     post_processor={"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]})
CASES["bert dirty"] = CASES["bert"] | dict(decoder={"type": "WordPiece", "prefix": "##", "cleanup": False})
CASES["words"] = dict(model="level", pre_tokenizer={"type": "Whitespace"})
CASES["suffix"] = dict(model="bpe", pre_tokenizer={"type": "WhitespaceSplit"}, decoder={"type": "BPEDecoder", "suffix": "e"})
CASES["strip"] = dict(model="bpe", decoder=seq("decoders", {"type": "Fuse"}, {"type": "Strip", "content": "a", "start": 3, "stop": 0}))
CASES["tokens"] = dict(model="bpeBytes", normalizer={"type": "Lowercase"}, decoder={"type": "Fuse"}, added=[
    token("<tag>", normalized=True), token("word", single_word=True), token("<mask>", lstrip=True, rstrip=True, special=True), token("TAG", normalized=True)])


def made(case):
    model = MODELS[case["model"]]
    vocab = model["vocab"]
    count = len(vocab)
    added = [token(t, special=True) | {"id": i} for i, t in enumerate(SPECIAL)]
    added += [t | {"id": count + i} for i, t in enumerate(case.get("added", []))]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": case.get("normalizer"),
            "pre_tokenizer": case.get("pre_tokenizer"), "post_processor": case.get("post_processor"), "decoder": case.get("decoder"), "model": model}


if __name__ == "__main__":
    result = {}
    if "random" in sys.argv:  # For a comparison that is not kept: characters of every block.
        import unicodedata
        draw = random.Random(1)
        known = [c for c in map(chr, range(0x30000)) if unicodedata.category(c) not in ("Cs", "Cn")]
        common = [c for c in known if ord(c) < 0x500] + list(" \n\t\r'sS12aA.,") * 40
        TEXTS = ["".join(draw.choice(known if draw.random() < 0.3 else common) for _ in range(draw.randrange(1, 40))) for _ in range(3000)]
    for name, case in CASES.items():
        tok = Tokenizer.from_str(json.dumps(made(case)))
        rows = []
        for text in TEXTS:
            ids = tok.encode(text, add_special_tokens=False).ids
            rows.append([ids, tok.decode(ids) if any(i > 2 for i in ids) else ""])
        result[name] = {k: v for k, v in case.items()} | {"rows": rows, "framed": tok.encode("a").ids}
    with open("pipelines.json", "w") as file:
        json.dump({"models": MODELS, "texts": TEXTS, "cases": result}, file, ensure_ascii=False, separators=(",", ":"))
    print(len(CASES), os.path.getsize("pipelines.json"), len(CHARSMAP))
