"""Makes the tables beside it, and NAME.json with what two readers say of them: python make_fixtures.py [--rows] [NAME…]

It needs Java 17, pyspark 4.0.1, the Iceberg runtime 1.10.0 for Spark 4.0 (which Spark fetches), pyiceberg 0.12.0 with
pyiceberg-core, pyarrow and sqlalchemy. The tables are made in /tmp/lake, which their metadata name: read from here, they are
tables that were moved. NAME.json has, for each snapshot, branch and tag, the columns and the files with their deletes as Spark lists
them, the values of the first column that Spark reads, or of all columns where these are simple, and those that pyiceberg reads, or why
it refuses. Beside it, NAME.rows has a line of JSON for each of them, of all values of all rows as Spark reads them; none for those of many
rows. --rows writes that anew of the tables as they stand.
"""

import datetime
import decimal
import glob
import hashlib
import json
import os
import re
import shutil
import sys
import uuid

import pyarrow as pa
import pyiceberg.schema
import pyiceberg.types as types_
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.table import StaticTable
from pyiceberg.transforms import BucketTransform, IdentityTransform, MonthTransform, TruncateTransform
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType

HERE = os.path.dirname(os.path.abspath(__file__))
LAKE = "/tmp/lake"


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
    """Makes tables by Spark in a catalog without a server, and by pyiceberg in one in a file."""

    def __init__(self):
        self.spark = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.jars.packages", "org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.0")
            .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
            .config("spark.sql.catalog.c", "org.apache.iceberg.spark.SparkCatalog")
            .config("spark.sql.catalog.c.type", "hadoop")
            .config("spark.sql.catalog.c.warehouse", LAKE)
            .config("spark.sql.catalog.c.cache-enabled", "false")
            .getOrCreate()
        )
        self.spark.sparkContext.setLogLevel("ERROR")
        self.catalog = SqlCatalog("p", uri=f"sqlite:///{LAKE}/catalog.db", warehouse=f"file://{LAKE}")
        self.catalog.create_namespace("py")

    def path(self, name):
        return os.path.join(LAKE, "py" if name.startswith("py_") else "", name)

    def sql(self, name, *statements):
        """Runs statements, in which TBL stands for the table."""
        for statement in statements:
            self.spark.sql(re.sub(r"\bTBL\b", f"c.{name}", statement))

    def metadata(self, name):
        """The newest metadata file."""
        files = glob.glob(glob.escape(self.path(name)) + "/metadata/*.metadata.json")
        return max(files, key=lambda f: int(os.path.basename(f).lstrip("v").split(".")[0].split("-")[0]))

    def table(self, name):
        """The table as the Java library has it."""
        jvm = self.spark._jvm
        hadoop = jvm.org.apache.iceberg.hadoop.HadoopTables(self.spark._jsc.hadoopConfiguration())
        return hadoop.load(self.metadata(name) if name.startswith("py_") else self.path(name))

    def versions(self, name):
        """The table as pyiceberg has it, and which versions of it there are."""
        table = StaticTable.from_metadata("file://" + self.metadata(name))
        versions = [{"ref": None, "snapshot": table.current_snapshot().snapshot_id}]
        versions += [{"id": s.snapshot_id, "snapshot": s.snapshot_id, "time": s.timestamp_ms} for s in table.snapshots()]
        versions += [{"ref": ref, "snapshot": r.snapshot_id} for ref, r in sorted(table.metadata.refs.items()) if ref != "main"]
        return table, versions

    def place(self, name):
        """Where Spark reads the table."""
        return self.metadata(name) if name.startswith("py_") else self.path(name)

    def frame(self, name, table, version):
        """A version of the table as Spark has it."""
        reader = self.spark.read.format("iceberg")
        if "id" in version:
            reader = reader.option("snapshot-id", version["id"])
        elif version["ref"]:
            kind = table.metadata.refs[version["ref"]].snapshot_ref_type.value
            reader = reader.option(kind, version["ref"])
        return reader.load(self.place(name))

    def write_rows(self, name):
        """Writes what Spark reads."""
        table, versions = self.versions(name)
        with open(os.path.join(HERE, name + ".rows"), "w", encoding="utf-8") as out:
            for version in versions:
                frame = self.frame(name, table, version)
                rows = frame.selectExpr(*(text(frame, column) for column in frame.columns)).limit(FEW).collect()
                if len(rows) < FEW:
                    said = {"version": str(version.get("id") or version["ref"] or "latest"), "rows": sorted((list(row) for row in rows), key=json.dumps)}
                    out.write(json.dumps(said, ensure_ascii=False) + "\n")

    def describe(self, name):
        table, versions = self.versions(name)
        for version in versions:
            files = self.spark.read.format("iceberg").option("snapshot-id", version["snapshot"])
            frame = self.frame(name, table, version)
            key = frame.columns[0]
            version["columns"] = json.loads(frame.schema.json())["fields"]
            version["count"] = frame.count()
            version["keys"] = short(plain(row[0]) for row in frame.select(f"`{key}`").collect())
            if {json.dumps(column["type"]) for column in version["columns"]} <= {'"integer"', '"long"', '"string"', '"date"'}:
                version["rows"] = short("|".join(plain(value) for value in row) for row in frame.collect())
            version["files"] = sorted(
                (f.asDict() for f in files.load(self.place(name) + "#files").select("content", "file_path", "file_format", "record_count", "file_size_in_bytes", "equality_ids").collect()),
                key=lambda f: (f["content"], f["file_path"], f["record_count"]),
            )
            version["pyiceberg"] = self.pyiceberg(table, version, key)
        return versions

    def pyiceberg(self, table, version, key):
        """What pyiceberg makes of it."""
        try:
            scan = table.scan(snapshot_id=version["snapshot"] if version.get("ref", "") is not None else None)
            return {"keys": short(plain(value) for value in scan.to_arrow().column(0).to_pylist())}
        except Exception as error:  # which is what there is to say
            return {"refuses": str(error).splitlines()[0][:200].replace(LAKE, "")}


