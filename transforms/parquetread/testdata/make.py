"""Makes the Parquet files of this folder: python make.py (pyarrow 26.0.1, polars, duckdb).

Every file is small and odd in one way. The values that the tests expect of flat columns are
literals in fixtures_test.go; a file that is made anew must still hold them. What is expected
of nested columns stands in a JSON file beside, in the form of dump.py, as the writer had it
in memory.
"""

import base64

import datetime as dt
import decimal
import itertools
import json
import os
import random
import uuid

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dump import canonical

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["", "a", None, "žluťoučký kůň", "a\x00b", "longer than twelve bytes", "a"]


def write(name, table, **options):
    pq.write_table(table, os.path.join(HERE, name + ".parquet"), **options)


def far_dates():
    moments = [
        dt.datetime(1, 1, 1),
        dt.datetime(1582, 10, 15, 12, 0, 0, 1),
        dt.datetime(1677, 9, 21, 0, 12, 43, 145224),
        None,
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
        dt.datetime(2026, 1, 2, 3, 4, 5, 678901),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
    ]
    table = pa.table({"ts": pa.array(moments, pa.timestamp("us"))})
    write("int96", table, use_deprecated_int96_timestamps=True)


def codecs():
    table = pa.table({
        "id": pa.array(range(200), pa.int64()),
        "text": pa.array([None if i % 7 == 0 else f"value {i % 20}" for i in range(200)]),
    })
    for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
        write("codec_" + codec, table, compression=codec)
        write("codec_" + codec + "_v2", table, compression=codec, data_page_version="2.0")


def encodings():
    n = 300
    columns = {
        "delta_i32": ("DELTA_BINARY_PACKED", pa.array([None if i % 11 == 0 else (i * i * 7919) % 100003 - 50000 for i in range(n)], pa.int32())),
        "delta_i64": ("DELTA_BINARY_PACKED", pa.array([(-1) ** i * i**7 for i in range(n)], pa.int64())),
        "lengths": ("DELTA_LENGTH_BYTE_ARRAY", pa.array([None if i % 5 == 0 else "x" * (i % 13) for i in range(n)])),
        "prefixes": ("DELTA_BYTE_ARRAY", pa.array([f"shared prefix {i:05d}" for i in range(n)])),
        "fixed_prefixes": ("DELTA_BYTE_ARRAY", pa.array([b"%06d" % i for i in range(n)], pa.binary(6))),
        "split_f32": ("BYTE_STREAM_SPLIT", pa.array([None if i % 3 == 0 else i / 8 for i in range(n)], pa.float32())),
        "split_f64": ("BYTE_STREAM_SPLIT", pa.array([i / 3 for i in range(n)], pa.float64())),
        "split_i32": ("BYTE_STREAM_SPLIT", pa.array(range(n), pa.int32())),
        "split_fixed": ("BYTE_STREAM_SPLIT", pa.array([b"%03d" % i for i in range(n)], pa.binary(3))),
        "rle_bool": ("RLE", pa.array([None if i % 9 == 0 else i % 4 == 1 for i in range(n)])),
        "plain_bool": ("PLAIN", pa.array([i % 3 == 0 for i in range(n)])),
    }
    table = pa.table({name: values for name, (_, values) in columns.items()})
    for version in ["1.0", "2.0"]:
        write(
            "encodings_v" + version[0], table, use_dictionary=False, data_page_version=version, data_page_size=300,
            write_batch_size=50, write_page_checksum=True, column_encoding={name: encoding for name, (encoding, _) in columns.items()},
        )


def types():
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678901)
    naive = {unit: pa.array([moment, None, dt.datetime(1960, 1, 1)], pa.timestamp(unit)).cast(pa.timestamp(unit), safe=False) for unit in ["us", "ns"]}
    D = decimal.Decimal
    table = pa.table({
        "i8": pa.array([-128, None, 127], pa.int8()),
        "u8": pa.array([0, None, 255], pa.uint8()),
        "i16": pa.array([-32768, None, 32767], pa.int16()),
        "u16": pa.array([0, None, 65535], pa.uint16()),
        "u32": pa.array([0, None, 4294967295], pa.uint32()),
        "u64": pa.array([0, None, 18446744073709551615], pa.uint64()),
        "f16": pa.array([1.5, None, -65504.0], pa.float16()),
        "date": pa.array([dt.date(1, 1, 1), None, dt.date(9999, 12, 31)], pa.date32()),
        "ts_ms_utc": pa.array([1767323045678, None, -62135596800000], pa.timestamp("ms", tz="Europe/Prague")),
        "ts_us": naive["us"],
        "ts_ns": naive["ns"],
        "t_ms": pa.array([dt.time(23, 59, 59, 999000), None, dt.time(0)], pa.time32("ms")),
        "t_us": pa.array([dt.time(23, 59, 59, 999999), None, dt.time(0)], pa.time64("us")),
        "t_ns": pa.array([86399999999999, None, 0], pa.time64("ns")),
        "dec_9_2": pa.array([D("-9999999.99"), None, D("0.01")], pa.decimal128(9, 2)),
        "dec_38_10": pa.array([D("-9999999999999999999999999999.9999999999"), None, D("1.5")], pa.decimal128(38, 10)),
        "dec_76_5": pa.array([D("-" + "9" * 71 + ".99999"), None, D("-0.00001")], pa.decimal256(76, 5)),
        "uuid": pa.array([uuid.UUID(int=0).bytes, None, uuid.UUID("12345678-9abc-def0-1234-56789abcdef0").bytes], pa.uuid()),
        "json": pa.array(['{"a":1}', None, "[]"], pa.json_()),
        "nothing": pa.nulls(3),
        "bytes": pa.array([b"", None, b"\xff\x00"], pa.binary()),
        "fixed": pa.array([b"abc", None, b"\x00\x01\x02"], pa.binary(3)),
        "text": pa.array(["", None, "ž"]),
    })
    write("types", table)
    write("types_integers", table.select(["dec_9_2"]), store_decimal_as_integer=True)
    legacy = ["i8", "u16", "u32", "u64", "date", "ts_ms_utc", "t_ms", "t_us", "dec_9_2", "text"]
    write("types_legacy", table.select(legacy), version="1.0", store_schema=False)


