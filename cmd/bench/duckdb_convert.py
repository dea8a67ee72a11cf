"""Converts a CSV file to a Parquet file by DuckDB, in zstd: python duckdb_convert.py CSV PARQUET."""

import sys

import duckdb

source, target = (path.replace("'", "''") for path in sys.argv[1:])
duckdb.sql(
    f"COPY (SELECT * FROM read_csv('{source}', types = {{'amount': 'DECIMAL(18,2)'}})) "
    f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
)