def plain(value):
    """A value as text, in which both readers are alike."""
    if value is None:
        return "NULL"
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return str(value)


def positions(m, name):
    """Position deletes for whole partitions, in a table that is partitioned by hidden values, with a spec that evolved."""
    m.sql(
        name,
        """CREATE TABLE TBL (id BIGINT, at TIMESTAMP, note STRING) USING iceberg PARTITIONED BY (days(at))
        TBLPROPERTIES ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read',
        'write.merge.mode'='merge-on-read', 'write.delete.granularity'='partition')""",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, TIMESTAMP'1969-12-31 23:00:00Z' + make_interval(0, 0, 0, 0, id % 2), 'n' || id FROM range(0, 40)",
        "DELETE FROM TBL WHERE id % 10 = 3",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, TIMESTAMP'1970-01-01 00:30:00Z', NULL FROM range(40, 50)",
        "UPDATE TBL SET note = 'changed' WHERE id IN (1, 2, 41)",
        "ALTER TABLE TBL ADD PARTITION FIELD bucket(2, id)",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, TIMESTAMP'1970-01-01 00:30:00Z', 'late' FROM range(50, 60)",
        "ALTER TABLE TBL CREATE TAG before",
        "DELETE FROM TBL WHERE id IN (5, 45, 55, 56)",
        "ALTER TABLE TBL CREATE BRANCH aside",
        "INSERT INTO TBL.branch_aside VALUES (100, TIMESTAMP'2024-01-01 00:00:00Z', 'aside')",
        "ALTER TABLE TBL ADD COLUMN more INT",
        "DELETE FROM TBL WHERE at < TIMESTAMP'1970-01-01 00:00:00Z'",
    )


def file_positions(m, name):
    """Position deletes for single files, some of which were compacted away."""
    m.sql(
        name,
        """CREATE TABLE TBL (id BIGINT, note STRING) USING iceberg
        TBLPROPERTIES ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.delete.granularity'='file')""",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, 'n' || id FROM range(0, 20)",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, 'n' || id FROM range(20, 30)",
        "DELETE FROM TBL WHERE id IN (1, 2, 21)",
        "DELETE FROM TBL WHERE id IN (3, 22)",
        f"CALL c.system.rewrite_position_delete_files(table => '{name}', options => map('rewrite-all', 'true'))",
        f"CALL c.system.rewrite_data_files(table => '{name}', where => 'id < 20', options => map('rewrite-all', 'true'))",
        "DELETE FROM TBL WHERE id IN (0, 23)",
    )


