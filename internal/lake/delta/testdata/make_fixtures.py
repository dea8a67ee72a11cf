"""Makes the tables beside it, and NAME.json with what their writers say of them: python make_fixtures.py [--rows] [NAME…]

It needs Java 17, pyspark 4.0.1, delta-spark 4.0.1 and deltalake 1.6.6. Each table is in a folder of its own; its JSON has, for
each version that can be read, what Spark's own replay of the log says (the files with their partition values and deleted
rows), the rows that Spark reads, and the rows that delta-rs reads, or why it refuses. Beside it, NAME.rows has a line of JSON for
each version, of all values of all rows as Spark reads them; none for versions of many rows. --rows writes that anew of the tables
as they stand, and makes none.
"""

import decimal
import glob
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time

import delta
import deltalake
import pyarrow as pa
from pyspark.sql import SparkSession, functions
from pyspark.sql.classic.dataframe import DataFrame
from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType

HERE = os.path.dirname(os.path.abspath(__file__))


def short(keys):
    """Keys, sorted as texts; of many, only the SHA-256 of their lines."""
    keys = sorted(keys)
    if len(keys) < 1000:
        return keys
    return ["sha256 " + hashlib.sha256("".join(key + "\n" for key in keys).encode()).hexdigest()]


FEW = 1000  # rows, of which all values are written down


def text(frame, column):
    """A column of a frame as text: nested values as JSON with all their fields, bytes in hexadecimal, times in UTC."""
    quoted, kind = f"`{column}`", frame.schema[column].dataType
    if isinstance(kind, (StructType, ArrayType, MapType)):
        return f"to_json({quoted}, map('ignoreNullFields', 'false'))"
    return f"hex({quoted})" if isinstance(kind, BinaryType) else f"cast({quoted} AS STRING)"


class Maker:
    """Makes tables in a folder, by Spark."""

    def __init__(self, folder):
        self.folder = folder
        builder = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.warehouse.dir", os.path.join(folder, "warehouse"))
            .config("spark.databricks.delta.snapshotPartitions", "1")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        )
        self.spark = delta.configure_spark_with_delta_pip(builder).getOrCreate()
        self.spark.sparkContext.setLogLevel("ERROR")

    def path(self, name):
        return os.path.join(self.folder, name)

    def sql(self, name, *statements):
        """Runs statements, in which T stands for the table."""
        for statement in statements:
            self.spark.sql(re.sub(r"\bT\b", f"delta.`{self.path(name)}`", statement))

    def set(self, **settings):
        for key, value in settings.items():
            self.spark.conf.set("spark.databricks.delta." + key.replace("__", "."), value)

    def log(self, name):
        jvm = self.spark._jvm
        jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
        return jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, self.path(name))

    def checkpoint(self, name):
        self.log(name).checkpoint()

    def frame(self, name, version):
        return self.spark.read.format("delta").option("versionAsOf", version).load(self.path(name))

    def rows(self, name, version):
        """All values of a version, or None if there are many."""
        frame = self.frame(name, version)
        rows = frame.selectExpr(*(text(frame, column) for column in frame.columns)).limit(FEW).collect()
        return None if len(rows) == FEW else sorted((list(row) for row in rows), key=json.dumps)

    def describe(self, name, version):
        frame = self.frame(name, version)
        log = self.log(name)
        empty = self.spark._jvm.scala.Option.empty()
        snapshot = log.getSnapshotAt(version, empty, empty)
        key = frame.columns[0]
        return {
            "version": version,
            "columns": json.loads(frame.schema.json())["fields"],
            "partition": list(self.spark._jvm.scala.collection.JavaConverters.seqAsJavaList(snapshot.metadata().partitionColumns())),
            "files": self.actions(snapshot),
            "rows": frame.count(),
            "keys": short(str(row[0]) for row in frame.select(f"`{key}`").collect()),
            "delta_rs": self.delta_rs(name, version, key),
        }

    def parse_statistics(self, name):
        """Makes columns of the statistics in the checkpoint of the latest version."""
        snapshot = self.log(name).unsafeVolatileSnapshot()
        schema = StructType.fromJson(json.loads(snapshot.statsSchema().json()))
        checkpoint = f"{self.path(name)}/_delta_log/{snapshot.version():020d}.checkpoint.parquet"
        frame = self.spark.read.parquet(checkpoint)
        parsed = functions.col("add").withField("stats_parsed", functions.from_json("add.stats", schema)).dropFields("stats")
        frame = frame.withColumn("add", functions.when(functions.col("add").isNotNull(), parsed))
        frame.coalesce(1).write.parquet(self.path("parsed"))
        shutil.copy(glob.glob(self.path("parsed") + "/*.parquet")[0], checkpoint)
        os.remove(f"{os.path.dirname(checkpoint)}/.{os.path.basename(checkpoint)}.crc")

    def actions(self, snapshot):
        frame = DataFrame(snapshot.allFiles().toDF(), self.spark).selectExpr(
            "path", "size", "partitionValues", "deletionVector.cardinality as deleted",
            "cast(get_json_object(stats, '$.numRecords') as long) as rows",
        )
        files = [json.loads(row) for row in frame.toJSON().collect()]
        return sorted(files, key=lambda f: (f["path"], f.get("deleted", 0)))

    def delta_rs(self, name, version, key):
        """What delta-rs makes of it."""
        try:
            table = deltalake.DeltaTable(self.path(name), version=version)
            builder = deltalake.QueryBuilder().register("t", table)
            read = pa.table(builder.execute(f'select "{key}" from t').read_all())
            return {"keys": short(str(value) for value in read.column(0).to_pylist())}
        except Exception as error:  # which is what there is to say
            return {"refuses": str(error).splitlines()[0][:200].replace(self.folder, "")}


