"""Makes lakes of TPC-H's lineitem, in folders below the one that is given, unless they are there.

clean  as tpchgen-cli writes it, in 8 files
bad    the same, but every thousandth row has a quantity that breaks a rule
hive   the same rows in 1,000 files, in folders of 100 days of shipping
units  the same rows in 100 folders of one file each
"""

import pathlib
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FILES = 8


def make(folder, write):
    """Calls write for a folder of another name, so that one that is there is whole."""
    if folder.exists():
        return
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write(part)
    part.rename(folder)


def clean(folder, scale):
    tool = pathlib.Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run(
        [tool, "parquet", "-s", scale, "--tables=lineitem", f"--parts={FILES}", f"--output-dir={folder}"],
        check=True, stdout=subprocess.DEVNULL,
    )


def bad(folder, source):
    for path in sorted(source.rglob("*.parquet")):
        file = pq.ParquetFile(path)
        with pq.ParquetWriter(folder / path.name, file.schema_arrow, compression="snappy") as writer:
            first = 0
            for batch in file.iter_batches(batch_size=122_880):
                rows = pa.array(range(first, first + batch.num_rows))
                is_bad = pc.equal(pc.subtract(rows, pc.multiply(pc.divide(rows, 1000), 1000)), 0)
                at = batch.schema.get_field_index("l_quantity")
                field = batch.schema.field(at)
                quantity = pc.if_else(is_bad, pa.scalar(99, field.type), batch.column(at))
                writer.write_batch(batch.set_column(at, field, quantity))
                first += batch.num_rows


def hive(folder, source):
    table = pq.read_table(source)
    rows = table.num_rows // 1000 + 1
    for i in range(1000):
        part = folder / f"part={i // 100}" / f"{i}.parquet"
        part.parent.mkdir(exist_ok=True)
        pq.write_table(table.slice(i * rows, rows), part, compression="snappy")


def units(folder, source):
    table = pq.read_table(source)
    rows = table.num_rows // 100 + 1
    for i in range(100):
        part = folder / f"part={i}"
        part.mkdir()
        pq.write_table(table.slice(i * rows, rows), part / "0.parquet", compression="snappy")


def main(folder, scale):
    root = pathlib.Path(folder)
    make(root / "clean", lambda to: clean(to, scale))
    if scale == "1":
        make(root / "bad", lambda to: bad(to, root / "clean"))
        make(root / "hive", lambda to: hive(to, root / "clean"))
        make(root / "units", lambda to: units(to, root / "clean"))


main(*sys.argv[1:])