def vectors(m, name):
    """Version 3: deletion vectors, made, replaced, several in a file; upgraded from version 2 with position deletes."""
    m.sql(
        name,
        """CREATE TABLE TBL (id BIGINT, p INT) USING iceberg PARTITIONED BY (p)
        TBLPROPERTIES ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.delete.granularity'='partition')""",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, CAST(id % 2 AS INT) FROM range(0, 100)",
        "DELETE FROM TBL WHERE id < 10",
        "ALTER TABLE TBL SET TBLPROPERTIES ('format-version'='3')",
        "INSERT INTO TBL SELECT /*+ COALESCE(1) */ id, NULL FROM range(100, 120)",
        "DELETE FROM TBL WHERE id BETWEEN 105 AND 109 OR id IN (20, 31)",
        "DELETE FROM TBL WHERE id IN (110, 22)",
    )


def evolved(m, name):
    """Version 1, compressed metadata: columns added, renamed, dropped, put elsewhere, widened; a partition field dropped."""
    m.sql(
        name,
        """CREATE TABLE TBL (id INT, f FLOAT, d DECIMAL(5,2), gone STRING, s STRUCT<a: INT, b: STRING>, l ARRAY<STRUCT<x: INT>>, m MAP<STRING, INT>, p STRING)
        USING iceberg PARTITIONED BY (p, truncate(10, id)) TBLPROPERTIES ('format-version'='1', 'write.metadata.compression-codec'='gzip')""",
        "INSERT INTO TBL VALUES (1, 0.1, 1.25, 'x', struct(1, 'b'), array(struct(1)), map('k', 1), 'p1'), (12, -0.0, NULL, NULL, NULL, NULL, NULL, NULL)",
        "ALTER TABLE TBL ALTER COLUMN id TYPE BIGINT",
        "ALTER TABLE TBL ALTER COLUMN f TYPE DOUBLE",
        "ALTER TABLE TBL ALTER COLUMN d TYPE DECIMAL(9,2)",
        "INSERT INTO TBL VALUES (3000000000, 1e300, 1234567.25, 'y', struct(2, 'c'), array(struct(2)), map('k', 2), 'p2')",
        "ALTER TABLE TBL DROP COLUMN gone",
        "ALTER TABLE TBL RENAME COLUMN f TO g",
        "ALTER TABLE TBL RENAME COLUMN s.a TO aa",
        "ALTER TABLE TBL ADD COLUMN s.c DATE",
        "ALTER TABLE TBL ADD COLUMN gone INT",
        "ALTER TABLE TBL ALTER COLUMN d FIRST",
        "ALTER TABLE TBL ALTER COLUMN id FIRST",
        "ALTER TABLE TBL RENAME COLUMN l.element.x TO y",
        "INSERT INTO TBL (id, d, g, s, l, m, p, gone) SELECT 4, 4.5, 4.5, named_struct('aa', 4, 'b', 'd', 'c', DATE'2024-01-01'), array(named_struct('y', 4)), map('k', 4), 'p1', 4",
        "ALTER TABLE TBL DROP PARTITION FIELD p",
        "INSERT INTO TBL VALUES (5, NULL, NULL, NULL, NULL, NULL, 'p3', NULL)",
        "ALTER TABLE TBL ADD COLUMN last STRING",
    )


def rewrite_manifests(m, name):
    """Manifests rewritten, a snapshot expired, a rollback, Avro compressed by zstd."""
    m.sql(
        name,
        "CREATE TABLE TBL (id BIGINT, p STRING) USING iceberg PARTITIONED BY (p) TBLPROPERTIES ('format-version'='2', 'write.avro.compression-codec'='zstd')",
        "INSERT INTO TBL VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO TBL VALUES (3, 'a')",
        f"CALL c.system.rewrite_manifests('{name}')",
        "DELETE FROM TBL WHERE p = 'b'",
        "INSERT OVERWRITE TBL SELECT 4, 'c'",
        "INSERT INTO TBL VALUES (5, NULL)",
    )
    snapshots = [row[0] for row in m.spark.sql(f"SELECT snapshot_id FROM c.{name}.snapshots ORDER BY committed_at").collect()]
    m.sql(name, f"CALL c.system.rollback_to_snapshot('{name}', {snapshots[3]})", "INSERT INTO TBL VALUES (6, 'ü/%')")
    m.sql(name, f"CALL c.system.expire_snapshots(table => '{name}', snapshot_ids => ARRAY({snapshots[0]}))")


