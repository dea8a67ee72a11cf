"""Does at random what people do to Iceberg tables, with pyiceberg, and says what its own reader makes of them: see sequence.py.

Its reader is asked for the columns that a version has, those of branches being the table's own. pyiceberg writes versions 1 and 2 of the
format, and deletes by rewriting files: other ways to delete are among the tables that Spark wrote.
"""

import datetime
import decimal
import os
import random
import uuid

import pyarrow as pa
import pyarrow.parquet
import pyiceberg.types as t
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.expressions import AlwaysTrue, And, EqualTo, GreaterThanOrEqual, In, IsNull, LessThan
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform

import sequence

UTC = datetime.timezone.utc
DAY = datetime.date(2024, 2, 28)
TEXTS = ["", "a", "b c", "ü/ö", "50%", "x=y", "it's", "%20", "zebra", "z" * 40, "日本😀" * 6, "1"]
BYTES = [b"", b"\x00\xff", b"abc", b"\xff" * 20]
MAIN = "main"


def moment(r):
    return datetime.datetime(r.choice([1, 1969, 2024, 9999]), 2, 28, 23, 59, 59, r.choice([0, 123456, 999999]))


def digits(precision, scale):
    return lambda r: decimal.Decimal(r.choice([r.randint(-300, 300), r.randint(-(10**precision) + 1, 10**precision - 1)])).scaleb(-scale, decimal.Context(prec=40))


TYPES = {
    "boolean": (t.BooleanType(), lambda r: r.random() < 0.5),
    "int": (t.IntegerType(), lambda r: r.choice([-(2**31), 2**31 - 1, r.randint(-5, 5), r.randint(-5, 5)])),
    "long": (t.LongType(), lambda r: r.choice([-(2**63), 2**53 + 1, r.randint(-5, 5), r.randint(-5, 5)])),
    "float": (t.FloatType(), lambda r: r.choice([0.5, -1.5, 16777216.0, 0.0])),
    "double": (t.DoubleType(), lambda r: r.choice([0.1, -1e300, r.random(), 2.0, float("nan"), float("-inf")])),
    "decimal(9, 2)": (t.DecimalType(9, 2), digits(9, 2)),
    "decimal(18, 2)": (t.DecimalType(18, 2), digits(18, 2)),
    "decimal(30, 10)": (t.DecimalType(30, 10), digits(30, 10)),
    "date": (t.DateType(), lambda r: DAY + datetime.timedelta(r.choice([-30000, 0, 1, 2, 3]))),
    "time": (t.TimeType(), lambda r: moment(r).time()),
    "timestamp": (t.TimestampType(), moment),
    "timestamptz": (t.TimestamptzType(), lambda r: moment(r).replace(tzinfo=UTC)),
    "string": (t.StringType(), lambda r: r.choice(TEXTS)),
    "uuid": (t.UUIDType(), lambda r: uuid.UUID(int=r.randint(0, 3) << 126 | r.randint(0, 1))),
    "fixed[3]": (t.FixedType(3), lambda r: r.choice([b"abc", b"\x00\x00\xff"])),
    "binary": (t.BinaryType(), lambda r: r.choice(BYTES)),
    "list": (t.ListType(1, t.IntegerType(), element_required=False), lambda r: [r.choice([None, 1, 2]) for _ in range(r.randint(0, 3))]),
    "struct": (t.StructType(t.NestedField(1, "u", t.IntegerType()), t.NestedField(2, "v w", t.StringType())), None),
    "map": (t.MapType(1, t.StringType(), 2, t.IntegerType(), value_required=False), lambda r: {key: r.choice([None, 7]) for key in r.sample(TEXTS, r.randint(0, 2))}),
}
WIDER = {"int": "long", "float": "double", "decimal(9, 2)": "decimal(18, 2)"}
TRANSFORMS = ["identity"] * 4 + ["bucket[2]", "truncate[2]", "year", "month", "day", "hour", "void"]


def kind_of(iceberg):
    """The name of a type here; only the kind of a nested one."""
    name = str(iceberg)
    return name if name in TYPES else name.split("<")[0]


