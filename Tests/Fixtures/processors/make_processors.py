"""Makes cases.json and pixels.safetensors: what transformers' image processors (Pillow backend) make of small pictures.

    python make_processors.py        # transformers 5.23, Pillow 13, numpy, safetensors
"""
import json
import numpy as np
from PIL import Image
from safetensors.numpy import save_file
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(x * 7 + y * 13 + c * 29 + (x * y) % 17 * 5) % 256 for c in range(3)], -1).astype(np.uint8)


SIZES = [(50, 20), (20, 50), (13, 13), (7, 24), (61, 37), (5, 9)]
EDGE = {"size": {"shortest_edge": 12}, "crop_size": {"height": 12, "width": 12}}
CLIP = [
    EDGE,
    {"size": 12, "crop_size": 12},
    {"size": {"height": 12, "width": 12}, "crop_size": 12},
    {"size": {"height": 12, "width": 12}, "do_center_crop": False},
    {"size": [12, 12], "crop_size": [12, 12]},
    {"size": 12, "default_to_square": True, "crop_size": 12},
    {"size": {"height": 14, "width": 18}, "crop_size": 12},
    {"size": {"shortest_edge": 16}, "crop_size": 12},
    {"size": {"shortest_edge": 9}, "crop_size": 12},
    {"size": {"shortest_edge": 12, "longest_edge": 20}, "crop_size": 12},
    {"size": {"max_height": 15, "max_width": 11}, "crop_size": 12},
    {"do_resize": False, "crop_size": 12},
    {**EDGE, "do_rescale": False},
    {**EDGE, "do_normalize": False},
    {**EDGE, "do_normalize": False, "do_rescale": False},
    {**EDGE, "rescale_factor": 0.0078125},
    {**EDGE, "image_mean": [0.5, 0.25, 0.125], "image_std": [0.5, 1, 2]},
    {**EDGE, "image_mean": 0.5, "image_std": 0.25},
    {**EDGE, "do_pad": True},
] + [{**EDGE, "resample": r} for r in range(6)]
LLAVA = [
    {**EDGE, "do_pad": True},
    EDGE,
    {"size": {"shortest_edge": 12}, "do_center_crop": False, "do_pad": True},
    {"size": {"height": 12, "width": 12}, "crop_size": 12, "do_pad": True},
    {"do_resize": False, "crop_size": 12, "do_pad": True},
    {**EDGE, "do_pad": True, "image_mean": [0.0, 1.0, 0.999]},
    {**EDGE, "do_pad": True, "do_normalize": False},
    {**EDGE, "do_pad": True, "resample": 5},
]


if __name__ == "__main__":
    cases, arrays = [], {}
    for name, kind, settings in (("CLIPImageProcessor", CLIPImageProcessorPil, CLIP), ("LlavaImageProcessor", LlavaImageProcessorPil, LLAVA)):
        for keys in settings:
            processor = kind(**keys)
            for width, height in SIZES:
                values = processor(Image.fromarray(picture(width, height)), return_tensors="np")["pixel_values"][0]
                assert values.shape == (3, 12, 12), (keys, values.shape)
                arrays[str(len(cases))] = np.ascontiguousarray(values, dtype=np.float32)
                cases.append({"type": name, "keys": keys, "width": width, "height": height})
    json.dump(cases, open("cases.json", "w"), indent=0)
    save_file(arrays, "pixels.safetensors")
    print(len(cases))