def migrated(m, name):
    """Files of another program, without field ids and without the columns of their folders, found by names; a spec evolved later."""
    source = os.path.join(m.path(name), "files")
    m.spark.sql("SELECT CAST(id AS BIGINT) AS id, 'n' || id AS note, CAST(id % 2 AS INT) AS p, DATE'2024-01-01' + CAST(id % 2 AS INT) AS day FROM range(0, 6)").coalesce(1) \
        .write.partitionBy("p", "day").parquet(source)
    m.sql(
        name,
        "CREATE TABLE TBL (id BIGINT, note STRING, p INT, day DATE) USING iceberg PARTITIONED BY (p, day) TBLPROPERTIES ('format-version'='2')",
        f"CALL c.system.add_files(table => '{name}', source_table => '`parquet`.`{source}`')",
        "ALTER TABLE TBL RENAME COLUMN note TO text",
        "ALTER TABLE TBL DROP PARTITION FIELD day",
        "INSERT INTO TBL VALUES (6, 'own', 7, DATE'2024-02-02')",
    )


def equality(m, name):
    """Equality deletes, which only the library itself writes: of a partition, of all, and before a file was added again."""
    m.sql(
        name,
        "CREATE TABLE TBL (id INT, p STRING, s STRUCT<a: INT>) USING iceberg PARTITIONED BY (p) TBLPROPERTIES ('format-version'='2')",
        "INSERT INTO TBL VALUES (1, 'a', struct(1)), (2, 'a', struct(2)), (3, 'b', struct(3)), (4, NULL, NULL)",
    )
    delete_equal(m, name, ["id"], [{"id": 1}, {"id": 3}], "a", 0)
    m.sql(name, "INSERT INTO TBL VALUES (1, 'a', struct(1)), (5, 'c', struct(2))")
    m.sql(name, "ALTER TABLE TBL DROP PARTITION FIELD p")
    delete_equal(m, name, ["id", "p"], [{"id": 5, "p": "c"}, {"id": 2, "p": "b"}, {"id": 4, "p": None}], None, 1)
    m.sql(name, "INSERT INTO TBL VALUES (5, 'c', struct(2))")


def delete_equal(m, name, columns, rows, partition, spec):
    """Commits a file of equality deletes."""
    jvm, gateway = m.spark._jvm, m.spark.sparkContext._gateway
    table = m.table(name)
    schema = table.schema().select(columns)
    ids = gateway.new_array(gateway.jvm.int, len(columns))
    for i, column in enumerate(columns):
        ids[i] = table.schema().findField(column).fieldId()
    spec_ = table.specs().get(spec)
    key = None
    if partition is not None:
        key = jvm.org.apache.iceberg.PartitionData(spec_.partitionType())
        key.set(0, partition)
    factory = jvm.org.apache.iceberg.data.GenericAppenderFactory(table.schema(), spec_, ids, schema, None)
    out = jvm.org.apache.iceberg.encryption.EncryptedFiles.plainAsEncryptedOutput(
        table.io().newOutputFile(f"{m.path(name)}/data/{uuid.uuid4()}-deletes.parquet"))
    writer = factory.newEqDeleteWriter(out, jvm.org.apache.iceberg.FileFormat.PARQUET, key)
    for row in rows:
        record = jvm.org.apache.iceberg.data.GenericRecord.create(schema)
        for column, value in row.items():
            record.setField(column, value)
        writer.write(record)
    writer.close()
    table.newRowDelta().addDeletes(writer.toDeleteFile()).commit()


