package cli

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/text"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// peopleHandler writes records as sentences, a line each: what is said, what it is about in brackets, then why, and what to do.
// What the summary of a command says anyway is left out.
type peopleHandler struct {
	w     *screen
	level slog.Level
	paint painter
	attrs []slog.Attr
}

// saidAtEnd are records that the summary of a run says, too.
var saidAtEnd = map[string]bool{
	"compared with the last run": true, "counters of the job": true,
	"nothing changed at a glance, and no file of the lake was opened": true,
}

func (h peopleHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h peopleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return h
}

// WithGroup leaves the names of attributes as they are: people see few of them at a time.
func (h peopleHandler) WithGroup(string) slog.Handler { return h }

func (h peopleHandler) Handle(_ context.Context, record slog.Record) error {
	if saidAtEnd[record.Message] && h.level > slog.LevelDebug {
		return nil
	}
	attrs := h.attrs[:len(h.attrs):len(h.attrs)]
	record.Attrs(func(attr slog.Attr) bool {
		attrs = append(attrs, attr)
		return true
	})
	marker, paint := "", text.Colors(nil)
	switch {
	case record.Level >= slog.LevelError:
		marker, paint = "error: ", failedColours
	case record.Level >= slog.LevelWarn:
		marker, paint = "warning: ", warningColours
	case record.Level < slog.LevelInfo:
		marker, paint = "debug: ", faintColours
	}
	return h.w.styled(h.paint.of(paint, marker), sentence(record.Message, attrs))
}

// sentence is a message and its attributes on one line.
func sentence(message string, attrs []slog.Attr) string {
	var about, why []string
	hint := ""
	for _, attr := range attrs {
		value := words.OneLine(attr.Value.Resolve().String())
		switch attr.Key {
		case "error", "failure", "found", "reason":
			if err, ok := attr.Value.Resolve().Any().(error); ok {
				value = failure.Of(err, failure.Engine).Sentence()
			}
			why = append(why, value)
		case "hint":
			hint = value
		default:
			if value = attrText(attr); value != "" {
				about = append(about, value)
			}
		}
	}
	said := words.OneLine(message)
	if len(about) > 0 {
		said += " (" + strings.Join(about, ", ") + ")"
	}
	if len(why) > 0 {
		said += ": " + strings.Join(why, "; ")
	}
	if hint != "" {
		said += "; " + hint
	}
	return said
}

// attrText says an attribute: a count with its noun, a size, a time, or the name and the value.
func attrText(attr slog.Attr) string {
	name := strings.ReplaceAll(attr.Key, "_", " ")
	value := attr.Value.Resolve()
	switch value.Kind() {
	case slog.KindInt64:
		switch n := value.Int64(); {
		case strings.HasPrefix(attr.Key, "bytes") && n >= 0:
			return strings.TrimSpace(humanize.Bytes(uint64(n)) + strings.TrimPrefix(name, "bytes"))
		case strings.HasSuffix(name, "s") && !strings.Contains(name, " "):
			return words.Count(n, strings.TrimSuffix(name, "s"))
		default:
			return name + " " + humanize.Comma(n)
		}
	case slog.KindDuration:
		return name + " " + value.Duration().Round(time.Millisecond).String()
	}
	shown := words.OneLine(value.String())
	if shown == "" {
		return ""
	}
	return name + " " + shown
}

// painter colours words, or leaves them as they are.
type painter struct{ on bool }

// The colours have one meaning each.
var (
	goodColours    = text.Colors{text.FgGreen}
	warningColours = text.Colors{text.FgYellow}
	failedColours  = text.Colors{text.FgRed}
	faintColours   = text.Colors{text.Faint}
)

// of colours a word that is safe for a terminal.
func (p painter) of(colours text.Colors, word string) string {
	if !p.on || word == "" || len(colours) == 0 {
		return word
	}
	return colours.EscapeSeq() + word + text.Reset.EscapeSeq()
}

// wantsColour says whether who looks at a terminal, or at what is none, wants to see colours there: see no-color.org and
// bixense.com/clicolors.
func wantsColour(isTerminal bool) bool {
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return isTerminal && os.Getenv("CLICOLOR") != "0" && obeysSequences()
}

// obeysSequences says whether terminals move and colour as ANSI has it.
func obeysSequences() bool {
	if kind := os.Getenv("TERM"); kind != "" || runtime.GOOS != "windows" {
		return kind != "" && kind != "dumb"
	}
	return os.Getenv("WT_SESSION") != ""
}

// styled prints a sentence whose beginning is safe for a terminal, and may be coloured.
func (s *screen) styled(safe, sentence string) error { return s.lines(safe + printable(sentence, "")) }

// statusColours are those of the words for how something ended or stands; none for a word that says neither good nor bad.
func statusColours(status string) text.Colors {
	switch status {
	case "ok", "succeeded", "unchanged":
		return goodColours
	case "warning", "rejected", "interrupted", "lost":
		return warningColours
	case "failed", "unpublished":
		return failedColours
	}
	return nil
}