class Table(sequence.Sequence):
    """A table that is made and changed at random."""

    def __init__(self, folder, seed):
        self.folder, self.r, self.next, self.names = folder, random.Random(seed), 0, 0
        r = self.r
        self.keys = []  # columns of which values repeat, and by which files are divided
        self.values = {}
        fields = [t.NestedField(1, "id", t.LongType(), required=r.random() < 0.5)]
        for name in r.sample(["a", "B", "Ünï", "x y", "1st", "note", "c", "d"], r.randint(2, 7)):
            fields.append(t.NestedField(len(fields) + 1, name, TYPES[r.choice(list(TYPES))][0]))
        properties = {
            "format-version": r.choice("122"),
            "write.metadata.metrics.default": r.choice(["truncate(16)", "truncate(2)", "full", "counts", "none"]),
            "write.parquet.row-group-limit": r.choice(["3", "1000"]),
            "write.object-storage.enabled": r.choice(["true", "false"]),
            "commit.manifest-merge.enabled": r.choice(["true", "false"]),
            "commit.manifest.min-count-to-merge": "2",
        }
        catalog = InMemoryCatalog("sequence", warehouse="file://" + os.path.dirname(folder))
        catalog.create_namespace("n")
        self.table = catalog.create_table("n.t", Schema(*fields), location="file://" + folder, properties=properties)
        for name in r.sample(self.dividers(), min(len(self.dividers()), r.choice([0, 1, 1, 2]))):
            self.partition_by(name)
        self.append()

    def kind(self, name):
        return kind_of(self.table.schema().find_type(name))

    def value(self, field):
        """A value for a column, or a field in one."""
        r, kind = self.r, kind_of(field.field_type)
        if field.name != "id" and r.random() < 0.2:
            return None
        if field.name in self.values:
            return r.choice(self.values[field.name])
        if kind == "struct":
            return {inner.name: self.value(inner) for inner in field.field_type.fields}
        value = TYPES[kind][1](r)
        return list(value.items()) if isinstance(value, dict) else value.bytes if isinstance(value, uuid.UUID) else value

    def rows(self, count, ids=None):
        """New rows; the ids of some may be there already if they are given."""
        schema, found = self.table.schema(), []
        for i in range(count):
            found.append({field.name: self.value(field) for field in schema.fields} | {"id": ids[i] if ids else self.next})
            self.next += not ids
        return pa.Table.from_pylist(found, schema=schema.as_arrow())

    def some(self):
        """A condition on rows, for pyiceberg."""
        r = self.r
        low = r.randint(0, self.next)
        return r.choice([
            EqualTo("id", low), In("id", set(range(low % 3, self.next + 3, 3))), And(GreaterThanOrEqual("id", low), LessThan("id", low + 4)),
            LessThan("id", low), IsNull(r.choice(self.plain())),
        ])

    def plain(self):
        return [field.name for field in self.table.schema().fields if field.field_type.is_primitive]

    def dividers(self):
        """Columns that may divide files: pyiceberg fails where UUIDs or times of day do, and writes doubles as floats into metadata."""
        return [name for name in self.plain() if self.kind(name) not in ("uuid", "time", "double")]

    def others(self):
        """Columns that may be changed."""
        return [field for field in self.table.schema().fields if field.name != "id"]

    def append(self):
        self.table.append(self.rows(self.r.randint(1, 12)))

    def append_to_branch(self):
        branches = [name for name, ref in self.table.refs().items() if ref.snapshot_ref_type.value == "branch"]
        self.table.append(self.rows(self.r.randint(1, 4)), branch=self.r.choice(branches))

    def overwrite(self):
        self.table.overwrite(self.rows(self.r.randint(1, 8)))

    def overwrite_part(self):
        self.table.overwrite(self.rows(self.r.randint(1, 4)), overwrite_filter=self.some())

    def overwrite_partitions(self):
        self.table.dynamic_partition_overwrite(self.rows(self.r.randint(1, 4)))

    def delete(self):
        self.table.delete(self.some())

    def upsert(self):
        ids = sorted({self.r.randint(0, self.next + 3) for _ in range(4)})
        self.table.upsert(self.rows(len(ids), ids), join_cols=["id"])
        self.next = max(self.next, ids[-1] + 1)

    def add_files(self):
        """Adds a file without field ids, of which the columns are found by names that they have, or had."""
        if self.table.spec().fields and self.table.properties["write.metadata.metrics.default"] in ("counts", "none"):
            raise ValueError("pyiceberg would take the partition of the file for NULL")
        rows = self.rows(self.r.randint(1, 5))
        schema = pa.schema([pa.field(field.name, without_ids(field.type), field.nullable) for field in rows.schema])
        self.names += 1
        path = f"{self.folder}/data/added-{self.names}.parquet"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows.to_pylist(), schema=schema), path, row_group_size=3)
        self.table.add_files(["file://" + path])

    def add_column(self):
        self.names += 1
        structs = [f.name for f in self.others() if f.field_type.is_struct]
        path = (self.r.choice(structs),) if structs and self.r.random() < 0.5 else ()
        with self.table.update_schema() as update:
            update.add_column((*path, f"new {self.names}"), TYPES[self.r.choice([k for k in TYPES if not path or k in ("int", "string")])][0])

    def drop_column(self):
        with self.table.update_schema() as update:
            update.delete_column(self.r.choice(self.others()).name)

    def drop_and_add(self):
        """A column of the same name that has nothing to do with the one before."""
        name = self.r.choice(self.others()).name
        self.keep_names()
        with self.table.update_schema() as update:
            update.delete_column(name)
        self.values.pop(name, None)
        with self.table.update_schema() as update:
            update.add_column(name, TYPES[self.r.choice(list(TYPES))][0])

    def rename_column(self):
        self.names += 1
        field = self.r.choice(self.others())
        old, new = field.name, f"named {self.names}"
        path = (old,)
        if field.field_type.is_struct and self.r.random() < 0.5:
            path = (old, self.r.choice(field.field_type.fields).name)
        with self.table.update_schema() as update:
            update.rename_column(path, new)
        if len(path) == 1 and old in self.values:
            self.values[new] = self.values.pop(old)
            self.keys = [new if key == old else key for key in self.keys]

    def swap_names(self):
        self.keep_names()
        one, other = self.r.sample([field.name for field in self.others()], 2)
        with self.table.transaction() as transaction:
            for old, new in ((one, "swapped"), (other, one), ("swapped", other)):
                with transaction.update_schema() as update:
                    update.rename_column(old, new)
        both = {one: self.values.pop(other, None), other: self.values.pop(one, None)}
        self.values |= {name: values for name, values in both.items() if values}
        self.keys = list(self.values)

    def keep_names(self):
        """Once there are files without ids, a name that is given to another column would lead to the old one in them."""
        if self.table.name_mapping():
            raise ValueError("names are kept")

    def move_column(self):
        with self.table.update_schema() as update:
            one, other = self.r.sample([field.name for field in self.table.schema().fields], 2)
            self.r.choice([lambda: update.move_first(one), lambda: update.move_after(one, other), lambda: update.move_before(one, other)])()

    def widen_column(self):
        fields = [(field.name,) for field in self.others() if kind_of(field.field_type) in WIDER]
        fields += [(f.name, inner.name) for f in self.others() if f.field_type.is_struct for inner in f.field_type.fields if kind_of(inner.field_type) in WIDER]
        path = self.r.choice(fields)
        with self.table.update_schema() as update:
            update.update_column(path, TYPES[WIDER[self.kind(".".join(path))]][0])

    def make_optional(self):
        with self.table.update_schema() as update:
            update.make_column_optional("id")

    def partition_more(self):
        self.partition_by(self.r.choice(self.dividers()))

    def partition_by(self, name):
        """Files are divided by a column more, of which few values are written from now on."""
        r = self.r
        transform = r.choice([kind for kind in TRANSFORMS if self.suits(name, kind)])
        with self.table.update_spec() as update:
            update.add_field(name, transform, f"part {len(self.table.specs())}" if r.random() < 0.5 else None)
        if name != "id" and name not in self.values:
            field = self.table.schema().find_field(name)
            self.values[name] = [value for value in (self.value(field) for _ in range(9)) if value is not None][:2]
            self.keys.append(name)

    def suits(self, name, transform):
        """pyiceberg fails to write the NULL that void makes of a column that must have values."""
        if transform == "void" and self.table.schema().find_field(name).required:
            return False
        return parse_transform(transform).can_transform(self.table.schema().find_type(name))

    def partition_less(self):
        with self.table.update_spec() as update:
            update.remove_field(self.r.choice(self.table.spec().fields).name)

    def name_version(self):
        self.names += 1
        with self.table.manage_snapshots() as manage:
            make = self.r.choice([manage.create_tag, manage.create_branch])
            make(self.r.choice(self.table.snapshots()).snapshot_id, f"v{self.names}")

    def forget_name(self):
        name = self.r.choice([name for name in self.table.refs() if name != MAIN])
        with self.table.manage_snapshots() as manage:
            (manage.remove_tag if self.table.refs()[name].snapshot_ref_type.value == "tag" else manage.remove_branch)(name)

    def go_back(self):
        with self.table.manage_snapshots() as manage:
            manage.set_current_snapshot(self.r.choice(self.table.snapshots()).snapshot_id)

    def expire(self):
        named = {ref.snapshot_id for ref in self.table.refs().values()}
        found = [s.snapshot_id for s in self.table.snapshots() if s.snapshot_id not in named]
        self.table.maintenance.expire_snapshots().by_id(self.r.choice(found)).commit()

    def upgrade(self):
        with self.table.transaction() as transaction:
            transaction.upgrade_table_version(2)

    OPERATIONS = [
        append, append, append, append_to_branch, overwrite, overwrite_part, overwrite_part, overwrite_partitions, delete, delete, upsert, upsert,
        add_files, add_files, add_column, add_column, drop_column, drop_and_add, rename_column, rename_column, swap_names, move_column, widen_column,
        widen_column, make_optional, partition_more, partition_more, partition_less, name_version, name_version, forget_name, go_back, expire, upgrade,
    ]

    def checks(self):
        r, table = self.r, self.table
        found = [self.check("latest", table.current_snapshot(), table.schema(), condition) for condition in (False, True)]
        then = r.choice(table.snapshots())
        found.append(self.check(then.snapshot_id, then, table.schemas()[then.schema_id], r.random() < 0.5))
        name = r.choice(list(table.refs()))
        named = table.snapshot_by_name(name)
        is_branch = table.refs()[name].snapshot_ref_type.value == "branch"
        found.append(self.check(name, named, table.schema() if is_branch else table.schemas()[named.schema_id], r.random() < 0.5))
        at = r.choice(table.history()).timestamp_ms
        then = table.snapshot_as_of_timestamp(at)
        when = datetime.datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        found.append(self.check(when, then, table.schemas()[then.schema_id], r.random() < 0.5))
        return found

    def check(self, version, snapshot, schema, condition):
        """All rows of a version, or those of which a condition is true."""
        tasks = list(self.table.scan(snapshot_id=snapshot.snapshot_id).plan_files())
        rows = ArrowScan(self.table.metadata, self.table.io, schema, AlwaysTrue()).to_table(tasks).to_pylist()
        assert len(rows) == sum(task.file.record_count for task in tasks)
        columns = [{"name": field.name, "type": kind_of(field.field_type)} for field in schema.fields]
        for row in rows:
            row |= {c["name"]: dict(row[c["name"]]) for c in columns if c["type"] == "map" and row[c["name"]] is not None}
        return self.answer(version, columns, rows, condition)

    def asked(self, name, kind):
        """A value to compare a column with."""
        known = self.values.get(name)
        return self.r.choice(known) if known and kind == self.kind_now(name) and self.r.random() < 0.5 else TYPES[kind][1](self.r)

    def kind_now(self, name):
        return self.kind(name) if name in self.table.schema().column_names else None


def without_ids(arrow):
    """A type of Arrow without the field ids that pyiceberg gives it."""
    if pa.types.is_struct(arrow):
        return pa.struct([pa.field(field.name, without_ids(field.type)) for field in arrow])
    if pa.types.is_map(arrow):
        return pa.map_(without_ids(arrow.key_type), without_ids(arrow.item_type))
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return pa.list_(without_ids(arrow.value_type))
    return arrow


if __name__ == "__main__":
    sequence.serve(Table)
