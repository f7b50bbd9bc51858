"""Queries a buffer in SQL: converts ctypes structures to an Arrow table, queries it with polars, and sends its batches.

    schema: id: uint16, venue: uint8, price: double
    {'venue': 7, 'trades': 2, 'mean': 9.625}
    {'venue': 9, 'trades': 1, 'mean': 20.25}
    sent as 2 batches of the same 3 rows
"""

import ctypes
import io

import polars
import pyarrow
from pep3118 import View


class Trade(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint16), ("venue", ctypes.c_uint8), ("price", ctypes.c_double)]


trades = (Trade * 3)((1, 7, 9.5), (2, 9, 20.25), (3, 7, 9.75))

# Each field becomes a column in native byte order. The padding is dropped.
table = pyarrow.table(View(trades))
print("schema:", ", ".join(f"{field.name}: {field.type}" for field in table.schema))

query = """
    SELECT venue, COUNT(*) AS trades, AVG(price) AS mean
    FROM trades GROUP BY venue ORDER BY venue
"""
with polars.SQLContext(trades=table, eager=True) as context:
    for row in context.execute(query).iter_rows(named=True):
        print(row)

# Batches can be sent to other machines. README.md explains how Ray, Spark, DataFusion and Ballista use them.
sent = io.BytesIO()
with pyarrow.ipc.new_stream(sent, table.schema) as stream:
    for batch in table.to_batches(max_chunksize=2):
        stream.write_batch(batch)
received = pyarrow.ipc.open_stream(sent.getvalue())
batches = list(received)
assert pyarrow.Table.from_batches(batches) == table
print(f"sent as {len(batches)} batches of the same {sum(batch.num_rows for batch in batches)} rows")