def vectors(m, name):
    """Deletion vectors: made, replaced, of a whole file, in a checkpoint, and a file that a delete rewrote."""
    m.sql(
        name,
        "CREATE TABLE T (id BIGINT, day DATE, note STRING) USING delta PARTITIONED BY (day) TBLPROPERTIES ('delta.enableDeletionVectors'='true')",
        "INSERT INTO T SELECT /*+ COALESCE(1) */ id, date'2024-01-01' + CAST(id % 2 AS INT), 'n' || id FROM range(0, 100)",
        "DELETE FROM T WHERE id % 10 = 3",
        "DELETE FROM T WHERE id BETWEEN 20 AND 45",
        "INSERT INTO T SELECT /*+ COALESCE(1) */ id, NULL, 'n' || id FROM range(100, 120)",
        "DELETE FROM T WHERE id = 119",
        "UPDATE T SET note = 'changed' WHERE id = 1",
        "DELETE FROM T WHERE day = '2024-01-02'",
    )
    m.checkpoint(name)
    m.sql(name, "DELETE FROM T WHERE id IN (0, 2)")


def many_deletes(m, name):
    """A deletion vector with containers of every kind: some 200,000 rows in one file, of which most are deleted."""
    hadoop = m.spark._jsc.hadoopConfiguration()
    hadoop.set("parquet.writer.version", "v2")  # whose encodings keep the file small
    hadoop.set("parquet.enable.dictionary", "false")
    m.sql(
        name,
        "CREATE TABLE T (id INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors'='true')",
        "INSERT INTO T SELECT /*+ COALESCE(1) */ CAST(id AS INT) FROM range(0, 200000)",
        "DELETE FROM T WHERE (id < 65536 AND id % 3 = 0) OR (id BETWEEN 70000 AND 120000) OR (id > 140000 AND id % 1000 = 7)",
    )
    hadoop.unset("parquet.writer.version")
    hadoop.unset("parquet.enable.dictionary")


def names(m, name):
    """Column mapping by name: renamed, dropped and added columns, fields and a partition column."""
    m.sql(
        name,
        "CREATE TABLE T (id INT, part STRING, a STRING, s STRUCT<x: INT, y: ARRAY<STRUCT<z: INT>>>, m MAP<STRING, INT>) USING delta "
        "PARTITIONED BY (part) TBLPROPERTIES ('delta.columnMapping.mode'='name')",
        "INSERT INTO T SELECT 1, 'p', 'one', struct(1, array(struct(1))), map('k', 1)",
        "ALTER TABLE T RENAME COLUMN a TO b",
        "ALTER TABLE T RENAME COLUMN part TO `the part`",
        "ALTER TABLE T RENAME COLUMN s.x TO xx",
        "INSERT INTO T SELECT 2, 'q', 'two', struct(2, array(struct(2))), map('k', 2)",
        "ALTER TABLE T DROP COLUMN b",
        "ALTER TABLE T ADD COLUMN (b DOUBLE)",
        "INSERT INTO T SELECT 3, NULL, struct(3, array(struct(3))), map('k', 3), 3.5",
    )
    m.checkpoint(name)


