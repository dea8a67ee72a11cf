package publish

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"hyperlake/pipelines/config"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/tableau"
)

// What the rows of a data source tell of ten rows that were sent to it.
func TestJudge(t *testing.T) {
	t.Parallel()
	had := func(copies int64) *int64 { return &copies }
	known := scene{base: 5, untouched: true}
	for name, c := range map[string]struct {
		now  scene
		step step
		held hyper.Holding // of the ten rows
		want state
	}{
		"none":                                {scene{base: -1}, step{}, hyper.Holding{Others: 40}, missing},
		"some":                                {known, step{}, hyper.Holding{Others: 9, Copies: 4}, unknown},
		"all, and as many as were sent":       {scene{base: 5}, step{}, hyper.Holding{Others: 15, Copies: 10, All: true}, applied},
		"all, and others besides":             {scene{base: 5}, step{}, hyper.Holding{Others: 17, Copies: 10, All: true}, unknown},
		"all, but nobody counted":             {scene{base: -1}, step{}, hyper.Holding{Others: 15, Copies: 10, All: true}, unknown},
		"some were there, and nobody changed": {known, step{}, hyper.Holding{Others: 5, Copies: 3}, missing},
		"as many as before, but changed":      {scene{base: 5}, step{}, hyper.Holding{Others: 5, Copies: 3}, unknown},

		"none had been there":                   {scene{base: -1}, step{Copies: had(0)}, hyper.Holding{Others: 99, Copies: 10, All: true}, applied},
		"none had been there, some are":         {known, step{Copies: had(0)}, hyper.Holding{Others: 5, Copies: 3}, unknown},
		"all had been there, and are once":      {scene{base: 5}, step{Copies: had(10)}, hyper.Holding{Others: 15, Copies: 10, All: true}, missing},
		"all had been there, and are twice":     {scene{base: 5}, step{Copies: had(10)}, hyper.Holding{Others: 99, Copies: 20, All: true}, applied},
		"some had been there, and fewer are":    {scene{base: 5}, step{Copies: had(4)}, hyper.Holding{Others: 99, Copies: 3}, unknown},
		"some had been there, and are no more":  {scene{base: 5}, step{Copies: had(4)}, hyper.Holding{Others: 9, Copies: 4}, missing},
		"was there once, and others changed it": {scene{base: 5}, step{Copies: had(4), Once: true}, hyper.Holding{Others: 9, Copies: 4}, unknown},
		"was there once, and all are":           {scene{base: -1}, step{Once: true}, hyper.Holding{Others: 99, Copies: 10, All: true}, applied},
		"was there, and some are":               {known, step{State: applied}, hyper.Holding{Others: 5, Copies: 3}, unknown},
		"was there, and all are, among others":  {scene{base: 5}, step{State: applied}, hyper.Holding{Others: 99, Copies: 10, All: true}, applied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.held.Rows = 10
			assert.Equal(t, c.want, c.now.judge(&c.step, c.held))
		})
	}
	assert.Equal(t, applied, scene{base: -1}.judge(&step{Copies: had(0)}, hyper.Holding{All: true}), "no rows are there")
}

func TestIsLatest(t *testing.T) {
	t.Parallel()
	named := func(id string, now state) *delivery {
		d := past(tableau.Append, id, now)
		d.ID = id
		return d
	}
	l := &ledger{Deliveries: []*delivery{named("a", unknown), named("b", applied), named("c", unknown), named("d", missing)}}
	for i, want := range []bool{false, false, true, true} {
		assert.Equal(t, want, l.isLatest(l.Deliveries[i]), l.Deliveries[i].ID)
	}
}

// A set whose first extract may be gone is sent again as a whole, unless it may not replace what is there.
func TestSettledSet(t *testing.T) {
	t.Parallel()
	for mode, want := range map[tableau.Mode]verdict{tableau.Overwrite: goOn, tableau.Create: ask} {
		earlier := past(mode, "", applied, missing).with(inSet)
		earlier.shake()
		asked := past(mode, "", planned, planned).with(inSet)
		assert.Equal(t, want, situation{want: asked}.settled(earlier).verdict)
		asked.Mode = config.PublishMode(tableau.Append)
		assert.Equal(t, ask, situation{want: asked}.settled(earlier).verdict)
	}
}
