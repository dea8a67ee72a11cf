package wire_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/wire"
	"hyperlake/runners/direct/directtest"
)

type ticket struct {
	Seat int
	Name string
}

func (ticket) TravelsAsJSON() {}

type luggage struct{ Weight float64 }

func (luggage) TravelsAsJSON() {}

type loadFn struct{ Params wire.Params[[]luggage] }

func (fn *loadFn) ProcessElement(_ []byte, tickets func(int, ticket), pieces func(int, luggage)) error {
	all, err := fn.Params.Unpack()
	for i, piece := range all {
		tickets(i, ticket{i, "<ü>"})
		pieces(i, piece)
	}
	return err
}

type tellFn struct{}

func (*tellFn) ProcessElement(key int, tickets func(*ticket) bool, pieces func(*luggage) bool, emit func(string)) {
	var t ticket
	var l luggage
	for tickets(&t) && pieces(&l) {
		emit(fmt.Sprint(key, t, l))
	}
}

func init() {
	beam.RegisterDoFn(&loadFn{})
	beam.RegisterDoFn(&tellFn{})
}

func TestElementsTravelAsTheTypesTheyAre(t *testing.T) {
	t.Parallel()
	told, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		tickets, pieces := beam.ParDo2(s, &loadFn{wire.Pack([]luggage{{1.5}, {20}})}, beam.Impulse(s))
		return []beam.PCollection{beam.ParDo(s, &tellFn{}, beam.CoGroupByKey(s, tickets, pieces))}
	})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"0 {0 <ü>} {1.5}", "1 {1 <ü>} {20}"}, told.Lines[0])
}

func TestWhatCannotTravelIsSaid(t *testing.T) {
	t.Parallel()
	_, err := wire.Pack(luggage{math.NaN()}).Unpack()
	require.EqualError(t, err, "encode wire_test.luggage: json: unsupported value: NaN")
	_, err = wire.Params[ticket]{JSON: []byte("{")}.Unpack()
	require.ErrorContains(t, err, "decode wire_test.ticket: ")
}