def ids(m, name):
    """Column mapping by id."""
    m.sql(
        name,
        "CREATE TABLE T (id INT, a STRING, d DATE) USING delta PARTITIONED BY (d) TBLPROPERTIES ('delta.columnMapping.mode'='id')",
        "INSERT INTO T VALUES (1, 'one', DATE'2024-05-06')",
        "ALTER TABLE T RENAME COLUMN a TO b",
        "INSERT INTO T VALUES (2, 'two', NULL)",
    )


def upgraded(m, name):
    """A table of no mapping that was given one: the names in files are the old ones."""
    m.sql(
        name,
        "CREATE TABLE T (id INT, a STRING) USING delta",
        "INSERT INTO T VALUES (1, 'one')",
        "ALTER TABLE T SET TBLPROPERTIES ('delta.columnMapping.mode'='name', 'delta.minReaderVersion'='2', 'delta.minWriterVersion'='5')",
        "ALTER TABLE T RENAME COLUMN a TO `b c`",
        "INSERT INTO T VALUES (2, 'two')",
    )


def widened(m, name):
    """Types that were widened, with files of the types before."""
    m.sql(
        name,
        "CREATE TABLE T (id BYTE, f FLOAT, d DECIMAL(6, 2), day DATE, n INT) USING delta TBLPROPERTIES ('delta.enableTypeWidening'='true', "
        "'delta.feature.timestampNtz'='supported')",
        "INSERT INTO T VALUES (1, 0.1, 1234.56, DATE'2020-02-03', 7), (2, 16777217.0, -1.00, DATE'1960-02-03', -7)",
        "ALTER TABLE T ALTER COLUMN id TYPE INT",
        "ALTER TABLE T ALTER COLUMN f TYPE DOUBLE",
        "ALTER TABLE T ALTER COLUMN d TYPE DECIMAL(12, 4)",
        "ALTER TABLE T ALTER COLUMN day TYPE TIMESTAMP_NTZ",
        "ALTER TABLE T ALTER COLUMN n TYPE DOUBLE",
        "INSERT INTO T VALUES (70000, 0.1, 12345678.1234, TIMESTAMP_NTZ'2020-02-03 04:05:06.123456', 0.5)",
        "ALTER TABLE T ALTER COLUMN id TYPE BIGINT",
    )


def many_parts(m, name):
    """A checkpoint in several parts, and files whose paths have to be encoded."""
    m.sql(
        name,
        "CREATE TABLE T (id INT, p STRING) USING delta PARTITIONED BY (p)",
        "INSERT INTO T VALUES (1, 'plain'), (2, 'with space'), (3, '100%'), (4, 'a=b/c'), (5, 'ünï:?#'), (6, NULL), (7, '%20')",
        "DELETE FROM T WHERE id = 1",
        "INSERT INTO T VALUES (8, 'plain'), (9, '')",
    )
    m.set(checkpoint__partSize="3")
    m.checkpoint(name)
    m.set(checkpoint__partSize="1000000")
    m.sql(name, "DELETE FROM T WHERE id = 3")


def v2_json(m, name, top="json"):
    """A V2 checkpoint with sidecars, and a deletion vector."""
    m.sql(
        name,
        "CREATE TABLE T (id INT) USING delta TBLPROPERTIES ('delta.checkpointPolicy'='v2', 'delta.enableDeletionVectors'='true')",
        "INSERT INTO T SELECT /*+ COALESCE(1) */ CAST(id AS INT) FROM range(0, 10)",
        "INSERT INTO T VALUES (10)",
        "INSERT INTO T VALUES (11)",
        "DELETE FROM T WHERE id IN (3, 4)",
    )
    m.set(checkpointV2__topLevelFileFormat=top, checkpoint__partSize="2")
    m.checkpoint(name)
    m.set(checkpoint__partSize="1000000")
    m.sql(name, "DELETE FROM T WHERE id = 10", "INSERT INTO T VALUES (12)")


def v2_parquet(m, name):
    """The same with a checkpoint in Parquet."""
    v2_json(m, name, "parquet")


def dated(m, name):
    """In-commit timestamps that were switched on later."""
    m.sql(name, "CREATE TABLE T (id INT) USING delta", "INSERT INTO T VALUES (1)")
    time.sleep(0.05)
    m.sql(
        name,
        "ALTER TABLE T SET TBLPROPERTIES ('delta.enableInCommitTimestamps'='true')",
        "INSERT INTO T VALUES (2)",
        "INSERT INTO T VALUES (3)",
    )


