"""The PyTorch side of the race: the cases of tensor-bench, one JSON line for every line on standard input."""
import argparse
import json
import resource
import sys
import time

import torch

import array_operations
import micro


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="bf16 autocast in the DPO step")
    parser.add_argument("--compile", action="store_true", help="torch.compile in the DPO step")
    parser.add_argument("--trl", choices=["float32", "defaults"], help="DPO steps of TRL's DPOTrainer")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(json.dumps({"program": f"torch {torch.__version__}", "threads": torch.get_num_threads()}), flush=True)
    steps, generations, operations = {}, {}, {}
    for line in sys.stdin:
        fields = line.rstrip("\n").split("\t")
        name, repetitions = fields[0], int(fields[1]) if len(fields) > 1 else 1
        result = {"case": name}
        if name.startswith("dpo "):
            words = name.split(" ")
            if name not in steps and options.trl:
                import trl_step
                steps[name] = trl_step.Step(words[1], "lora" in words, options.trl == "defaults")
            elif name not in steps:
                import dpo_step  # needs transformers, which single operations do not
                steps[name] = dpo_step.Step(words[1], "lora" in words, options.bf16, options.compile)
            if options.trl:
                result["loss"], result["seconds"] = steps[name].run()
            else:
                start = time.perf_counter()
                result["loss"] = steps[name].run()
                result["seconds"] = time.perf_counter() - start
                result["phases"] = steps[name].phases
            result["peak_resident_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        elif name.startswith("generate "):
            if name not in generations:
                import generation
                generations[name] = generation.Generation(name.split(" ")[1], int(name.split(" ")[2]))
            result.update(generations[name].race(repetitions))
        elif name.startswith("prefill smolvlm "):
            if name not in generations:
                import prefill
                generations[name] = prefill.Prefill(int(name.split(" ")[2]))
            result.update(generations[name].race(repetitions))
        else:
            if name not in operations:
                operations[name] = (array_operations if name.startswith("array ") else micro).operation(name)
            operations[name]()
            start = time.perf_counter()
            for _ in range(repetitions):
                operations[name]()
            result["seconds"] = (time.perf_counter() - start) / repetitions
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
