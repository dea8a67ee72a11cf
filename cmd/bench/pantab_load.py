"""Loads a folder of Parquet files into a .hyper file by pantab, from a stream of pyarrow."""

import sys

import pantab
import pyarrow.dataset as ds

source, target = sys.argv[1:]
files = ds.dataset(source, format="parquet")
pantab.frame_to_hyper(files.scanner().to_reader(), target, table="Extract")
