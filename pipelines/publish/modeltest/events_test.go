package modeltest

import (
	"fmt"
	"strings"
	"time"

	"hyperlake/pipelines/config"
)

// event is one thing that happens; one field is set.
type event struct {
	command *command
	foreign *foreign
	clock   time.Duration // by which the server's moves
	forget  forgetting
}

// forgetting is what the server forgets.
type forgetting string

const (
	jobs     forgetting = "jobs"
	requests forgetting = "requests" // which takes more than a day
)

// command is a publication.
type command struct {
	output    string // of outputs
	mode      config.PublishMode
	confirm   config.Confirmation
	ifChanged bool
	asJob     bool
	whole     bool // the server takes the payload as a whole
	force     bool
	applied   bool // somebody looked, and says so
	missing   bool
	mishaps   []mishap
}

// mishap is what goes wrong with a request of a command.
type mishap struct {
	on   target
	skip int    // so many of those that are meant pass first, since the mishap before
	what string // a fault as [tableautest.ParseFaults] reads it, or one of those below

	foreign *foreign // that somebody does right before or after
}

// What happens besides the faults of the server.
const (
	killBefore      = "kill before"       // the process dies before the request arrives
	killAfter       = "kill after"        // and when it is executed
	killTorn        = "kill torn"         // and only one copy of the ledger was written
	interruptBefore = "interrupt before"  // somebody stops the command
	interruptAfter  = "interrupt after"   //
	foreignBefore   = "somebody before"   // somebody does something to the data source before the request arrives
	foreignAfter    = "somebody after"    // and when it is executed
	whileBusy       = "somebody is at it" // somebody is changing the data source when the request arrives
)

// target is a kind of requests.
type target string

const (
	anyRequest target = "any request"
	change     target = "change" // of the data source
	jobRequest target = "job"
	lookUp     target = "look"
	download   target = "download"
	upload     target = "upload"
)

// matches says whether a request is of that kind.
func (t target) matches(method, path string) bool {
	switch t {
	case change:
		return method == "PATCH" || method == "POST" && strings.HasSuffix(path, "/datasources")
	case jobRequest:
		return strings.Contains(path, "/jobs/")
	case lookUp:
		return method == "GET" && strings.HasSuffix(path, "/datasources")
	case download:
		return method == "GET" && strings.HasSuffix(path, "/content")
	case upload:
		return strings.Contains(path, "/fileUploads")
	}
	return true
}

// foreign is what somebody else does.
type foreign struct {
	what  deed
	rows  *extract // of those that have some
	after bool     // the server's clock goes on afterwards, too
}

type deed string

const (
	describes  deed = "describes"
	overwrites deed = "overwrites"
	appends    deed = "appends"
	recreates  deed = "recreates"
	deletes    deed = "deletes"
	removes    deed = "removes some of" // and leaves the others
)

// destroys says whether rows of ours are gone then.
func (d deed) destroys() bool { return d == overwrites || d == recreates || d == deletes }

func (e event) String() string {
	switch {
	case e.command != nil:
		return e.command.String()
	case e.foreign != nil:
		return e.foreign.String()
	case e.forget != "":
		return "the server forgets " + string(e.forget)
	}
	return fmt.Sprintf("the server's clock moves by %s", e.clock)
}

func (c *command) String() string {
	text := fmt.Sprintf("publish %s --mode %s", c.output, c.mode)
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"if-changed", c.ifChanged},
		{"confirm download", c.confirm == config.ConfirmDownload},
		{"as-job", c.asJob},
		{"set publish.payload_bytes=100M", c.whole},
		{"force", c.force},
		{"applied", c.applied},
		{"missing", c.missing},
	} {
		if flag.set {
			text += " --" + flag.name
		}
	}
	for _, m := range c.mishaps {
		text += "\n      " + m.String()
	}
	return text
}

func (m mishap) String() string {
	text := fmt.Sprintf("%s %d: %s", m.on, m.skip+1, m.what)
	if m.foreign != nil {
		text += ": " + m.foreign.String()
	}
	return text
}

func (f *foreign) String() string {
	text := "somebody " + string(f.what) + " the data source"
	if f.rows != nil {
		text += " with " + f.rows.name
	}
	return text
}
