"""The Pillow side of the composition race, by the released notebooks' steps: one JSON line for every line on standard input.

compose.py --pictures DIR makes the pictures both sides compose.
"""
import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageFont

BATCH = 16
GRIDS = {2: (1, 2), 3: (1, 3), 4: (2, 2), 6: (2, 3), 9: (3, 3)}
SIZES = [(640, 480), (640, 427), (480, 640), (640, 480), (427, 640), (500, 375), (640, 480), (640, 428)]


def make_pictures(folder):
    """Smooth noise with edges, as large as COCO's photographs, in JPEG."""
    random = np.random.default_rng(0)
    for number in range(24):
        width, height = SIZES[number % len(SIZES)]
        coarse = Image.fromarray(random.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8))
        fine = random.normal(0, 8, (height, width, 3))
        smooth = np.asarray(coarse.resize((width, height), Image.BICUBIC), dtype=np.float64)
        Image.fromarray(np.clip(smooth + fine, 0, 255).astype(np.uint8)).save(folder / f"{number:02}.jpg", quality=90)


def font():
    for path in ("/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",):
        if os.path.exists(path):
            return ImageFont.truetype(path, 36)
    return ImageFont.load_default(36)


class Composition:
    def __init__(self, name):
        words = name.split(" ")
        self.count = int(words[2]) if words[1] == "grid" else 0
        self.files = sorted(str(path) for path in Path(os.environ["COMPOSE_PICTURES"]).iterdir())
        self.pictures = [Image.open(path).convert("RGB") for path in self.files]
        self.folder = tempfile.mkdtemp() if "files" in words else None
        self.font = font()

    def run(self):
        for number in range(BATCH):
            canvas = self.compose(number)
            if self.folder:
                canvas.save(f"{self.folder}/{number}.jpg")

    def picture(self, index):
        index %= len(self.files)
        return Image.open(self.files[index]).convert("RGB") if self.folder else self.pictures[index]

    def compose(self, number):
        sources = [self.picture(number * 3 + place) for place in range(self.count or 2)]
        return self.grid(sources) if self.count else self.pic_in_pic(*sources)

    def grid(self, sources):
        rows, columns = GRIDS[self.count]
        canvas = Image.new("RGB", (columns * 488 - 40, rows * 488), "white")
        draw = ImageDraw.Draw(canvas)
        for index, source in enumerate(sources):
            aspect = source.width / source.height
            size = (448, int(448 / aspect)) if aspect > 1 else (int(448 * aspect), 448)
            cell = Image.new("RGB", (448, 448), "white")
            cell.paste(source.resize(size, Image.LANCZOS), (0, 0))
            x, y = index % columns * 488, index // columns * 488 + 40
            canvas.paste(cell, (x, y))
            draw.text((x + 20, y - 40), f"Image{index + 1}", fill="black", font=self.font)
        return canvas

    def pic_in_pic(self, inner, outer):
        aspect = inner.width / inner.height
        width = int(outer.width * 0.7)
        if outer.width * 0.7 / aspect <= outer.height * 0.7:
            height = int(width / aspect)
        else:
            height = int(outer.height * 0.7)
            width = int(height * aspect)
        canvas = outer.copy()
        canvas.paste(inner.resize((width, height)), ((outer.width - width) // 2, (outer.height - height) // 2))
        return canvas


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.pictures:
        return make_pictures(options.pictures)
    print(json.dumps({"program": f"Pillow {PIL.__version__}", "threads": 1}), flush=True)
    cases = {}
    for line in sys.stdin:
        fields = line.rstrip("\n").split("\t")
        name, repetitions = fields[0], int(fields[1]) if len(fields) > 1 else 1
        if name not in cases:
            cases[name] = Composition(name)
        start = time.perf_counter()
        for _ in range(repetitions):
            cases[name].run()
        print(json.dumps({"case": name, "seconds": (time.perf_counter() - start) / repetitions, "canvases": BATCH}),
              flush=True)


if __name__ == "__main__":
    main()
