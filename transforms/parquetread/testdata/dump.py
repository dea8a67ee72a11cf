"""Dumps what pyarrow reads of Parquet files: python dump.py FOLDER OUT (pyarrow 26.0.1).

For each file below FOLDER, OUT gets a JSON file of the same relative name. It holds either
{"error": ...} or {"rows": ..., "columns": [[name, [value, ...]], ...]}. Values have the form
that canonical in values_test.go gives them: numbers of dates, times and timestamps in their
units, floats as the integers of the same bits, bytes in hexadecimal, structs as the lists
of their values, maps as lists of pairs.
"""

import json
import os
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt


def canonical(array):
    """Returns the values of an array or a chunked array."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in canonical(chunk)]
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return canonical(array.storage)
    if pt.is_dictionary(kind):
        return canonical(array.dictionary_decode())
    if pt.is_run_end_encoded(kind):
        return canonical(pc.run_end_decode(array))
    if pt.is_struct(kind):
        fields = [canonical(array.field(i)) for i in range(kind.num_fields)]
        return [[f[row] for f in fields] if array[row].is_valid else None for row in range(len(array))]
    if pt.is_nested(kind):
        return [canonical(item.values) if item.is_valid else None for item in array]
    return leaf(array)


def leaf(array):
    kind = array.type
    if pt.is_floating(kind):
        array = array.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width])
    elif pt.is_date(kind) or pt.is_time(kind) or pt.is_timestamp(kind) or pt.is_duration(kind):
        array = array.view({32: pa.int32(), 64: pa.int64()}[kind.bit_width])
    convert = lambda value: value
    if pt.is_decimal(kind):
        convert = lambda value: format(value, "f")
    elif pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        array, convert = array.cast(pa.binary()), text
    elif pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind) or pt.is_fixed_size_binary(kind):
        convert = bytes.hex
    return [None if value is None else convert(value) for value in array.to_pylist()]


def text(value):
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()


def dump(path):
    try:
        table = pq.ParquetFile(path, coerce_int96_timestamp_unit="us", page_checksum_verification=True).read()
        return {"rows": table.num_rows, "columns": [[name, canonical(c)] for name, c in zip(table.column_names, table.columns)]}
    except (OSError, ValueError, NotImplementedError, pa.ArrowException) as err:
        return {"error": str(err)}


def save(path, out):
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w") as f:
        json.dump(dump(path), f, ensure_ascii=False, separators=(",", ":"))


def main(folder, out):
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith((".parquet", ".encrypted")):
                path = os.path.join(place, name)
                save(path, os.path.join(out, os.path.relpath(path, folder) + ".json"))


if __name__ == "__main__":
    main(*sys.argv[1:])
