package hyper_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/sinks/hyper"
)

func TestCheckNames(t *testing.T) {
	named := func(names ...string) []hyper.Column {
		var columns []hyper.Column
		for _, name := range names {
			columns = append(columns, hyper.Column{Source: "s." + name, Name: name})
		}
		return columns
	}
	require.NoError(t, hyper.CheckNames(named("a", "XMIN", "xmin_", "oid", "xmin ")))
	err := hyper.CheckNames(named("ctid", "a", "xmin", "xmin_"))
	known := failure.Of(err, failure.Engine)
	assert.True(t, known.Early)
	assert.Equal(t, `hyperd keeps the name "ctid", "xmin" for itself, so that no column of an extract can have it`, known.Message)
	assert.Equal(t, `give the column another name, such as columns: {"s.ctid": {rename: ctid_}, "s.xmin": {rename: xmin__}}`, known.Hint)
	require.ErrorContains(t, hyper.CheckNames(named("a\x00")), "a name that hyperd cannot store")
}

// What is refused, and nothing else, is what hyperd refuses.
func TestSystemColumnsAreThoseOfHyperd(t *testing.T) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	for _, name := range []string{
		"xmin", "xmax", "cmin", "cmax", "ctid", "tableoid", "XMIN", "Ctid", "oid", "rowid", "rownum", "xmin_", "user", "select", "current_date", "external",
	} {
		_, err := conn.Exec(t.Context(), "CREATE TEMPORARY TABLE "+hyperd.QuoteName("of "+name)+" ("+hyperd.QuoteName(name)+" INTEGER)")
		assert.Equal(t, hyper.IsSystemColumn(name), err != nil, "%s: %v", name, err)
	}
}
