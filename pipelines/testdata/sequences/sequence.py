"""What the makers of random tables share: values as text, conditions with what they are of a row, and how they are asked.

Each line of the standard input is JSON with the folder of a table and a seed, to begin a table, or an empty object, for the next
operation on it. The answer is a line of JSON: what was done, and what to compare: versions, each with a condition or without, and all
rows that should come of them, as text. Conditions are evaluated here, row by row; nothing of hyperlake is used.
"""

import base64
import datetime
import decimal
import json
import sys

ONLY_NULL = ("binary", "fixed", "uuid", "time")  # of which conditions ask no more than that
NESTED = ("list", "struct", "map")


def text(value):
    """A value as text, as the test reads it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, datetime.time):
        return value.isoformat("microseconds")
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=lambda inner: base64.b64encode(inner).decode() if isinstance(inner, bytes) else text(inner))
    return format(value, "f") if isinstance(value, decimal.Decimal) else repr(value) if isinstance(value, float) else str(value)


def literal(value):
    """A value in CEL."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime.datetime):
        return f"timestamp('{value.replace(tzinfo=None).isoformat()}{'Z' if value.tzinfo else ''}')"
    if isinstance(value, datetime.date):
        return f"date('{value}')"
    return text(value)


class Sequence:
    """A table that is changed at random by OPERATIONS, which an heir has. self.r draws, self.keys are columns that it asks for often."""

    def step(self):
        """Does something, unless the writer refuses to."""
        operation = self.r.choice(self.OPERATIONS)
        try:
            operation(self)
        except Exception as error:  # which is the writer's own affair
            return {"operation": operation.__name__, "refused": str(error).splitlines()[0][:300], "checks": []}
        return {"operation": operation.__name__, "checks": self.checks()}

    def answer(self, version, columns, rows, condition):
        """What to compare: all rows of a version, or those of which a condition is true."""
        where, true = self.condition(columns) if condition else ("", lambda row: True)
        kept = [[text(row[c["name"]]) for c in columns] for row in rows if true(row) is True]
        return {"version": str(version), "where": where, "columns": columns, "inFiles": len(rows), "rows": kept}

    def condition(self, columns):
        """A condition, and a function that says what it is of a row: None is NULL."""
        a, one = self.atom(columns)
        b, other = self.atom(columns)
        match self.r.choice(["one", "not", "and", "or"]):
            case "not":
                return f"!({a})", lambda row: None if one(row) is None else not one(row)
            case "and":
                return f"({a}) && ({b})", lambda row: False if False in (one(row), other(row)) else None if None in (one(row), other(row)) else True
            case "or":
                return f"({a}) || ({b})", lambda row: True if True in (one(row), other(row)) else None if None in (one(row), other(row)) else False
        return a, one

    def atom(self, columns):
        plain = [c for c in columns if c["type"] not in NESTED]
        column = self.r.choice([c for c in plain if c["name"] in self.keys] or plain) if self.r.random() < 0.4 else self.r.choice(plain)
        name, kind = column["name"], column["type"]
        shown = f"`{name}`"
        if kind.startswith(ONLY_NULL) or self.r.random() < 0.15:
            symbol = self.r.choice(["==", "!="])
            return f"{shown} {symbol} null", lambda row: (row[name] is None) == (symbol == "==")
        if kind == "boolean":
            return shown, lambda row: row[name]
        value = self.asked(name, kind)
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            value = 0.5
        symbol = self.r.choice(["==", "!=", "<", "<=", ">", ">="])
        compare = {
            "==": lambda a: a == value, "!=": lambda a: a != value, "<": lambda a: a < value, "<=": lambda a: a <= value,
            ">": lambda a: a > value, ">=": lambda a: a >= value,
        }[symbol]
        return f"{shown} {symbol} {literal(value)}", lambda row: None if row[name] is None else compare(row[name])


def serve(make):
    """Answers all questions about a table, which make(folder, seed) makes."""
    table, answers, sys.stdout = None, sys.stdout, sys.stderr  # libraries print tables for people
    for line in sys.stdin:
        asked = json.loads(line)
        if "folder" in asked:
            table = make(asked["folder"], asked["seed"])
            answer = {"operation": "create", "checks": table.checks()}
        else:
            answer = table.step()
        print(json.dumps(answer), file=answers, flush=True)
