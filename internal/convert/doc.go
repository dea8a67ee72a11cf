// Package convert does what a configuration asks to be done with the columns of a source
// before rules see them: nested columns become JSON text or flat columns, types are
// converted, and NULLs are replaced by a default.
//
// It promises that a value arrives as it was or not at all. What can be known from the
// schema is refused by [Compile], before data is read; a value that does not convert is
// NULL in the mapped record and listed in a [Failure], so that its row can be rejected.
// Nothing is rounded, cut or guessed, with one exception: what is finer than a microsecond
// is cut down to it, as it is for columns that arrive with nanoseconds.
//
// # Text
//
// One form of text is written for every type, and read back from it: numbers in decimal
// digits, NaN, Infinity and -Infinity; true and false; dates, times and timestamps by ISO
// 8601 with T, a fraction without trailing zeros, and Z or an offset on instants; bytes in
// lower-case hexadecimal digits; intervals and durations by ISO 8601 (P1M2DT3.5S); shapes as
// WKT. Text is read strictly: white space around a value does not convert, nor does an empty
// text. Numbers are a sign, digits with a point, and an exponent, each but the digits
// optional; 12.0 and 1e3 are whole. Booleans are true, t, yes, y, 1 and false, f, no, n, 0 in
// any case. A year has at least four digits; year 0 is 1 BC.
//
// # Numbers
//
// Integers and decimals convert when the result has the same value. A float stands for its
// exact value or, if the target cannot hold that, for the shortest decimal that reads back
// as the same float: 0.1 becomes 0.10 in NUMERIC(4,2). The other way round a decimal
// converts when it can be told from the float again in one of these ways. Text becomes the
// nearest float, unless that is infinite, or zero for a number that is not.
//
// # Local times
//
// A time zone is needed wherever local times and instants meet. Local times that a change of
// the clocks skipped or repeated do not convert.
//
// # Formats
//
// The format of a column is written in the language of strftime:
//
//	%Y year, four digits      %H hour 00-23     %f fraction of a second
//	%y year 69-99, 00-68      %I hour 01-12     %z offset +0100
//	%m month 01-12            %p AM, PM         %F is %Y-%m-%d
//	%b %B Jan, January        %M minute 00-59   %T is %H:%M:%S
//	%d day 01-31              %S second 00-59   %% is %
//	%j day of the year        %a %A Sat, Saturday
//
// Reading, a number may have fewer digits, but for the years; %f takes one to nine; %z also Z
// and +01:00; names may have any case; a day of the week must be the right one. Writing, %-d
// is %d without leading zeros, and so on; %f is six digits, or nine where there are
// nanoseconds. What a type does not have cannot be in its format, such as an hour in a date
// that is written.
//
// # Nested columns
//
// See [JSON] for the text that nested values become.
package convert
