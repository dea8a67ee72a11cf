"""Makes spark_*.parquet and spark_*.json: python make_spark.py (pyspark 4.0.0, Java 17).

Spark writes the files in its legacy calendar, each on the clocks of one time zone, and reads
them back: the JSON beside a file holds what it read, dates in days and timestamps in
microseconds since 1970.
"""

import glob
import json
import os
import shutil
import tempfile

from pyspark.sql import SparkSession

HERE = os.path.dirname(os.path.abspath(__file__))

MOMENTS = [
    "0001-01-01 00:00:00", "0004-02-29 12:00:00", "0100-02-28 23:59:59.999999", "0100-03-01 00:00:00", "0200-03-01 00:00:00.000001",
    "1000-02-28 00:00:00", "1000-03-01 00:00:00", "1001-01-01 12:34:56", "1500-02-28 23:59:59", "1500-03-01 00:30:00", "1500-12-25 00:00:00",
    "1582-10-04 00:00:00", "1582-10-04 23:59:59.999999", "1582-10-15 00:00:00", "1799-12-31 01:02:03.456789", "1853-12-31 23:59:59",
    "1883-11-18 11:59:59", "1883-11-18 12:10:00", "1893-04-01 00:00:00", "1899-12-31 23:59:59.999999", "1900-01-01 00:00:00",
    "1900-01-01 15:00:00", "1969-12-31 23:59:59.999999", "2020-01-01 01:02:03", "9999-12-31 23:59:59.999999",
]
COLUMNS = "id, d, t, n, struct(d as d, t as t) as s, array(t, null) as l"
TRUTH = "id, unix_date(d) d, unix_micros(t) t, cast(n as string) n, unix_date(s.d) sd, unix_micros(s.t) st, unix_micros(l[0]) l0"

FILES = {
    "micros_utc": ("UTC", "TIMESTAMP_MICROS"),
    "micros_los_angeles": ("America/Los_Angeles", "TIMESTAMP_MICROS"),
    "micros_singapore": ("Asia/Singapore", "TIMESTAMP_MICROS"),
    "micros_offset": ("+05:30", "TIMESTAMP_MICROS"),
    "micros_gmt_offset": ("GMT-03:30", "TIMESTAMP_MICROS"),
    "millis_berlin": ("Europe/Berlin", "TIMESTAMP_MILLIS"),
    "int96_kolkata": ("Asia/Kolkata", "INT96"),
    "int96_new_york": ("America/New_York", "INT96"),
}


def write(spark, name, frame):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        frame.coalesce(1).write.parquet(out)
        [part] = glob.glob(os.path.join(out, "*.parquet"))
        target = os.path.join(HERE, "spark_" + name + ".parquet")
        shutil.copyfile(part, target)
    rows = spark.read.parquet(target).selectExpr(*split(TRUTH)).collect()
    with open(os.path.join(HERE, "spark_" + name + ".json"), "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row.asDict()) for row in rows) + "\n]\n")


def split(expressions):
    parts, depth, last = [], 0, 0
    for i, c in enumerate(expressions + ","):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(expressions[last:i])
            last = i + 1
    return parts


def main():
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1").getOrCreate()
    for mode in ("datetime", "int96"):
        spark.conf.set(f"spark.sql.parquet.{mode}RebaseModeInWrite", "LEGACY")
    for name, (zone, kind) in FILES.items():
        spark.conf.set("spark.sql.session.timeZone", zone)
        spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
        values = ", ".join(f"({i}, DATE'{m[:10]}', TIMESTAMP'{m}', TIMESTAMP_NTZ'{m}')" for i, m in enumerate(MOMENTS))
        frame = spark.sql(f"SELECT * FROM VALUES {values}, (null, null, null, null) AS rows(id, d, t, n)")
        write(spark, name, frame.selectExpr(*split(COLUMNS)))
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    recent = "SELECT * FROM VALUES (1, DATE'1582-10-15', TIMESTAMP'1900-01-01 01:00:00'), (2, DATE'2020-01-01', TIMESTAMP'2020-01-01 00:00:00') AS rows(id, d, t)"
    write(spark, "recent", spark.sql(recent).selectExpr("id", "d", "t", "cast(t as timestamp_ntz) n", "struct(d as d, t as t) as s", "array(t, null) as l"))


if __name__ == "__main__":
    main()