def py_types(m, name):
    """Written by pyiceberg: all types that Spark reads, too, partitions, schema evolution, an overwrite, deletes by rewriting."""
    t = types_
    schema = pyiceberg.schema.Schema(
        t.NestedField(1, "id", t.LongType(), required=True), t.NestedField(2, "b", t.BooleanType()), t.NestedField(3, "i", t.IntegerType()),
        t.NestedField(4, "f", t.FloatType()), t.NestedField(5, "g", t.DoubleType()), t.NestedField(6, "d", t.DecimalType(20, 3)),
        t.NestedField(7, "day", t.DateType()), t.NestedField(9, "ntz", t.TimestampType()),
        t.NestedField(10, "ts", t.TimestamptzType()), t.NestedField(11, "text", t.StringType()), t.NestedField(12, "u", t.UUIDType()),
        t.NestedField(13, "x", t.FixedType(3)), t.NestedField(14, "y", t.BinaryType()),
        t.NestedField(15, "s", t.StructType(t.NestedField(16, "a", t.IntegerType(), required=True))),
        t.NestedField(17, "l", t.ListType(18, t.StringType(), element_required=False)),
        t.NestedField(19, "m", t.MapType(20, t.StringType(), 21, t.IntegerType(), value_required=False)),
    )
    spec = PartitionSpec(
        PartitionField(7, 1000, MonthTransform(), "day_month"), PartitionField(11, 1001, TruncateTransform(2), "text_2"),
        PartitionField(2, 1002, IdentityTransform(), "b"), PartitionField(1, 1003, BucketTransform(2), "id_bucket"),
    )
    table = m.catalog.create_table(f"py.{name}", schema, partition_spec=spec)
    arrow = table.schema().as_arrow()

    def row(key, **values):
        return {"id": key} | {n: None for n in arrow.names[1:]} | values

    full = dict(b=True, i=-5, f=0.1, g=-0.0, d=decimal.Decimal("-12345678901234567.125"), day=datetime.date(1969, 12, 31),
                ntz=datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), ts=datetime.datetime(2024, 2, 29, 12, 34, 56, 789123, datetime.timezone.utc),
                text="ü" * 30, u=uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes, x=b"abc", y=b"\x00\xff", s={"a": 1}, l=["a", None], m=[("k", 1)])
    table.append(pa.Table.from_pylist([row(1, **full), row(2), row(3, g=float("nan"), f=float("inf"), text="a", day=datetime.date(2024, 2, 29))], schema=arrow))
    table.append(pa.Table.from_pylist([row(4, text="abc", b=False), row(5, i=7, ts=datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc))], schema=arrow))
    table.delete("id == 2")
    with table.update_schema() as update:
        update.add_column("late", t.StringType())
        update.rename_column("text", "words")
        update.update_column("i", t.LongType())
    table.overwrite(pa.Table.from_pylist([row(6, i=6) | {"words": "w", "late": "l"}], schema=table.schema().as_arrow()), overwrite_filter="id == 1")


TABLES = {f.__name__: f for f in (positions, file_positions, vectors, evolved, rewrite_manifests, migrated, equality, py_types)}


def keep(m, name):
    """Copies a table to this folder, without what nothing reads."""
    target = os.path.join(HERE, name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(m.path(name), target, ignore=shutil.ignore_patterns("*.crc", ".*", "_SUCCESS"))
    newest = os.path.basename(m.metadata(name))
    for file in glob.glob(glob.escape(target) + "/metadata/*.metadata.json"):
        if os.path.basename(file) != newest:
            os.remove(file)


def put_back(m, name):
    """Copies a table from this folder to where it was made, and can be read."""
    shutil.copytree(os.path.join(HERE, name), m.path(name))


def main():
    shutil.rmtree(LAKE, ignore_errors=True)
    os.makedirs(LAKE)
    m = Maker()
    only_rows = "--rows" in sys.argv
    for name in [name for name in sys.argv[1:] if name != "--rows"] or TABLES:
        if only_rows:
            put_back(m, name)
            m.write_rows(name)
            continue
        TABLES[name](m, name)
        said = {"made_by": TABLES[name].__doc__, "versions": m.describe(name)}
        with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as out:
            versions = ",\n".join(json.dumps(version, ensure_ascii=False) for version in said["versions"])
            out.write(f'{{"made_by": {json.dumps(said["made_by"])}, "versions": [\n{versions}\n]}}\n')
        m.write_rows(name)
        keep(m, name)
        print(name)
    m.spark.stop()
    shutil.rmtree(LAKE)


if __name__ == "__main__":
    main()
