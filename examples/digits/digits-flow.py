"""Which model reads handwritten digits best?  Five of them, side by side, on scikit-learn's digits.

    pip install scikit-learn pillow
    cms flow run examples/digits/digits-flow.py --view

``data`` and ``models`` run beside each other; ``train*`` runs once for each
model, in worker processes; ``best`` compares them; then two pictures are drawn
of what the best one confuses and of the digits that it misreads.  On the page,
click ``confusion`` to see it.
"""

from __future__ import annotations

from io import BytesIO
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from cloudmesh.flow import task, workflow

MODELS = {
    "nearest neighbours": lambda: KNeighborsClassifier(3),
    "support vectors": lambda: SVC(gamma=0.001),
    "random forest": lambda: RandomForestClassifier(200, random_state=1),
    "logistic regression": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "naive Bayes": GaussianNB,
}


def data(test: float = 0.5, seed: int = 1) -> dict[str, Any]:
    """1,797 pictures of 8 × 8 points, one part to learn from and one to be tested on."""
    digits = load_digits()
    x, x_test, y, y_test = train_test_split(
        digits.data, digits.target, test_size=test, random_state=seed
    )
    print(f"{len(y)} digits to learn from, {len(y_test)} to be tested on")
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test}


def models(only: str = "") -> list[str]:
    """The names of the models, or of some: ``--param only="naive Bayes,random forest"``."""
    return only.split(",") if only else list(MODELS)


@task(over="models", on="process", timeout="5m")
def train(models: str, data: dict[str, Any]) -> dict[str, Any]:
    """One model: learn, and read the digits that it has not seen."""
    started = perf_counter()
    read = MODELS[models]().fit(data["x"], data["y"]).predict(data["x_test"])
    accuracy = accuracy_score(data["y_test"], read)
    print(f"{models}: {accuracy:.1%} in {perf_counter() - started:.2f} s")
    value = {"model": models, "accuracy": float(accuracy), "read": read.tolist()}
    color = "green" if accuracy > 0.95 else "orange"
    return {"color": color, "label": f"{models} {accuracy:.1%}", "value": value}


def best(train: list[dict[str, Any]]) -> dict[str, Any]:
    """The comparison: all models in a table, the best one as the value."""
    ranked = sorted(train, key=lambda result: -result["accuracy"])
    for place, result in enumerate(ranked, 1):
        print(f"{place}. {result['model']:<20} {result['accuracy']:.1%}")
    return {"color": "green", "shape": "circle", "label": ranked[0]["model"], "value": ranked[0]}


def confusion(best: dict[str, Any], data: dict[str, Any]) -> bytes:
    """A picture: for each digit (row) how often it was read as which one (column)."""
    counts = confusion_matrix(data["y_test"], best["read"], labels=range(10))
    cell, font = 40, ImageFont.load_default(size=16)
    picture = Image.new("RGB", (11 * cell, 11 * cell), "white")
    draw = ImageDraw.Draw(picture)
    for digit in range(10):
        middle = (digit + 1.5) * cell
        draw.text((cell / 2, middle), str(digit), "black", font, anchor="mm")
        draw.text((middle, cell / 2), str(digit), "black", font, anchor="mm")
    for (row, column), count in np.ndenumerate(counts):
        left, top = (column + 1) * cell, (row + 1) * cell
        share = count / max(1, counts[row].sum())
        good, bad = (0, 96, 78), (181, 17, 43)
        strength = share if row == column else min(1.0, 0.15 + 4 * share) * bool(count)
        tint = (255 - strength * (255 - part) for part in (good if row == column else bad))
        draw.rectangle((left, top, left + cell - 2, top + cell - 2), tuple(map(int, tint)))
        ink = "white" if strength > 0.5 else "black"
        if count:
            draw.text((left + cell / 2, top + cell / 2), str(count), ink, font, anchor="mm")
    return png(picture)


def mistakes(best: dict[str, Any], data: dict[str, Any]) -> bytes:
    """A picture of the digits that the best model misreads, each with what it took it for."""
    wrong = [i for i, read in enumerate(best["read"]) if read != data["y_test"][i]][:40]
    size, font = 64, ImageFont.load_default(size=14)
    rows = max(1, -(-len(wrong) // 8))
    sheet = Image.new("RGB", (8 * size, rows * (size + 20)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, i in enumerate(wrong):
        left, top = place % 8 * size, place // 8 * (size + 20)
        ink = 255 - data["x_test"][i].reshape(8, 8) * 255 / 16
        digit = Image.fromarray(ink.astype(np.uint8)).resize((size - 4, size - 4))
        sheet.paste(digit, (left + 2, top + 2))
        said = f"{data['y_test'][i]} as {best['read'][i]}"
        draw.text((left + size / 2, top + size + 8), said, "#B5102B", font, anchor="mm")
    return png(sheet)


def png(picture: Image.Image) -> bytes:
    """A picture as PNG: bytes that the page shows as one."""
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


w = workflow("data || models; train*; best; confusion || mistakes")

if __name__ == "__main__":
    run = w.run()
    run.raise_for_error()
    print(run["best"].value["model"])
