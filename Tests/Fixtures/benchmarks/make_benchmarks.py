"""Writes a small made-up file in the format of every benchmark that dpotrain evaluate has a preset for.

Needs pandas and Pillow: python make_benchmarks.py, in this folder. Questions and pictures are made up; only names of columns and
forms of cells are those of VLMEvalKit's files.
"""

import base64
import io

import pandas as pd
from PIL import Image


def picture(red, green, blue, size=12):
    image = Image.new("RGB", (size, size))
    image.putdata([(red, (green + 7 * x) % 256, (blue + 5 * y) % 256) for y in range(size) for x in range(size)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def base64_picture(*colour):
    return base64.b64encode(picture(*colour)).decode()


def write(name, rows):
    pd.DataFrame(rows).to_csv(name + ".tsv", sep="\t", index=False)


RED, GREEN, BLUE = (200, 10, 10), (10, 200, 10), (10, 10, 200)
COLOURS = [base64_picture(*colour) for colour in (RED, GREEN, BLUE)]
NAMES = ["red", "green", "blue"]


def choice(index, question, options, answer, image, **more):
    row = {"index": index, "image": image, "question": question}
    row |= {"ABCDEFGHI"[place]: option for place, option in enumerate(options)}
    return row | {"answer": answer} | more


# Every question in four orders of its options, a million apart, which share the picture of the first.
rows = []
for question in range(3):
    for turn in range(4):
        options = (NAMES + ["white"])[turn:] + (NAMES + ["white"])[:turn]
        rows.append(
            choice(
                question + turn * 1_000_000, "Which colour is it?", options, "ABCD"[options.index(NAMES[question])],
                COLOURS[question] if turn == 0 else str(question), hint="Look at it." if question == 1 else None,
                category=["coarse_perception", "attribute_reasoning", "coarse_perception"][question],
                **{"l2-category": "colour", "split": "dev"}))
write("MMBench_DEV_EN", rows)

write("MMMU_DEV_VAL", [
    choice("dev_Art_1", "What is the colour of <image 1>?", NAMES, "A", COLOURS[0], category="Art",
           **{"l2-category": "Art & Design", "split": "dev"}),
    choice("validation_Art_1", "Which one is blue? <image 1> or <image 2>", ["<image 1>", "<image 2>"], "B",
           str([COLOURS[1], COLOURS[2]]), category="Art", **{"l2-category": "Art & Design", "split": "validation"}),
    choice("validation_Music_1", "How many tones has <image 1>?", [], "twelve", COLOURS[1], category="Music",
           **{"l2-category": "Art & Design", "split": "validation"}),
])

write("BLINK", [
    choice("val_1", "Which picture is greener?", ["the first image", "the second image"], "A", str(COLOURS[1:]),
           category="Visual_Similarity"),
    choice("val_2", "Do the pictures show the same?", ["yes", "no"], "B", str(COLOURS), category="Multi-view_Reasoning"),
])

write("Mantis_Eval", [
    choice(0, "<image> <image> Which of the pictures is red?", ["the first", "the second", "neither"], "A",
           str(COLOURS[:2]), category="reasoning"),
    choice(1, "Name the colour that both pictures have.", ["red", "green"], "B", str([COLOURS[1], COLOURS[1]]),
           category="co-reference"),
])

write("NLVR2", [
    choice(0, "The left picture is red and the right one is not.", ["True", "False"], "A", str(COLOURS[:2])),
    choice(1, "Both pictures are blue.", ["True", "False"], "B", str(COLOURS[1:])),
])

# Frames as pictures, by path; the reference is the text of an option.
for number, colour in enumerate((RED, GREEN, BLUE)):
    with open(f"frames/{number}.png", "wb") as file:
        file.write(picture(*colour))
write("MVBench", [
    {"index": 0, "task_type": "Moving Direction", "prefix": "video/clevrer/", "video": "a.mp4",
     "image_path": str([f"frames/{n}.png" for n in (0, 1, 2)]), "question": "Which colour comes last?",
     "answer": "Blue.", "candidates": str(["Red.", "Blue.", "The colour didn't change."])},
    {"index": 1, "task_type": "Action Count", "prefix": "video/perception/", "video": "b.mp4",
     "image_path": str([f"frames/{n}.png" for n in (1, 1)]), "question": "How often does the colour change?",
     "answer": "0", "candidates": str([0, 1, 2])},
])

write("MMStar", [
    choice(0, "Which colour is it?", NAMES, "C", COLOURS[2], category="coarse perception", l2_category="image scene"),
    choice(1, "Which colour is it not?", NAMES, "A", COLOURS[1], category="logical reasoning", l2_category="code"),
])

write("ScienceQA_TEST", [
    choice(0, "Which colour is a ripe tomato?", NAMES, "A", COLOURS[0], hint="A tomato \"ripens\"\nin the sun.",
           category="plants", split="test"),
    choice(1, "Which colour is grass?", NAMES, "B", None, hint=None, category="plants", split="test"),
])

write("MMVet", [
    {"index": "v1_0", "image": COLOURS[0], "question": "What is x in the equation?", "answer": "-1<AND>-5",
     "category": "ocr,math"},
    {"index": "v1_1", "image": COLOURS[1], "question": "Which colour is it?", "answer": "green<OR>grass green",
     "category": "rec"},
])

write("POPE", [
    {"index": 0, "image": COLOURS[0], "question": "Is there a red thing in the image?", "answer": "Yes",
     "category": "adversarial,popular,random"},
    {"index": 1, "image": "0", "question": "Is there a blue thing in the image?", "answer": "No", "category": "popular"},
    {"index": 2, "image": COLOURS[2], "question": "Is there a tree in the image?", "answer": "No", "category": "random"},
])

write("MathVista_MINI", [
    {"index": 1, "image": COLOURS[0], "answer": "red", "answer_option": "B", "question_type": "multi_choice",
     "answer_type": "text", "choices": str(["blue", "red"]), "task": "figure question answering",
     "skills": str(["statistical reasoning", "numeric commonsense"]),
     "question": "Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, D, at the end.\n"
     "Question: Which colour is it?\nChoices:\n(A) blue\n(B) red"},
    {"index": 2, "image": COLOURS[1], "answer": "14", "answer_option": None, "question_type": "free_form",
     "answer_type": "integer", "choices": None, "task": "math word problem", "skills": str(["arithmetic reasoning"]),
     "question": "Hint: Please answer the question requiring an integer answer and provide the final value, e.g., 1, 2, 3, "
     "at the end.\nQuestion: Which number is missing?"},
    {"index": 3, "image": COLOURS[2], "answer": "0.6", "answer_option": None, "question_type": "free_form",
     "answer_type": "float", "choices": None, "task": "math word problem", "skills": str(["arithmetic reasoning"]),
     "question": "Question: What is the share of blue?"},
])

write("AI2D_TEST", [
    choice(0, "What does A point at?", ["a leaf", "a root", "a stem", "none of them"], "D", COLOURS[0],
           category="partsOfA"),
    choice(1, "What does B point at?", ["a leaf", "a root", "a stem", "none of them"], "B", COLOURS[1],
           category="partsOfA"),
])
