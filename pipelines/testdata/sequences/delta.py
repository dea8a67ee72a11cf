"""Does at random what people do to Delta tables, with deltalake, and says what its own reader makes of them: see sequence.py."""

import datetime
import decimal
import json
import os
import random

import deltalake
import pyarrow as pa

import sequence

UTC = datetime.timezone.utc
DAY = datetime.date(2024, 2, 28)
TEXTS = ["", "a", "b c", "ü/ö", "50%", "x=y", "it's", "%20", "zebra", "z" * 40, "日本😀", "1"]

TYPES = {
    "byte": (pa.int8(), lambda r: r.choice([-128, 127, r.randint(-5, 5)])),
    "short": (pa.int16(), lambda r: r.choice([-32768, 32767, r.randint(-5, 5)])),
    "integer": (pa.int32(), lambda r: r.choice([-(2**31), 2**31 - 1, r.randint(-5, 5), r.randint(-5, 5)])),
    "long": (pa.int64(), lambda r: r.choice([-(2**63), 2**53 + 1, r.randint(-5, 5), r.randint(-5, 5)])),
    "float": (pa.float32(), lambda r: r.choice([0.5, -1.5, 16777216.0, 0.0])),
    "double": (pa.float64(), lambda r: r.choice([0.1, -1e300, r.random(), 2.0, float("nan"), float("-inf")])),
    "decimal(9,2)": (pa.decimal128(9, 2), lambda r: decimal.Decimal(r.randint(-300, 300)) / 100),
    "decimal(30,10)": (pa.decimal128(30, 10), lambda r: decimal.Decimal(r.randint(-(10**29), 10**29)).scaleb(-10, decimal.Context(prec=40))),
    "string": (pa.string(), lambda r: r.choice(TEXTS)),
    "binary": (pa.binary(), lambda r: r.choice([b"", b"\x00\xff", b"abc"])),
    "boolean": (pa.bool_(), lambda r: r.random() < 0.5),
    "date": (pa.date32(), lambda r: DAY + datetime.timedelta(r.choice([-30000, 0, 1, 2, 3]))),
    "timestamp": (pa.timestamp("us", "UTC"), lambda r: datetime.datetime(r.choice([1969, 2024]), 2, 28, 23, 59, 59, r.choice([0, 123456, 999999]), UTC)),
    "timestamp_ntz": (pa.timestamp("us"), lambda r: datetime.datetime(r.choice([1969, 2024]), 2, 28, 23, 59, 59, r.choice([0, 123456, 999999]))),
    "list": (pa.list_(pa.int32()), lambda r: [r.choice([None, 1, 2]) for _ in range(r.randint(0, 3))]),
    "struct": (pa.struct([("u", pa.int32()), ("v w", pa.string())]), lambda r: {"u": r.choice([None, 7]), "v w": r.choice(TEXTS)}),
}
KEYS = ["string", "integer", "long", "date", "boolean", "timestamp", "timestamp_ntz", "decimal(9,2)", "short"]


