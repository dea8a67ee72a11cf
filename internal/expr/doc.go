// Package expr is the language of `where` and of the rules' `expr`: CEL over the columns
// of one row, with the NULL of SQL and with exact numbers.
//
// [Compile] parses and type-checks a text against the columns of a table; [Program.Eval]
// gives one truth value per row of a record: true, false, NULL or failed.
// [Program.MayBeTrue] decides from the ranges of columns (statistics of a row group,
// values of a partition) whether any row can pass, so that what cannot is not read.
//
// # Columns
//
// A column is written by its name. A name that is no identifier, or that is a word of
// CEL, stands in backticks or in col: `my column` > 3, col("in") == "x". A name with
// dots, as flattened columns have, may be written as it is: address.city == "Oslo".
//
// # Constants
//
// Numbers, "text", r"raw text", b"bytes", true, false, null, date('2026-01-31'),
// timestamp('2026-01-31T12:00:00Z') for columns with a time zone,
// timestamp('2026-01-31T12:00:00') for columns without, duration('3h'), and today(), the date of the run.
// A number beside a decimal is taken as it is written: 0.05 is 5/100.
//
// # NULL
//
// Everything made from a NULL is NULL, but for x == null and x != null, which test for
// it and are never NULL, and but for && and ||, where false && NULL is false and
// true || NULL is true. `x in [a, b]` is x == a || x == b; a NULL in the list makes it
// NULL where it is not true. c ? a : b is NULL where c is.
//
// # Numbers and failure
//
// Integers, decimals and floats compare by their exact values, whatever their widths.
// NaN follows IEEE 754: it differs from everything, itself included. Text and bytes
// compare byte by byte, false is less than true. Dates, timestamps with and without a
// time zone do not compare with each other. Integer arithmetic
// that overflows, a division of integers or decimals by zero, decimals of more than 76
// digits and conversions that are not possible, as in int("abc"), make the row failed.
// A failure passes through everything but false && failed, which is false, true ||
// failed, which is true, and the branch of ?: that is not taken. Where a failure meets
// a NULL, it stays a failure. Dividing decimals, or a decimal and an integer, gives a
// double.
//
// # Functions
//
// On text: startsWith, endsWith, contains, matches (RE2, anywhere in the text), size
// (code points), lowerAscii, upperAscii, trim, substring, charAt, indexOf, lastIndexOf,
// replace, +. On dates and times: date(timestamp), timestamp(date), + and - with
// durations, the difference of two dates or timestamps, which is a duration, getFullYear,
// getMonth and the others of CEL, in UTC. Conversions: int, double, string, date,
// timestamp, duration.
//
// Functions without a columnar form are evaluated for one row after the other;
// [Program.RowByRow] names them. The evaluation of rows in rows.go defines the language;
// every kernel is a quicker way to the same result.
package expr
