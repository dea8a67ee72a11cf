"""Makes the Parquet files of this folder: python make.py (pyarrow 26.0.1, polars, duckdb, fastparquet, pyspark and Java).

Each is a small file of flat columns that a writer makes when it is left alone, or nearly so. The tests
change bytes of them and hold both engines against each other; no test knows the values.
"""

import datetime as dt
import decimal
import glob
import os
import random
import shutil
import tempfile

import duckdb
import fastparquet
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 150


def table():
    random.seed(1)

    def column(make, null=7):
        return [None if null and i % null == null - 1 else make(i) for i in range(ROWS)]

    return pa.table(
        {
            "id": pa.array(range(1000, 1000 + ROWS), pa.int64()),
            "n": pa.array(column(lambda i: random.randint(-(2**31), 2**31 - 1)), pa.int32()),
            "small": pa.array(column(lambda i: random.randint(-300, 300), 0), pa.int16()),
            "b": pa.array(column(lambda i: i % 3 == 0), pa.bool_()),
            "f": pa.array(column(lambda i: random.random()), pa.float64()),
            "d5": pa.array(column(lambda i: decimal.Decimal(random.randint(-99999, 99999)).scaleb(-2)), pa.decimal128(5, 2)),
            "d20": pa.array(column(lambda i: decimal.Decimal(random.randint(-(10**20) + 1, 10**20 - 1)).scaleb(-3)), pa.decimal128(20, 3)),
            "s": pa.array(column(lambda i: ["AIR", "MAIL", "RAIL", "SHIP", "REG AIR"][i % 5]), pa.string()),
            "t": pa.array(column(lambda i: "row %d of text that repeats itself, and %d" % (i, random.randint(0, 10**9))), pa.string()),
            "day": pa.array(column(lambda i: dt.date(2020, 1, 1) + dt.timedelta(random.randint(-20000, 20000)), 0), pa.date32()),
            "at": pa.array(column(lambda i: dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(seconds=random.randint(-(10**9), 10**9))), pa.timestamp("us", "UTC")),
        }
    )


def path(name):
    return os.path.join(HERE, name + ".parquet")


def arrow(rows):
    def write(name, **options):
        pq.write_table(rows, path("arrow_" + name), **options)

    write("snappy", row_group_size=60)
    write("snappy_pages", data_page_size=128, write_batch_size=16, use_dictionary=["s", "small"], row_group_size=100)
    write("zstd_checksums", compression="zstd", write_page_checksum=True, data_page_size=256, write_batch_size=32)
    write("none", compression="none", store_decimal_as_integer=True, use_dictionary=False)
    write("gzip_v2", compression="gzip", data_page_version="2.0")
    write("lz4", compression="lz4")
    encodings = {"id": "DELTA_BINARY_PACKED", "n": "DELTA_BINARY_PACKED", "f": "BYTE_STREAM_SPLIT", "t": "DELTA_BYTE_ARRAY", "s": "DELTA_LENGTH_BYTE_ARRAY"}
    write("encodings", use_dictionary=False, column_encoding=encodings, data_page_version="2.0", compression="zstd")


def others(rows):
    frame = pl.from_arrow(rows)
    for codec in ["snappy", "zstd"]:
        frame.write_parquet(path("polars_" + codec), compression=codec, row_group_size=100)
        duckdb.sql(f"COPY (SELECT * FROM rows) TO '{path('duckdb_' + codec)}' (FORMAT parquet, CODEC '{codec}')")
    fastparquet.write(path("fastparquet"), rows.drop_columns(["d5", "d20", "day", "at"]).to_pandas(), compression="SNAPPY")


def spark(rows):
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC").config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(rows, folder + "/in.parquet")
        frame = session.read.parquet(folder + "/in.parquet").coalesce(1)
        for codec in ["snappy", "gzip", "zstd"]:
            frame.write.option("compression", codec).option("parquet.page.size", "512").parquet(f"{folder}/{codec}")
            shutil.copy(glob.glob(f"{folder}/{codec}/*.parquet")[0], path("spark_" + codec))


if __name__ == "__main__":
    rows = table()
    arrow(rows)
    others(rows)
    spark(rows)
