"""Ten steps of optimizers by torch.optim in float64: optimizers.json.

usage: python make_optimizers.py (PyTorch 2.13)

The gradient of step t at element i is a formula, so that a test can compute it: see `slope`. The losses of L-BFGS are
Rosenbrock's function of `width` numbers, from -1.2, 1, -1.2, ...
"""

import json
import pathlib

import torch

SHAPES = {"matrix": [4, 3], "wide": [2, 5], "vector": [5], "cube": [2, 3, 4]}


def start(shape):
    n = torch.Size(shape).numel()
    return ((torch.arange(n, dtype=torch.float64) * 7 % 11 - 5) / 4).reshape(shape)


def slope(shape, step):
    n = torch.Size(shape).numel()
    return ((torch.arange(n, dtype=torch.float64) * 5 + step * 3) % 13 - 6).reshape(shape) / (4 + step)


def run(make, names, steps=10):
    parameters = [torch.nn.Parameter(start(SHAPES[name])) for name in names]
    optimizer = make(parameters)
    for step in range(steps):
        for name, parameter in zip(names, parameters):
            parameter.grad = slope(SHAPES[name], step)
        optimizer.step()
    return {name: parameter.detach().flatten().tolist() for name, parameter in zip(names, parameters)}


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def lbfgs(width, steps, **options):
    x = torch.nn.Parameter(torch.tensor([-1.2, 1.0] * (width // 2), dtype=torch.float64))
    optimizer = torch.optim.LBFGS([x], **options)

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        return loss

    rows = []
    for _ in range(steps):
        loss = optimizer.step(closure).item()
        state = optimizer.state[x]
        rows.append({"loss": loss, "x": x.detach().tolist(), "evals": state["func_evals"], "iterations": state["n_iter"]})
    return rows


def averages(decay):
    model = torch.nn.Linear(3, 4, bias=False, dtype=torch.float64)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay))
    for step in range(10):
        with torch.no_grad():
            model.weight.copy_(start([4, 3]) + slope([4, 3], step))
        average.update_parameters(model)
    return average.module.weight.detach().flatten().tolist()


def groups():
    one, other = (torch.nn.Parameter(start([4, 3])) for _ in range(2))
    optimizer = torch.optim.AdamW(
        [{"params": [one], "lr": 0.16, "weight_decay": 0.0}, {"params": [other]}], lr=0.01, weight_decay=0.1)
    for step in range(10):
        one.grad, other.grad = slope([4, 3], step), -slope([4, 3], step)
        optimizer.step()
    return {"one": one.detach().flatten().tolist(), "other": other.detach().flatten().tolist()}


every = list(SHAPES)
matrices = ["matrix", "wide"]
result = {
    "adafactor": run(torch.optim.Adafactor, every),
    "adafactor_options": run(
        lambda p: torch.optim.Adafactor(p, lr=0.5, beta2_decay=-0.5, eps=(1e-4, 0.01), d=2.0, weight_decay=0.1), every),
    "muon_bfloat16": run(torch.optim.Muon, matrices),
}
# The same code with its iteration in the parameters' own type.
rounded = torch.Tensor.bfloat16
torch.Tensor.bfloat16 = lambda self: self.clone()
result["muon"] = run(torch.optim.Muon, matrices)
result["muon_options"] = run(
    lambda p: torch.optim.Muon(
        p, lr=0.02, weight_decay=0.01, momentum=0.8, nesterov=False, ns_coefficients=(2, -1.5, 0.5), ns_steps=3,
        adjust_lr_fn="match_rms_adamw"), matrices)
torch.Tensor.bfloat16 = rounded
result["lbfgs"] = lbfgs(4, 10, lr=1e-3, max_iter=4)
result["lbfgs_short_history"] = lbfgs(4, 10, lr=1e-3, max_iter=4, history_size=2)
result["lbfgs_strong_wolfe"] = lbfgs(6, 10, max_iter=5, line_search_fn="strong_wolfe")
result["ema"] = {"decay": 0.9, "weight": averages(0.9)}
result["groups"] = groups()
place = pathlib.Path(__file__).parent / "optimizers.json"
place.write_text(json.dumps(result, indent=1) + "\n")
