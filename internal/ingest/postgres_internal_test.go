package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

// numericBytes is a numeric as it is sent.
func numericBytes(weight int16, sign uint16, scale uint16, groups ...uint16) []byte {
	raw := binary.BigEndian.AppendUint16(nil, uint16(len(groups)))
	raw = binary.BigEndian.AppendUint16(raw, uint16(weight))
	raw = binary.BigEndian.AppendUint16(raw, sign)
	raw = binary.BigEndian.AppendUint16(raw, scale)
	for _, group := range groups {
		raw = binary.BigEndian.AppendUint16(raw, group)
	}
	return raw
}

// FuzzNumeric holds both readings of a number against each other, as fractions.
func FuzzNumeric(f *testing.F) {
	for _, raw := range [][]byte{
		numericBytes(0, 0, 0), numericBytes(0, 0, 2, 1, 5000), numericBytes(-1, numericNegative, 4, 1), numericBytes(9, 0, 0, 99, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999),
		numericBytes(3, 0, 0, 1), numericBytes(0, numericNaN, 0), numericBytes(0, numericInfinity, 0), numericBytes(0, 0, 0, 0, 0, 1, 0, 0), numericBytes(0, 0, 0, 10000), {0, 1},
		numericBytes(-32768, 0, 16383, 1), numericBytes(32767, 0, 0, 1),
	} {
		f.Add(raw, uint8(38), uint8(10))
		f.Add(raw, uint8(4), uint8(2))
	}
	f.Fuzz(func(t *testing.T, raw []byte, precision, scale uint8) {
		number, err := readNumeric(raw)
		if err != nil {
			return
		}
		precision, scale = 1+precision%maxPrecision, scale%(maxPrecision+1)
		value, ok := number.decimal(int32(precision), int32(scale))
		exact := rational(number)
		units := new(big.Rat).Mul(exact, new(big.Rat).SetInt(power(int(scale))))
		fits := units.IsInt() && units.Num().CmpAbs(power(int(precision))) < 0
		require.Equal(t, fits, ok, "%s as numeric(%d,%d)", number, precision, scale)
		if ok {
			require.Equal(t, units.Num().String(), value.BigInt().String())
		}
		if 4*(number.weight+1-number.count()) >= -number.scale {
			shown, parsed := new(big.Rat).SetString(number.String())
			require.True(t, parsed, number.String())
			require.Zero(t, exact.Cmp(shown), number.String())
		}
	})
}

// rational is a number by the definition of its form.
func rational(n numeric) *big.Rat {
	sum := new(big.Int)
	for i := range n.count() {
		sum.Mul(sum, big.NewInt(groupBase)).Add(sum, new(big.Int).SetUint64(n.group(i)))
	}
	value := new(big.Rat).SetInt(sum)
	if shift := groupDigits * (n.weight + 1 - n.count()); shift >= 0 {
		value.Mul(value, new(big.Rat).SetInt(power(shift)))
	} else {
		value.Quo(value, new(big.Rat).SetInt(power(-shift)))
	}
	if n.negative {
		value.Neg(value)
	}
	return value
}

func power(of10 int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(of10)), nil) }

// copied is what COPY sends for rows of texts; nil is NULL.
func copied(rows ...[]any) []byte {
	data := append(bytes.Clone(copySignature), 0, 0, 0, 0, 0, 0, 0, 0)
	for _, row := range rows {
		data = binary.BigEndian.AppendUint16(data, uint16(len(row)))
		for _, value := range row {
			text, isText := value.(string)
			if !isText {
				data = binary.BigEndian.AppendUint32(data, math.MaxUint32)
				continue
			}
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(text))), text...)
		}
	}
	return append(data, 0xff, 0xff)
}

// readCopy reads data in pieces, and returns the rows as texts.
func readCopy(columns int, pieces ...[]byte) (rows []string, reader *copyReader, err error) {
	reader = &copyReader{columns: columns, row: func(fields [][]byte, _ int) error {
		var row strings.Builder
		for _, field := range fields {
			if field == nil {
				row.WriteString("<NULL>")
			}
			row.Write(field)
			row.WriteByte('|')
		}
		rows = append(rows, row.String())
		return nil
	}}
	for _, piece := range pieces {
		if _, err = reader.Write(piece); err != nil {
			return rows, reader, err
		}
	}
	return rows, reader, nil
}

// FuzzCopyPieces cuts what comes in at any place: that makes no difference.
func FuzzCopyPieces(f *testing.F) {
	whole := copied([]any{"a", nil}, []any{"", strings.Repeat("x", 300)}, []any{nil, nil})
	f.Add(whole, uint64(1))
	f.Add(whole[:len(whole)-3], uint64(2))
	f.Add(copied(), uint64(3))
	f.Add(copied([]any{"a"}), uint64(4))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		atOnce, reader, err := readCopy(2, bytes.Clone(data))
		random := rand.New(rand.NewPCG(seed, 0))
		var pieces [][]byte
		for rest := data; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 40))
			pieces, rest = append(pieces, bytes.Clone(rest[:n])), rest[n:]
		}
		cut, cutReader, cutErr := readCopy(2, pieces...)
		require.Equal(t, atOnce, cut)
		require.Equal(t, err, cutErr)
		if err == nil {
			require.Equal(t, reader.finish(int64(len(atOnce))), cutReader.finish(int64(len(atOnce))))
		}
	})
}

