package tableau_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

func TestWhileOthersChangeTheDatasource(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, test := range map[string]struct {
		wait  time.Duration
		waits []time.Duration // until somebody else is done, or until it is too long
		ends  int             // so many waits are enough; 0: none are
		fails bool
	}{
		"as long as it takes": {wait: time.Hour, waits: []time.Duration{s, 3 * s, 10 * s, 30 * s, 60 * s, 60 * s}, ends: 6},
		"too long":            {wait: 50 * s, waits: []time.Duration{s, 3 * s, 10 * s, 30 * s}, fails: true},
		"by default":          {waits: []time.Duration{s, 3 * s, 10 * s, 30 * s, 60 * s}, fails: true},
		"not at all":          {wait: -1, fails: true},
	} {
		for _, change := range []string{"publication", "update"} {
			t.Run(name+"/"+change, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, tableautest.Config{})
				made, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
				require.NoError(t, err)
				release, err := b.Occupy(made.Datasource.ID)
				require.NoError(t, err)
				b.client.BusyWait = test.wait
				var waited []time.Duration
				b.client.Pause = func(ctx context.Context, d time.Duration) error {
					if len(waited) == test.ends && test.ends > 0 {
						return b.waits.pause(ctx, d) // for a job
					}
					if waited = append(waited, d); len(waited) == test.ends {
						release()
					}
					return nil
				}
				if change == "update" {
					err = insertItem(t, b, made.Datasource.ID)
				} else {
					_, err = b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')", "(2, 'two')"), tableau.Overwrite))
				}
				assert.Equal(t, test.waits, waited)
				assert.Equal(t, test.fails, tableau.IsBusy(err), "%v", err)
				if !test.fails {
					require.NoError(t, err)
					assert.Equal(t, []string{"1 one", "2 two"}, rows(t, b.stored(t).Path))
				}
			})
		}
	}
}

func insertItem(t *testing.T, b *bench, id string) error {
	t.Helper()
	table := tableau.TableRef{Schema: "Extract", Name: "Extract"}
	action, err := tableau.NewAction(tableau.Insert, table, table, nil)
	require.NoError(t, err)
	_, err = b.client.UpdateData(t.Context(), tableau.Update{
		DatasourceID: id, RequestID: "two", Actions: []tableau.Action{action}, Payload: items(t, "(2, 'two')"),
	})
	return err
}

func TestWaitingForOthersEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, tableautest.Config{})
	made, err := b.client.Publish(t.Context(), b.publication(items(t, "(1, 'one')"), tableau.Create))
	require.NoError(t, err)
	b.Inject(tableautest.Fault{Method: http.MethodPatch, Status: 409, Code: "409004", Times: -1})
	b.client.BusyWait = time.Hour
	b.client.Pause = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	err = insertItem(t, b, made.Datasource.ID)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Contains(t, err.Error(), "409004")
}
