package modeltest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"hyperlake/pipelines/config"
	"hyperlake/sinks/tableau"
)

// row is a row of a data source; of long names, the beginning.
type row struct {
	id   int
	name string
}

// nameLength is how much of a name tells rows apart.
const nameLength = 8

// table is how often each row is there.
type table map[row]int

// extract is what stands at an output, and others publish.
type extract struct {
	name  string
	rows  table
	long  bool // its names are: a payload of it is cut into parts
	parts int  // extracts of a set; 0: it is none
}

// numbered are rows with consecutive ids.
func numbered(from, to int, name string) table {
	made := table{}
	for id := from; id <= to; id++ {
		made[row{id, fmt.Sprintf("%s %d", name, id)}]++
	}
	return made
}

// The extracts. Those of ours have different numbers of rows, by which their deliveries can be told apart; two share
// three rows, two most of them, and most share ids.
var (
	first   = &extract{name: "first", rows: numbered(1, 17, "a").plus(numbered(18, 20, "both"))}
	second  = &extract{name: "second", rows: numbered(15, 17, "b").plus(numbered(18, 20, "both")).plus(numbered(21, 37, "b"))}
	nearly  = &extract{name: "nearly", rows: first.rows.minus(numbered(1, 2, "a")).plus(numbered(1, 1, "n")).plus(numbered(41, 42, "n"))}
	large   = &extract{name: "large", rows: numbered(10, 609, "l"), long: true}
	keys    = &extract{name: "keys", rows: numbered(1, 5, "k").plus(numbered(30, 34, "k"))}
	several = &extract{name: "several", rows: numbered(40, 70, "s"), parts: 3}
	theirs  = &extract{name: "theirs", rows: numbered(1001, 1007, "f").plus(numbered(12, 13, "f"))}
	others  = &extract{name: "others", rows: numbered(2001, 2009, "g")}
)

// sql is a query for the rows of an extract.
func (e *extract) sql(part int) string {
	var values []string
	noise := rand.New(rand.NewPCG(1, 1))
	for i, r := range slices.SortedFunc(maps.Keys(e.rows), func(a, b row) int { return a.id - b.id }) {
		name := r.name
		if e.long {
			name = fmt.Sprintf("%-*s", nameLength, name)
			for range 40 {
				name += fmt.Sprintf("%016x", noise.Uint64())
			}
		}
		if e.parts == 0 || i%e.parts == part {
			values = append(values, fmt.Sprintf("(%d, '%s')", r.id, name))
		}
	}
	return "VALUES " + strings.Join(values, ", ")
}

func (t table) plus(other table) table {
	sum := table{}
	maps.Copy(sum, t)
	for r, n := range other {
		sum[r] += n
	}
	return sum
}

// minus is what is left; what is not there cannot be taken.
func (t table) minus(other table) table {
	left := table{}
	for r, n := range t {
		if n > other[r] {
			left[r] = n - other[r]
		}
	}
	return left
}

func (t table) equal(other table) bool { return maps.Equal(t, other) }

// has says whether all rows of another are there.
func (t table) has(other table) bool { return len(other.minus(t)) == 0 }

// meets says whether any row of another is there.
func (t table) meets(other table) bool {
	for r := range other {
		if t[r] > 0 {
			return true
		}
	}
	return false
}

// copies is how many rows there are that are like one of another.
func (t table) copies(other table) (n int64) {
	for r := range other {
		n += int64(t[r])
	}
	return n
}

// count is the number of rows.
func (t table) count() (n int64) {
	for _, times := range t {
		n += int64(times)
	}
	return n
}

// changed is what a data update of a mode makes of the rows.
func (t table) changed(mode config.PublishMode, by table) table {
	names := map[int]string{}
	for r := range by {
		names[r.id] = r.name
	}
	made, met := table{}, map[int]bool{}
	for r, n := range t {
		name, match := names[r.id]
		met[r.id] = true
		switch {
		case !match:
			made[r] += n
		case mode != config.PublishMode(tableau.Delete):
			made[row{r.id, name}] += n
		}
	}
	if mode == config.PublishMode(tableau.Upsert) {
		for r := range by {
			if !met[r.id] {
				made[r]++
			}
		}
	}
	return made
}

// String tells a table in short.
func (t table) String() string {
	kinds := map[string][]string{}
	for r, n := range t {
		kind, _, _ := strings.Cut(r.name, " ")
		text := fmt.Sprint(r.id)
		if n > 1 {
			text += fmt.Sprintf("×%d", n)
		}
		kinds[kind] = append(kinds[kind], text)
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		list := kinds[kind]
		slices.Sort(list)
		if len(list) > 12 {
			list = append(list[:12], fmt.Sprintf("… %d", len(kinds[kind])))
		}
		all = append(all, kind+": "+strings.Join(list, " "))
	}
	return "{" + strings.Join(all, "; ") + "}"
}
