"""Writes python-*.csv by the writer of Python's csv module, and python.json, which says what Python reads out of them again."""

import csv
import json
import pathlib
import random

DIALECTS = {
    "minimal": {"quoting": csv.QUOTE_MINIMAL},
    "all": {"quoting": csv.QUOTE_ALL},
    "nonnumeric": {"quoting": csv.QUOTE_NONNUMERIC, "lineterminator": "\n"},
    "semicolon": {"delimiter": ";", "quotechar": "'", "lineterminator": "\n"},
    "tabs": {"delimiter": "\t"},
}
ALPHABET = ['"', "'", ",", ";", "\t", "\n", "\r\n", " ", "a", "0", "ä", "€", "😀", '""', "\x00", "\ufeff", "\u2028"]


def main():
    draw = random.Random(20)
    folder = pathlib.Path(__file__).parent
    read = {}
    for name, dialect in DIALECTS.items():
        rows = [["".join(draw.choices(ALPHABET, k=draw.randrange(6))) for _ in range(3)] for _ in range(200)]
        path = folder / f"python-{name}.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, **dialect).writerows([["a", "b", "c"], *rows])
        reading = {key: dialect[key] for key in ("delimiter", "quotechar") if key in dialect}
        with open(path, newline="", encoding="utf-8") as file:
            found = list(csv.reader(file, strict=True, **reading))
        assert found[1:] == rows, name
        read[path.name] = {"delimiter": dialect.get("delimiter", ""), "quote": dialect.get("quotechar", ""), "rows": rows}
    (folder / "python.json").write_text(json.dumps(read, indent=None, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
