// Package repartition moves the rows of a table to targets: by the hash of columns, by
// ranges of one, to one target for each value of one, or simply evenly.
//
// The rows of a bundle go to one spill file on staging, and what crosses the shuffle is a
// [Part] for each bundle and target, which says where in the spill the rows of the target
// are: some hundred bytes, and a hundred more for every piece. Whoever works for a target gets its parts, reads those pieces of
// the spills and nothing else of them, and emits batches again.
//
// What it promises:
//
//   - Every row arrives exactly once, with every value as it was, bit by bit. Rows whose
//     columns hyperd holds for equal arrive at one target: NULL and NULL, NaN and any
//     other NaN, 0 and -0.
//   - Attempts that are lost leave nothing: every attempt writes a spill of a new name,
//     and only parts that a finished bundle emitted are read.
//   - Tallies arrive exactly once, too. A batch that is read from a spill counts its own
//     rows as read; what a bundle filtered, rejected or saw break a rule travels with its
//     first part. So at every target, what tallies leave is what arrives, and a bundle of
//     which no row is left still sends its account.
//   - Memory and open files are bounded: a bundle holds [Params.BufferBytes] of rows, and
//     while it writes one batch more, whatever the number of targets, and one open file. Bytes on staging are bounded by
//     [Params.MaxBytes].
//   - What is read is what was written: every piece has a checksum, and an error names the
//     spill.
//
// The origin of a batch that was read from a spill is the spill: File is its URI, RowGroup
// the number of the piece in the part, FirstRow the row in the part, all from 0. Rows that
// come this far were validated, so that errors about their source are in the past.
package repartition