def embedded():
    table = pa.table({
        "view": pa.array(TEXTS, pa.string_view()),
        "large": pa.array(TEXTS, pa.large_string()),
        "dictionary": pa.array(TEXTS).dictionary_encode(),
        "bytes_view": pa.array([None if t is None else t.encode() for t in TEXTS], pa.binary_view()),
        "duration_s": pa.array([1, None, -1, 0, 2, 3, 4], pa.duration("s")),
        "duration_ns": pa.array([1, None, -1, 0, 2, 3, 4], pa.duration("ns")),
    })
    write("embedded", table)
    table = table.append_column("small_decimal", pa.array([decimal.Decimal("1.5")] * 7, pa.decimal32(5, 2)))
    write("embedded_new", table)
    write("embedded_broken", table.drop_columns(["view", "small_decimal"]).replace_schema_metadata({"ARROW:schema": "bm90IGEgc2NoZW1h"}), store_schema=False)


def nested():
    write("nested", pa.table({
        "flat": pa.array([1, 2], pa.int32()),
        "list": pa.array([[1, None], None], pa.list_(pa.int32())),
        "struct": pa.array([{"a": 1, "b": "x"}, None], pa.struct({"a": pa.int64(), "b": pa.string()})),
        "map": pa.array([[("k", 1.5)], None], pa.map_(pa.string(), pa.float64())),
        "text": pa.array(["x", "y"]),
    }))


