package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// result prints the result of a statement while it arrives. begin is called once, then
// row for each row, with values that are valid during the call, then end.
type result interface {
	begin(fields []hyperd.Field) error
	row(fields []hyperd.Field, values [][]byte) error
	end() error
}

// newResult makes the printer that the flags ask for.
func (a *app) newResult(csv bool) result {
	switch {
	case csv:
		return &csvResult{out: bufio.NewWriter(a.stdout)}
	case a.flags.json:
		return newJSONResult(a.stdout)
	default:
		return &tableResult{out: a.stdout, width: lineWidth(a.results), say: a.say}
	}
}

// csvResult prints CSV as in RFC 4180, with line feeds, below the names of the columns.
// NULL is an empty field, the empty text is "". (encoding/csv cannot tell them apart.)
type csvResult struct {
	out *bufio.Writer
}

func (r *csvResult) begin(fields []hyperd.Field) error {
	for i, f := range fields {
		r.separate(i)
		r.field(f.Name)
	}
	return r.endLine()
}

func (r *csvResult) row(fields []hyperd.Field, values [][]byte) error {
	for i, value := range values {
		r.separate(i)
		if value != nil {
			r.field(plainText(fields[i], value))
		}
	}
	return r.endLine()
}

func (r *csvResult) end() error { return printFailure(r.out.Flush()) }

func (r *csvResult) separate(i int) {
	if i > 0 {
		_ = r.out.WriteByte(',') // endLine reports what goes wrong
	}
}

func (r *csvResult) field(text string) {
	if text == "" || strings.ContainsAny(text, ",\"\r\n") || text[0] == ' ' || text[len(text)-1] == ' ' {
		text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	_, _ = r.out.WriteString(text)
}

func (r *csvResult) endLine() error { return printFailure(r.out.WriteByte('\n')) }

// jsonResult prints a list of objects, one on each line.
type jsonResult struct {
	out     *bufio.Writer
	rows    int64
	keys    []string // each with its colon
	text    bytes.Buffer
	encoder *json.Encoder // into text
}

func newJSONResult(out io.Writer) *jsonResult {
	r := &jsonResult{out: bufio.NewWriter(out)}
	r.encoder = json.NewEncoder(&r.text)
	r.encoder.SetEscapeHTML(false)
	return r
}

func (r *jsonResult) begin(fields []hyperd.Field) error {
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Name] {
			return failure.New(failure.Usage, "the result has two columns named %q, which a JSON object cannot have", f.Name).
				WithHint("give one of them another name with AS")
		}
		seen[f.Name] = true
		key, err := r.quote(f.Name)
		if err != nil {
			return err
		}
		r.keys = append(r.keys, string(key)+":")
	}
	return printFailure(r.out.WriteByte('['))
}

func (r *jsonResult) row(fields []hyperd.Field, values [][]byte) error {
	separator := "\n{"
	if r.rows > 0 {
		separator = ",\n{"
	}
	r.rows++
	for i, value := range values {
		encoded, err := r.value(fields[i], value)
		if err != nil {
			return err
		}
		_, _ = r.out.WriteString(separator) // the last byte reports what goes wrong
		_, _ = r.out.WriteString(r.keys[i])
		_, _ = r.out.Write(encoded)
		separator = ","
	}
	return printFailure(r.out.WriteByte('}'))
}

func (r *jsonResult) end() error {
	if r.rows > 0 {
		_ = r.out.WriteByte('\n')
	}
	_, _ = r.out.WriteString("]\n")
	return printFailure(r.out.Flush())
}

// value is a value in JSON, valid until the next call.
func (r *jsonResult) value(f hyperd.Field, value []byte) ([]byte, error) {
	switch {
	case value == nil:
		return []byte("null"), nil
	case f.OID == pgtype.BoolOID:
		return []byte(plainText(f, value)), nil
	case isNumber(f) && isFinite(value):
		return value, nil
	default:
		return r.quote(isoText(f, value))
	}
}

// quote is a text in JSON, valid until the next call.
func (r *jsonResult) quote(text string) ([]byte, error) {
	r.text.Reset()
	err := r.encoder.Encode(text)
	return bytes.TrimSuffix(r.text.Bytes(), []byte("\n")), err
}