func TestCopyThatIsNotWhole(t *testing.T) {
	whole := copied([]any{"a", nil}, []any{"", "b"})
	rows, reader, err := readCopy(2, whole)
	require.NoError(t, err)
	require.NoError(t, reader.finish(2))
	assert.Equal(t, []string{"a|<NULL>|", "|b|"}, rows)
	require.ErrorContains(t, reader.finish(3), "says it sent 3 rows, and 2 came in")
	for n := range whole {
		_, reader, err := readCopy(2, whole[:n])
		require.NoError(t, err)
		require.Error(t, reader.finish(reader.rows), "%d bytes", n)
	}
	for _, bad := range [][]byte{
		append(bytes.Clone(whole), 0), []byte("PGCOPY\r\n\xff\r\n\x00........"), append(bytes.Clone(copySignature), 0, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff), copied([]any{"a"}),
	} {
		_, _, err := readCopy(2, bad)
		require.Error(t, err)
	}
}

// TestInnerBounds cuts ranges of whatever width into parts that begin one after the other, inside.
func TestInnerBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(20, 3))
	cases := [][2]int64{{math.MinInt64, math.MaxInt64}, {0, 0}, {0, 1}, {5, 7}, {math.MaxInt64 - 1, math.MaxInt64}, {math.MinInt64, math.MinInt64 + 3}, {0, math.MaxInt64}, {math.MinInt64, 0}}
	for range 2000 {
		a, b := int64(random.Uint64())>>random.IntN(64), int64(random.Uint64())>>random.IntN(64)
		cases = append(cases, [2]int64{min(a, b), max(a, b)})
	}
	for _, c := range cases {
		for _, count := range []int{1, 2, 3, 16, 64, 1000} {
			bounds := innerBounds(c[0], c[1], count)
			span := uint64(c[1]) - uint64(c[0])
			require.Len(t, bounds, int(min(span, uint64(count-1))), "%v in %d", c, count)
			before := c[0]
			for _, bound := range bounds {
				require.Greater(t, bound, before, "%v in %d", c, count)
				before = bound
			}
			require.LessOrEqual(t, before, c[1])
		}
	}
}

// TestPostgresErrors tells what the server, or its silence, means.
func TestPostgresErrors(t *testing.T) {
	for _, c := range []struct {
		err          error
		kind         failure.Kind
		says, hint   string
		retry, early bool
	}{
		{answered("40001", "canceling statement due to conflict with recovery"), failure.Source, "conflict with recovery (SQLSTATE 40001)", "read from the primary", true, false},
		{answered("57P01", "terminating connection due to administrator command"), failure.Source, "administrator", "when the server is up", true, false},
		{answered("57P03", "the database system is starting up"), failure.Source, "starting up", "when the server is up", true, false},
		{answered("53300", "sorry, too many clients already"), failure.Source, "too many clients", "lower parallel", true, false},
		{answered("53200", "out of memory"), failure.Source, "out of memory", "lacks memory", true, false},
		{answered("08006", "gone"), failure.Source, "gone", "network", true, false},
		{answered("28P01", `password authentication failed for user "u"`), failure.Source, "28P01", ".pgpass", false, true},
		{answered("3D000", `database "d" does not exist`), failure.Source, "does not exist", "name of the database", false, true},
		{answered("42501", "permission denied for table t"), failure.Config, "permission denied", "GRANT", false, true},
		{answered("42601", `syntax error at or near "x"`), failure.Config, "syntax error", "correct the query", false, true},
		{answered("25006", "cannot execute UPDATE in a read-only transaction"), failure.Source, "read-only", "must not write", false, false},
		{answered("22012", "division by zero"), failure.Source, "division by zero", "a value of a row", false, false},
		{answered("22023", "secret"), failure.Source, "a value does not fit an operation of the query (SQLSTATE 22023)", "a value of a row", false, false},
		{answered("P0001", "secret"), failure.Source, "raised an error", "", false, false},
		{io.ErrUnexpectedEOF, failure.Source, "do it: unexpected EOF", "network", true, false},
	} {
		failed := failure.Of(postgresFailed(t.Context(), "do it", c.err), failure.Engine)
		assert.Equal(t, c.kind, failed.Kind, c.says)
		assert.Contains(t, failed.Message, c.says)
		assert.Contains(t, failed.Hint, c.hint)
		assert.Equal(t, [2]bool{c.retry, c.early}, [2]bool{failed.Retry, failed.Early}, c.says)
		assert.NotContains(t, failed.Sentence(), "secret")
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrNoProgress)
	require.ErrorIs(t, postgresFailed(ctx, "do it", answered("57014", "canceling statement due to user request")), io.ErrNoProgress)
	ours := failure.New(failure.Data, "too many rejects")
	require.ErrorIs(t, postgresFailed(t.Context(), "do it", ours), ours)
}

func answered(state, message string) error {
	return &pgconn.PgError{Severity: "ERROR", Code: state, Message: message, Detail: "secret"}
}
