"""Single operations by the names tensor-bench uses."""
import torch
import torch.nn.functional as F


def operation(name):
    trains = name.endswith(" fwd+bwd")
    base = name[: -len(" fwd+bwd")] if trains else name
    r = torch.randn
    linear = lambda m, k, n: ([r(m, k), r(n, k)], F.linear)
    sdpa = lambda b, t: ([r(b, 8, t, 64) for _ in range(3)],
                         lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True))

    def cross_entropy(rows, classes):
        targets = (torch.arange(rows) * 7919) % classes
        return [r(rows, classes)], lambda x: F.cross_entropy(x, targets)

    def patches(images, pixels, width):
        return [r(images, 3, pixels, pixels), r(width, 3, 14, 14)], lambda x, w: F.conv2d(x, w, stride=14)

    def convolution():
        words = base.split(" ")
        shape, outputs = [int(n) for n in words[1].split("x")], int(words[-1])
        option = {word[0]: int(word[1:]) for word in words[2:-2]}
        k, p, s, g = (option.get(letter, standard) for letter, standard in (("k", 1), ("p", 0), ("s", 1), ("g", 1)))
        convolve = F.conv1d if len(shape) == 3 else F.conv2d
        return [r(shape), r(outputs, shape[1] // g, *[k] * (len(shape) - 2)), r(outputs)], lambda x, w, b: convolve(
            x, w, b, stride=s, padding=p, groups=g)

    def rope():
        angle = torch.arange(434).float()[:, None] * 10000.0 ** (-torch.arange(0, 64, 2) / 64)
        c, s = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
        return [r(8, 8, 434, 64)], lambda x: x * c + torch.cat([-x[..., 32:], x[..., :32]], -1) * s

    def rms(x, w):
        return F.rms_norm(x, (512,), w, 1e-6)

    ids = (torch.arange(3472) * 7919) % 4096
    cases = {
        "linear decode b1 1x512x1376": lambda: linear(1, 512, 1376),
        "linear decode b8 8x512x1376": lambda: linear(8, 512, 1376),
        "linear qkvo 2048x512x512": lambda: linear(2048, 512, 512),
        "linear ffn up 2048x512x1376": lambda: linear(2048, 512, 1376),
        "linear ffn down 2048x1376x512": lambda: linear(2048, 1376, 512),
        "linear lm head 2048x512x4096": lambda: linear(2048, 512, 4096),
        "bmm 64x(434x64 @ 64x434)": lambda: ([r(64, 434, 64), r(64, 64, 434)], torch.bmm),
        "softmax 64x434x434": lambda: ([r(64, 434, 434)], lambda x: x.softmax(-1)),
        "layernorm 3472x512": lambda: (
            [r(3472, 512), r(512), r(512)], lambda x, w, b: F.layer_norm(x, (512,), w, b)),
        "rmsnorm 3472x512": lambda: ([r(3472, 512), r(512)], rms),
        "rope 8x8x434x64": rope,
        "sdpa causal 8x8x434x64": lambda: sdpa(8, 434),
        "sdpa causal 1x8x512x64": lambda: sdpa(1, 512),
        "sdpa causal 1x8x2048x64": lambda: sdpa(1, 2048),
        "silu*mul 2048x1376": lambda: ([r(2048, 1376), r(2048, 1376)], lambda a, b: F.silu(a) * b),
        "gelu erf 2048x1376": lambda: ([r(2048, 1376)], F.gelu),
        "gelu tanh 2048x1376": lambda: ([r(2048, 1376)], lambda x: F.gelu(x, approximate="tanh")),
        "exp 2048x1376": lambda: ([r(2048, 1376)], torch.exp),
        "add 2048x1376": lambda: ([r(2048, 1376), r(2048, 1376)], torch.add),
        "add 8x8": lambda: ([r(8, 8), r(8, 8)], torch.add),
        "add bias 2048x1376": lambda: ([r(2048, 1376), r(1376)], torch.add),
        "sum 2048x1376": lambda: ([r(2048, 1376)], torch.sum),
        "transpose copy 2048x1376": lambda: ([r(2048, 1376)], lambda x: x.t().contiguous()),
        "cross entropy 2048x4096": lambda: cross_entropy(2048, 4096),
        "cross entropy 512x32000": lambda: cross_entropy(512, 32000),
        "patch embed 22x3x112x112 p14 -> 256": lambda: patches(22, 112, 256),
        "patch embed 8x3x336x336 p14 -> 1024": lambda: patches(8, 336, 1024),
        "embedding 3472 of 4096x512": lambda: ([r(4096, 512)], lambda w: F.embedding(ids, w)),
    }
    if base == "adamw 10M params":
        w = torch.zeros(10_000_000, requires_grad=True)
        w.grad = r(10_000_000)
        return torch.optim.AdamW([w], fused=True).step
    operands, function = convolution() if base.startswith("conv") else cases[base]()
    if not trains:
        def forward():
            with torch.no_grad():
                function(*operands)
        return forward
    for x in operands:
        x.requires_grad_()
    gradient = r(function(*operands).shape)

    def both():
        for x in operands:
            x.grad = None
        function(*operands).backward(gradient)
    return both