TYPES = """
    id INT, b BOOLEAN, i8 BYTE, i16 SMALLINT, i64 BIGINT, f FLOAT, g DOUBLE, d DECIMAL(9, 3), w DECIMAL(38, 18), t STRING, x BINARY,
    day DATE, ts TIMESTAMP, ntz TIMESTAMP_NTZ, s STRUCT<u: INT, v: STRING>, l ARRAY<STRUCT<u: INT>>, m MAP<STRING, ARRAY<INT>>
"""


def types(m, name):
    """All types, with statistics in JSON, and as columns of a checkpoint: put there by Spark's own function, but by this script, for
    Spark does so in Databricks only."""
    m.sql(
        name,
        f"CREATE TABLE T ({TYPES}) USING delta",
        """INSERT INTO T VALUES
        (1, true, 1, -300, 9007199254740993, 0.1, 0.1, 123.456, 12345678901234567890.123456789012345678, 'a', X'00ff',
         DATE'1969-12-31', TIMESTAMP'1969-12-31 23:59:59.999999Z', TIMESTAMP_NTZ'1969-12-31 23:59:59.999999',
         struct(1, 'v'), array(struct(1)), map('k', array(1))),
        (2, false, -128, 300, -9007199254740993, 1e30, double('NaN'), -999999.999, -0.000000000000000001, repeat('z', 40) || 'ü', NULL,
         DATE'9999-12-31', TIMESTAMP'2024-02-29 12:34:56.789123Z', TIMESTAMP_NTZ'2024-02-29 12:34:56.789123', NULL, NULL, NULL)""",
        """INSERT INTO T VALUES
        (3, NULL, NULL, NULL, NULL, -0.0, -0.0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (4, NULL, NULL, NULL, NULL, 0.0, 0.0, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    )
    m.checkpoint(name)
    m.parse_statistics(name)


PARTITIONS = "b BOOLEAN, i INT, g DOUBLE, d DECIMAL(9, 3), t STRING, day DATE, ts TIMESTAMP, ntz TIMESTAMP_NTZ"


def partition_types(m, name):
    """Partition columns of all types, with values in columns of a checkpoint as well."""
    m.sql(
        name,
        f"CREATE TABLE T (id INT, {PARTITIONS}) USING delta PARTITIONED BY (b, i, g, d, t, day, ts, ntz) "
        "TBLPROPERTIES ('delta.checkpoint.writeStatsAsStruct'='true')",
        "INSERT INTO T VALUES (1, true, -5, 0.1, 1.500, 'x', DATE'2024-02-29', TIMESTAMP'2024-02-29 12:34:56.789123Z', "
        "TIMESTAMP_NTZ'2024-02-29 12:34:56')",
        "INSERT INTO T VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    m.checkpoint(name)


def clone(m, name):
    """A shallow clone: files of another table by their absolute paths, of which the folder is written as SOURCE. The checkpoint that
    Spark makes at once, which has them, too, is left out."""
    source = name + "_source"
    m.sql(
        source,
        "CREATE TABLE T (id INT, p STRING) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors'='true')",
        "INSERT INTO T SELECT /*+ COALESCE(1) */ CAST(id AS INT), 'a b' FROM range(0, 10)",
        "DELETE FROM T WHERE id = 5",
    )
    m.spark.sql(f"CREATE TABLE delta.`{m.path(name)}` SHALLOW CLONE delta.`{m.path(source)}`")
    m.sql(name, "INSERT INTO T VALUES (10, 'c')", "DELETE FROM T WHERE id = 6")
    for file in glob.glob(m.path(name) + "/_delta_log/*checkpoint*"):
        os.remove(file)


def compacted(m, name):
    """Commits that were compacted: by this script, for Spark's own way to is not to be had from outside."""
    m.sql(
        name,
        "CREATE TABLE T (id INT) USING delta",
        "INSERT INTO T VALUES (1)",
        "INSERT INTO T VALUES (2)",
        "DELETE FROM T WHERE id = 1",
        "INSERT INTO T VALUES (3)",
        "INSERT INTO T VALUES (4)",
    )
    log = os.path.join(m.path(name), "_delta_log")
    kept = {}
    for version in range(1, 5):
        with open(f"{log}/{version:020d}.json", encoding="utf-8") as commit:
            for line in commit:
                action = json.loads(line)
                for kind in ("add", "remove", "metaData", "protocol"):
                    if kind in action:
                        key = action[kind]["path"] if kind in ("add", "remove") else kind
                        kept[key] = line
    with open(f"{log}/{1:020d}.{4:020d}.compacted.json", "w", encoding="utf-8") as out:
        out.writelines(kept.values())


def rust(m, name):
    """Written by delta-rs: partitions, an overwrite, a delete, a checkpoint, and a log that was cleaned up."""
    path = m.path(name)
    schema = pa.schema([("id", pa.int64()), ("p", pa.string()), ("x", pa.float64()), ("d", pa.decimal128(30, 10)), ("ts", pa.timestamp("us", "UTC"))])

    def rows(*ids_):
        return pa.Table.from_pylist([
            {"id": i, "p": [None, "a b", "100%", "ü/"][i % 4], "x": i / 3, "d": decimal.Decimal(i * 12345678901234567) * decimal.Decimal("0.1428571428"), "ts": 1700000000000000 + i * 1234567}
            for i in ids_
        ], schema=schema)

    deltalake.write_deltalake(path, rows(0, 1, 2, 3), partition_by=["p"])
    deltalake.write_deltalake(path, rows(4, 5), mode="append")
    deltalake.DeltaTable(path).delete("id = 1")
    deltalake.write_deltalake(path, rows(6, 7, 8), mode="append")
    deltalake.DeltaTable(path).create_checkpoint()
    deltalake.write_deltalake(path, rows(9), mode="append")
    deltalake.write_deltalake(path, rows(10, 11, 12, 13), mode="overwrite", predicate="id > 7")
    for version in range(3):
        os.remove(f"{path}/_delta_log/{version:020d}.json")


TABLES = {f.__name__: f for f in (
    vectors, many_deletes, names, ids, upgraded, widened, many_parts, v2_json, v2_parquet, dated, types, partition_types, clone, compacted, rust,
)}


def readable(m, name):
    """The versions that can be read."""
    log = os.listdir(os.path.join(m.path(name), "_delta_log"))
    commits = {int(f[:20]) for f in log if re.fullmatch(r"\d{20}\.json", f)}
    starts = {int(f[:20]) for f in log if re.match(r"\d{20}\.checkpoint\.", f)} | ({0} & commits)
    versions = set()
    for start in starts:
        versions.add(start)
        while start + 1 in commits:
            start += 1
            versions.add(start)
    return sorted(versions)


def keep(m, name):
    """Copies a table to this folder, without what nothing reads, and with SOURCE for where it was made."""
    target = os.path.join(HERE, name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(m.path(name), target, ignore=shutil.ignore_patterns("*.crc", ".*", "_symlink*", "_staged_commits"))
    for log in glob.glob(glob.escape(target) + "/_delta_log/*.json"):
        with open(log, encoding="utf-8") as file:
            text = file.read()
        with open(log, "w", encoding="utf-8") as file:
            file.write(text.replace("file:" + m.folder, "file:SOURCE").replace(m.folder, "SOURCE"))


def put_back(m, name):
    """Copies a table from this folder to where it can be read."""
    for table in (name, name + "_source"):
        if os.path.exists(os.path.join(HERE, table)):
            shutil.copytree(os.path.join(HERE, table), m.path(table))
    for log in glob.glob(glob.escape(m.path(name)) + "/_delta_log/*.json"):
        with open(log, encoding="utf-8") as file:
            content = file.read()
        with open(log, "w", encoding="utf-8") as file:
            file.write(content.replace("SOURCE", m.folder))


def write_rows(m, name):
    """Writes what Spark reads."""
    with open(os.path.join(HERE, name + ".rows"), "w", encoding="utf-8") as out:
        for version in readable(m, name):
            rows = m.rows(name, version)
            if rows is not None:
                out.write(json.dumps({"version": version, "rows": rows}, ensure_ascii=False) + "\n")


def main():
    folder = tempfile.mkdtemp()
    m = Maker(folder)
    only_rows = "--rows" in sys.argv
    for name in [name for name in sys.argv[1:] if name != "--rows"] or TABLES:
        if only_rows:
            put_back(m, name)
            write_rows(m, name)
            continue
        TABLES[name](m, name)
        said = {"made_by": TABLES[name].__doc__, "versions": [m.describe(name, version) for version in readable(m, name)]}
        with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as out:
            out.write(json.dumps(said, indent=1, ensure_ascii=False).replace("file:" + folder, "file:SOURCE") + "\n")
        write_rows(m, name)
        keep(m, name)
        if os.path.exists(m.path(name + "_source")):
            keep(m, name + "_source")
        print(name)
    m.spark.stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
