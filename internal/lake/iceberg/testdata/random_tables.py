"""Makes tables by random statements, and says of them what make_fixtures.py says of its own: python random_tables.py FOLDER COUNT [SEED]

Then hold them against this package: HYPERLAKE_ICEBERG_TABLES=FOLDER go test ./internal/lake/iceberg
"""

import os
import random
import sys

import make_fixtures

LAYOUTS = ["", "PARTITIONED BY (p)", "PARTITIONED BY (bucket(3, id), days(t))", "PARTITIONED BY (truncate(2, s), p)", "PARTITIONED BY (years(t))"]
KINDS = ["insert"] * 3 + ["delete"] * 3 + ["update", "merge", "partition", "layout", "rewrite", "positions", "manifests", "column"]
STATEMENTS = 14


class Table:
    """A table that is made by random statements."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.rows = 0

    def create(self):
        choice = self.random.choice
        modes = ", ".join(f"'write.{kind}.mode'='{choice(['merge-on-read', 'merge-on-read', 'copy-on-write'])}'" for kind in ("delete", "update", "merge"))
        return (
            f"CREATE TABLE TBL (id BIGINT, p INT, s STRING, t TIMESTAMP) USING iceberg {choice(LAYOUTS)} TBLPROPERTIES "
            f"('format-version'='{choice([2, 2, 3])}', {modes}, 'write.delete.granularity'='{choice(['file', 'partition'])}')"
        )

    def statement(self, name, kind, number):
        r, first = self.random, self.rows
        if kind == "insert":
            self.rows += r.randint(1, 300)
            return (
                "INSERT INTO TBL (id, p, s, t) SELECT id, CAST(id % 3 AS INT), CASE WHEN id % 7 = 0 THEN NULL ELSE concat('s', id % 11, 'x', id) END, "
                f"TIMESTAMP'1969-06-01 00:00:00Z' + make_interval(0, 0, 0, CAST(id % 400 AS INT)) FROM range({first}, {self.rows})"
            )
        if kind == "merge":
            self.rows += 10
            return (
                f"MERGE INTO TBL USING (SELECT * FROM range({max(0, first - 40)}, {self.rows})) x ON c.{name}.id = x.id "
                "WHEN MATCHED AND x.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET p = 9 "
                "WHEN NOT MATCHED THEN INSERT (id, p, s, t) VALUES (x.id, 5, 'm', NULL)"
            )
        return {
            "delete": "DELETE FROM TBL WHERE " + r.choice([
                f"id % {r.randint(2, 9)} = 1", f"id BETWEEN {r.randint(0, first)} AND {r.randint(0, first)}", "p = 1 AND id % 2 = 0", "s IS NULL",
                "t < TIMESTAMP'1970-01-01 00:00:00Z' AND id % 3 = 0"]),
            "update": f"UPDATE TBL SET p = p + 1, s = 'u' WHERE id % {r.randint(3, 12)} = 2",
            "partition": f"DELETE FROM TBL WHERE p = {r.randint(0, 3)}",
            "layout": "ALTER TABLE TBL " + r.choice(["ADD PARTITION FIELD bucket(2, id)", "ADD PARTITION FIELD p", "DROP PARTITION FIELD p", "ADD PARTITION FIELD months(t)"]),
            "rewrite": f"CALL c.system.rewrite_data_files(table => '{name}', options => map('min-input-files', '2', 'delete-file-threshold', '1'))",
            "positions": f"CALL c.system.rewrite_position_delete_files(table => '{name}', options => map('rewrite-all', 'true'))",
            "manifests": f"CALL c.system.rewrite_manifests('{name}')",
            "column": f"ALTER TABLE TBL ADD COLUMN c{number} INT",
        }[kind]

    def make(self, m, name):
        """By random statements."""
        m.sql(name, self.create())
        for number in range(STATEMENTS):
            kind = self.random.choice(KINDS) if number else "insert"
            try:
                m.sql(name, self.statement(name, kind, number))
            except Exception as error:  # of a statement that does not suit the table, such as a field that is there
                print(name, kind, str(error).splitlines()[0][:150])


def main():
    make_fixtures.HERE = sys.argv[1]
    os.makedirs(make_fixtures.HERE, exist_ok=True)
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    names = []
    for seed in range(first, first + int(sys.argv[2])):
        table = Table(seed)
        make_fixtures.TABLES[f"random{seed}"] = table.make
        names.append(f"random{seed}")
    sys.argv = [sys.argv[0], *names]
    make_fixtures.main()


if __name__ == "__main__":
    main()
