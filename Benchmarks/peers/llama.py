"""Greedy generation of llama.cpp, on the GGUF file that SMOLLM2_GGUF names, by the protocol of worker.py."""
import argparse
import json
import os
import sys
import time

import llama_cpp

NEW_TOKENS = 65
TEXT = "Once upon a time there was a small house at the edge of a large forest, and in it lived"


def answer(model, prompt, count):
    """Seconds until the first and until the last of so many new tokens."""
    model.reset()
    start = time.perf_counter()
    tokens = model.generate(prompt, temp=0)
    next(tokens)
    first = time.perf_counter() - start
    for _ in range(count - 1):
        next(tokens)
    whole = time.perf_counter() - start
    tokens.close()
    return first, whole


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model = llama_cpp.Llama(
        os.environ["SMOLLM2_GGUF"], n_ctx=512, n_threads=options.threads, n_threads_batch=options.threads, verbose=False)
    prompt = model.tokenize(f"{TEXT} an old man. {TEXT}".encode(), add_bos=False)[:40]
    print(json.dumps({"program": f"llama.cpp, llama-cpp-python {llama_cpp.__version__}", "threads": options.threads}),
          flush=True)
    for line in sys.stdin:
        fields = line.rstrip("\n").split("\t")
        repetitions = int(fields[1]) if len(fields) > 1 else 1
        first = whole = prefill = 0
        for _ in range(repetitions):
            begun, ended = answer(model, prompt, NEW_TOKENS)
            first += begun
            whole += ended
            prefill += answer(model, prompt, 1)[1]
        print(json.dumps({
            "case": fields[0], "seconds": whole / repetitions, "first_token_seconds": first / repetitions,
            "decode_tokens_per_second": (NEW_TOKENS - 1) * repetitions / (whole - first),
            "prefill_tokens_per_second": len(prompt) * repetitions / prefill}), flush=True)


if __name__ == "__main__":
    main()
