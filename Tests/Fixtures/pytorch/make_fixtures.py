"""Makes the files of this folder with PyTorch (2.13): python make_fixtures.py"""
import collections
import os

import torch

here = os.path.dirname(os.path.abspath(__file__))
at = lambda name: os.path.join(here, name)


def ramp(*shape, dtype=torch.float32, start=0.0):
    n = 1
    for extent in shape:
        n *= extent
    return (torch.arange(n, dtype=torch.float32) * 0.5 + start).reshape(shape).to(dtype)


whole = ramp(4, 6)
state = collections.OrderedDict(
    [
        ("float", ramp(2, 3)),
        ("half", ramp(3, dtype=torch.float16, start=-1)),
        ("bfloat", ramp(2, 2, dtype=torch.bfloat16, start=1)),
        ("double", ramp(2, dtype=torch.float64)),
        ("long", torch.tensor([-1, 2**40])),
        ("byte", torch.tensor([0, 255], dtype=torch.uint8)),
        ("flag", torch.tensor([True, False])),
        ("scalar", torch.tensor(2.5)),
        ("empty", torch.zeros(0, 3)),
        ("shared", whole),
        ("transposed", whole.t()),
        ("rows", whole[1:3]),
        ("columns", whole[:, 1::2]),
        ("expanded", ramp(3).expand(2, 3)),
        ("parameter", torch.nn.Parameter(ramp(2))),
        ("frozen", torch.nn.Parameter(ramp(2), requires_grad=False)),
    ]
)
torch.save(state, at("views.bin"))
# what `save_pretrained` of a module leaves: versions of modules in the state of the dictionary
torch.save(torch.nn.Linear(3, 2).state_dict(), at("module.bin"))
torch.save({"a": ramp(2)}, at("protocol4.bin"), pickle_protocol=4)
torch.save({"a": ramp(2)}, at("bare.bin"), _use_new_zipfile_serialization=False)
torch.save({"model": {"a": ramp(2)}}, at("nested.bin"))
torch.save([ramp(2)], at("list.bin"))
torch.save(torch.nn.Linear(1, 1), at("whole_module.bin"))
torch.save({"a": torch.sparse_coo_tensor([[0]], [1.0], (2,))}, at("sparse.bin"))


class Evil:
    def __reduce__(self):
        return os.system, ("echo this must never run > /dev/null",)


torch.save({"a": Evil()}, at("evil.bin"))
