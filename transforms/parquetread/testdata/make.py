"""Makes the Parquet files of this folder: python make.py (pyarrow 26.0.1).

Every file is small and odd in one way. The values that the tests expect are literals in
fixtures_test.go; a file that is made anew must still hold them.
"""

import datetime as dt
import decimal
import os
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

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
    for make in [far_dates, codecs, encodings, types, embedded, nested, shapes]:
        make()