def expect(name, table):
    with open(os.path.join(HERE, name + ".json"), "w") as f:
        columns = [[name, canonical(column)] for name, column in zip(table.column_names, table.columns)]
        json.dump({"rows": table.num_rows, "columns": columns}, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def arbitrary(kind, rnd, nullable=True):
    """Returns a value of a type: often null, and often empty where it has a length."""
    if nullable and rnd.random() < 0.25:
        return None
    some = range(rnd.choice([0, 0, 1, 2, 5]))
    if pa.types.is_struct(kind):
        return {f.name: arbitrary(f.type, rnd, f.nullable) for f in kind}
    if pa.types.is_map(kind):
        return [(arbitrary(kind.key_type, rnd, False), arbitrary(kind.item_type, rnd)) for _ in some]
    if pa.types.is_fixed_size_list(kind):
        return [arbitrary(kind.value_type, rnd) for _ in range(kind.list_size)]
    if pa.types.is_nested(kind):
        return [arbitrary(kind.value_type, rnd, kind.value_field.nullable) for _ in some]
    number = rnd.randrange(100)
    if pa.types.is_string(kind):
        return f"text {number}"
    if pa.types.is_fixed_size_binary(kind):
        return b"%03d" % number
    if pa.types.is_decimal(kind):
        return decimal.Decimal(number - 50) / 4
    if pa.types.is_timestamp(kind):
        return dt.datetime(2026, 1, 1) + dt.timedelta(hours=number)
    if pa.types.is_boolean(kind):
        return number % 2 == 0
    return None if pa.types.is_null(kind) else number


NESTED = {
    "structs": pa.struct({"a": pa.struct({"b": pa.struct({"c": pa.int32()}), "d": pa.string()}), "e": pa.bool_()}),
    "required": pa.struct([pa.field("a", pa.int64(), False), pa.field("b", pa.struct([pa.field("c", pa.string(), False)]), False)]),
    "lists": pa.list_(pa.list_(pa.list_(pa.int32()))),
    "items": pa.list_(pa.struct({"a": pa.string(), "b": pa.list_(pa.int64()), "c": pa.struct({"d": pa.decimal128(9, 2), "e": pa.timestamp("us")})})),
    "required_items": pa.list_(pa.field("element", pa.struct([pa.field("a", pa.int16(), False)]), False)),
    "map": pa.map_(pa.string(), pa.float64()),
    "maps": pa.map_(pa.int32(), pa.map_(pa.string(), pa.list_(pa.struct({"a": pa.float32(), "b": pa.binary(3)})))),
    "fixed": pa.list_(pa.float16(), 2),
    "large": pa.large_list(pa.bool_()),
    "nothing": pa.list_(pa.struct({"a": pa.null()})),
}


def nested_shapes():
    rnd = random.Random(1)
    rows = 40
    table = pa.table({name: pa.array([arbitrary(kind, rnd) for _ in range(rows)], kind) for name, kind in NESTED.items()})
    expect("nested_shapes", table)
    write("nested_shapes_v1", table, data_page_size=64, write_batch_size=3, write_page_checksum=True)
    write("nested_shapes_v2", table, data_page_version="2.0", use_dictionary=False, compression="zstd", row_group_size=15)
    write("nested_shapes_odd", table, write_statistics=False, use_compliant_nested_type=False, dictionary_pagesize_limit=16, data_page_size=32,
          write_batch_size=1, row_group_size=25, compression="none")
    write("nested_no_rows", table.slice(0, 0))


def numbered(field, ids):
    """Returns a field with an id, and ids in all that is in it, depth first."""
    field = field.with_metadata({"PARQUET:field_id": str(next(ids))})
    kind = field.type
    if pa.types.is_struct(kind):
        kind = pa.struct([numbered(inner, ids) for inner in kind])
    elif pa.types.is_map(kind):
        kind = pa.map_(numbered(kind.key_field, ids), numbered(kind.item_field, ids))
    elif pa.types.is_list(kind):
        kind = pa.list_(numbered(kind.value_field, ids))
    return pa.field(field.name, kind, field.nullable, field.metadata)


def nested_ids():
    rnd = random.Random(2)
    ids = itertools.count(1)
    fields = [numbered(pa.field(name, kind), ids) for name, kind in NESTED.items() if not pa.types.is_fixed_size_list(kind) and not pa.types.is_large_list(kind)]
    table = pa.table([pa.array([arbitrary(f.type, rnd) for _ in range(30)], f.type) for f in fields], pa.schema(fields))
    write("nested_ids", table, row_group_size=20)


def nested_others():
    frame = pl.DataFrame({
        "lists": [[[1, None], []], None, [], [None, [3]]],
        "structs": [{"a": [{"b": "x"}, None], "c": 1.5}, {"a": None, "c": None}, {"a": [], "c": -0.0}, None],
        "category": pl.Series([["a", "b", "a"], ["b"], None, []], dtype=pl.List(pl.Categorical)),
        "array": pl.Series([[1, 2], None, [3, None], [5, 6]], dtype=pl.Array(pl.Int8, 2)),
    })
    frame.write_parquet(os.path.join(HERE, "nested_polars.parquet"))
    expect("nested_polars", frame.to_arrow())
    query = """select * from (values
        (1, [1, null, 3], {'a': 1, 'b': [{'c': 'x'}, null]}, map {'k': [1.5], 'l': null}),
        (2, [], null, map {}),
        (3, null, {'a': null, 'b': []}, null)) t(id, list, struct, map)"""
    expect("nested_duckdb", duckdb.sql(query).arrow().read_all())
    duckdb.sql(f"copy ({query}) to '{os.path.join(HERE, 'nested_duckdb.parquet')}' (parquet_version v2, row_group_size 2)")


def embedded_odd():
    """Schemas that say more of plain columns than a reader can know."""
    table = pa.table({"runs": [1, 1, 2], "tensor": [[1, 2], [3, 4], None], "bool": pa.array([1, 0, None], pa.int8())})
    schema = pa.schema({
        "runs": pa.run_end_encoded(pa.int32(), pa.int64()), "tensor": pa.fixed_shape_tensor(pa.int64(), [2]), "bool": pa.bool8(),
    })
    text = base64.b64encode(schema.serialize().to_pybytes())
    expect("embedded_odd", table)
    write("embedded_odd", table.replace_schema_metadata({"ARROW:schema": text}), store_schema=False)


def shapes():
    schema = pa.schema({"id": pa.int64(), "text": pa.string()})
    write("no_rows", schema.empty_table())
    with pq.ParquetWriter(os.path.join(HERE, "no_row_groups.parquet"), schema):
        pass
    with pq.ParquetWriter(os.path.join(HERE, "empty_row_group.parquet"), schema) as w:
        for rows in [2, 0, 3]:
            w.write_table(pa.table({"id": list(range(rows)), "text": ["x"] * rows}, schema=schema), row_group_size=max(rows, 1))
    nulls = pa.table({"id": pa.nulls(1000, pa.int64()), "text": pa.nulls(1000, pa.string())})
    write("all_null", nulls)
    write("all_null_v2", nulls, data_page_version="2.0", compression="snappy")
    pages = pa.table({
        "id": pa.array(range(1000), pa.int64()),
        "text": pa.array([None if i % 3 == 0 else f"{i % 50:040d}" for i in range(1000)]),
    })
    write("pages", pages, row_group_size=300, data_page_size=256, dictionary_pagesize_limit=300, write_batch_size=16, compression="zstd")


if __name__ == "__main__":
    for make in [far_dates, codecs, encodings, types, embedded, embedded_odd, nested, nested_shapes, nested_ids, nested_others, shapes]:
        make()