class Table(sequence.Sequence):
    """A table that is made and changed at random."""

    def __init__(self, path, seed):
        self.path, self.r, self.next = path, random.Random(seed), 0
        r = self.r
        names = ["a", "B", "Ünï", "note", "c", "d", "e", "f", "g"]
        r.shuffle(names)
        self.columns = {"id": "long"}
        for name in names[: r.randint(2, 6)]:
            self.columns[name] = r.choice(list(TYPES))
        self.spare = names[6:]
        self.keys = [f"k{i}" for i in range(r.choice([0, 1, 1, 2]))]
        for key in self.keys:
            self.columns[key] = r.choice(KEYS)
        self.values = {key: [self.key_value(key) for _ in range(2)] for key in self.keys}
        settings = {"delta.logRetentionDuration": "interval 0 days"}
        self.forgets = r.random() < 0.5
        if self.forgets:
            settings["delta.deletedFileRetentionDuration"] = "interval 0 days"
        if r.random() < 0.3:
            settings["delta.dataSkippingNumIndexedCols"] = str(r.randint(0, 3))
        deltalake.write_deltalake(path, self.rows(r.randint(1, 12)), partition_by=self.keys or None, configuration=settings)

    def key_value(self, key):
        value = TYPES[self.columns[key]][1](self.r)
        return abs(value) if isinstance(value, decimal.Decimal) else value  # delta-rs writes 0.-48 for -0.48

    def table(self, version=None):
        return deltalake.DeltaTable(self.path, version=version)

    def schema(self):
        return pa.schema([pa.field(name, TYPES[kind][0]) for name, kind in self.columns.items()])

    def value(self, name):
        if name in self.keys:
            return self.r.choice([None, *self.values[name], *self.values[name], *self.values[name]])
        return None if self.r.random() < 0.2 else TYPES[self.columns[name]][1](self.r)

    def rows(self, count, ids=None):
        """New rows; the ids of some may be there already if they are given."""
        found = []
        for i in range(count):
            row = {name: self.value(name) for name in self.columns}
            row["id"] = ids[i] if ids else self.next
            self.next += not ids
            found.append(row)
        return pa.Table.from_pylist(found, schema=self.schema())

    def some(self):
        """A condition on ids, for delta-rs."""
        r = self.r
        low = r.randint(0, self.next)
        return r.choice([f"id % 3 = {r.randint(0, 2)}", f"id < {low}", f"id BETWEEN {low} AND {low + 4}", f"id = {low}"])

    def append(self):
        deltalake.write_deltalake(self.path, self.rows(self.r.randint(1, 8)), mode="append")

    def append_more_columns(self):
        if not self.spare:
            return self.append()
        self.columns[self.spare.pop()] = self.r.choice(list(TYPES))
        deltalake.write_deltalake(self.path, self.rows(self.r.randint(1, 4)), mode="append", schema_mode="merge")

    def append_fewer_columns(self):
        rows = self.rows(self.r.randint(1, 4))
        others = [name for name in self.columns if name != "id" and name not in self.keys]
        deltalake.write_deltalake(self.path, rows.drop_columns([self.r.choice(others)]), mode="append", schema_mode="merge")

    def overwrite(self):
        deltalake.write_deltalake(self.path, self.rows(self.r.randint(1, 8)), mode="overwrite")

    def overwrite_schema(self):
        others = [name for name in self.columns if name != "id" and name not in self.keys]
        if len(others) > 1:
            del self.columns[self.r.choice(others)]
        deltalake.write_deltalake(self.path, self.rows(self.r.randint(1, 8)), mode="overwrite", schema_mode="overwrite")

    def overwrite_part(self):
        low = self.r.randint(0, self.next)
        ids = list(range(low, low + self.r.randint(1, 4)))
        deltalake.write_deltalake(self.path, self.rows(len(ids), ids), mode="overwrite", predicate=f"id >= {low}")
        self.next = max(self.next, ids[-1] + 1)

    def delete(self):
        self.table().delete(self.some())

    def delete_partition(self):
        key = self.r.choice(self.keys) if self.keys else "id"
        self.table().delete(f'"{key}" IS NULL')

    def update(self):
        name = self.r.choice(["id", *self.columns])
        self.table().update(updates={f'"{name}"': "id + 1000" if name == "id" else "NULL"}, predicate=self.some())

    def merge(self):
        ids = sorted({self.r.randint(0, self.next + 3) for _ in range(4)})
        merger = self.table().merge(self.rows(len(ids), ids), "s.id = t.id", source_alias="s", target_alias="t")
        if self.r.random() < 0.3:
            merger = merger.when_matched_delete("t.id % 2 = 0")
        merger.when_matched_update_all().when_not_matched_insert_all().execute()
        self.next = max(self.next, ids[-1] + 1)

    def compact(self):
        self.table().optimize.compact()

    def z_order(self):
        self.table().optimize.z_order(["id"])

    def checkpoint(self):
        self.table().create_checkpoint()

    def clean_log(self):
        self.table().create_checkpoint()
        self.table().cleanup_metadata()

    def compact_log(self):
        if self.forgets:  # delta-rs leaves removed files out of compacted commits then, and Spark takes them for files of the table
            return self.checkpoint()
        table = self.table()
        table.compact_logs(max(0, table.version() - 3), table.version())

    def vacuum(self):
        self.table().vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False, full=self.r.random() < 0.5)

    def restore(self):
        self.table().restore(self.r.choice(self.readable()))
        schema = json.loads(self.table().schema().to_json())["fields"]
        self.columns = {field["name"]: simple(field["type"]) for field in schema}

    def readable(self):
        """The versions of which the log and all files are still there."""
        found = []
        for version in range(self.table().version() + 1):
            try:
                files = self.table(version).file_uris()
            except Exception:  # of a version whose log is gone
                continue
            if all(os.path.exists(file.removeprefix("file://")) for file in files):
                found.append(version)
        return found

    OPERATIONS = [
        append, append, append, append_more_columns, append_fewer_columns, overwrite, overwrite_schema, overwrite_part, delete, delete, delete_partition,
        update, update, merge, merge, compact, z_order, checkpoint, checkpoint, clean_log, compact_log, vacuum, restore,
    ]

    def checks(self):
        versions = self.readable()
        found = [self.check(versions[-1]), self.check(versions[-1], condition=True)]
        return found + [self.check(self.r.choice(versions), condition=i == 1) for i in range(2)]

    def check(self, version, condition=False):
        """All rows of a version, or those of which a condition is true."""
        table = self.table(version)
        fields = json.loads(table.schema().to_json())["fields"]
        columns = [{"name": field["name"], "type": simple(field["type"])} for field in fields]
        rows = table.to_pyarrow_table().select([c["name"] for c in columns]).to_pylist()
        return self.answer(version, columns, rows, condition)

    def asked(self, name, kind):
        """A value to compare a column with."""
        return TYPES[kind][1](self.r) if name not in self.keys or self.r.random() < 0.5 else self.r.choice(self.values[name])


def simple(kind):
    """The type of a column, as it is named here."""
    return {"array": "list"}.get(kind["type"], kind["type"]) if isinstance(kind, dict) else kind


if __name__ == "__main__":
    sequence.serve(Table)
