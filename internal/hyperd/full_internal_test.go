package hyperd

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
)

func TestFullDisksAreToldByWhatHyperdSays(t *testing.T) {
	t.Parallel()
	p := &process{}
	p.written.note(os.TempDir() + "/file.hyper") // which has room
	for name, c := range map[string]struct {
		answer pgconn.PgError
		full   bool
	}{
		"a database that does not grow":  {pgconn.PgError{Code: "53200", Message: "unable to write compressed datablock: growing the database file failed"}, true},
		"a database that is not made":    {pgconn.PgError{Code: "58P01", Message: "could not be created: growing the database file failed"}, true},
		"the state of a full disk":       {pgconn.PgError{Code: "53100", Message: "sorry"}, true},
		"the details of an answer":       {pgconn.PgError{Code: "58030", Message: "could not write", Detail: "No space left on device"}, true},
		"no memory":                      {pgconn.PgError{Code: "53200", Message: "out of memory"}, false},
		"a limit of memory":              {pgconn.PgError{Code: "58000", Message: "unable to write compressed datablock: Cannot allocate 16 bytes of memory: The `global memory limit` limit of 4 bytes was exceeded."}, false},
		"memory, and room for its file":  {pgconn.PgError{Code: "00000", Message: "unable to allocate memory"}, false},
		"something else about a dataset": {pgconn.PgError{Code: "22P02", Message: "the disk is round"}, false},
	} {
		_, full := p.refusedForRoom(&c.answer)
		assert.Equal(t, c.full, full, name)
	}
	_, _ = p.output.Write([]byte("The server is terminating abnormally (cause: runtime exception)\nout of luck"))
	_, full := p.fullDisk()
	assert.False(t, full)
	_, _ = p.output.Write([]byte("\nunable to write compressed datablock: growing the database file failed"))
	_, full = p.fullDisk()
	assert.True(t, full)
}

func TestTheGreetingIsNotWorthRepeating(t *testing.T) {
	t.Parallel()
	const greeting = "--no-password option is specified: this is a security risk hyperd server version 9.1.0 build version main.0.0.26963.r84171622 listening on /tmp/a/hyper "
	for said, kept := range map[string]string{
		greeting + "The server is terminating abnormally": "The server is terminating abnormally",
		greeting:          "",
		"no such setting": "no such setting",
		"":                "",
	} {
		assert.Equal(t, kept, withoutGreeting(said))
	}
}
