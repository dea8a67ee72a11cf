package words_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/words"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"name", "output", "staging", "on_empty", "tables", "in", "min", "log_file_max_count"}
	for word, want := range map[string]string{
		"anme": "name", "log_file_count": "log_file_max_count", "type": "", "in_file": "", "nam": "name", "Name": "name", "onempty": "on_empty", "on-empty": "on_empty", "tabel": "tables",
		"stagging": "staging", "ouptut": "output", "mni": "min", "mim": "min", "publish": "", "": "", "om": "", "mn": "in",
	} {
		got, found := words.Nearest(word, keys)
		assert.Equal(t, want, got, word)
		assert.Equal(t, want != "", found, word)
	}
}

func TestFarWordsAreNotMeant(t *testing.T) {
	t.Parallel()
	commands := []string{"run", "plan", "publish", "merge", "sql", "init", "report", "clean"}
	for word, want := range map[string]string{"man": "", "rnu": "run", "plna": "plan", "sq": "sql", "help": "", "ini": "init", "genrate": "", "pubish": "publish"} {
		got, _ := words.Nearest(word, commands)
		assert.Equal(t, want, got, word)
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	columns := []string{"Price", "price", "amount", ""}
	for word, want := range map[string]string{"PRICE": "Price", "amonut": "amount", "x": "", "quantity of things": "amount"} {
		assert.Equal(t, want, words.Closest(word, columns), word)
	}
	assert.Empty(t, words.Closest("price", nil))
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a b c", words.OneLine(" a\tb\r\n\n  c "))
}
