package lineage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// Command is a command of a configuration that is told of.
type Command struct {
	ID      string // of the run
	Version string // of this program
	Config  *config.Config
	Started time.Time

	// Publishes says that the command publishes an extract that stands there, and builds none.
	Publishes bool

	// Ingests says that the command only brings entries into the lake, and builds none either. Entries are what it brings there.
	Ingests bool
	Entries []config.IngestConfig
}

// event is a run as OpenLineage has it.
type event struct {
	EventType string    `json:"eventType"`
	EventTime time.Time `json:"eventTime"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
	Run       run       `json:"run"`
	Job       job       `json:"job"`
	Inputs    []dataset `json:"inputs"`
	Outputs   []dataset `json:"outputs"`
}

type run struct {
	RunID  string           `json:"runId"`
	Facets map[string]facet `json:"facets"`
}

type job struct {
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	Facets    map[string]facet `json:"facets"`
}

// Teller tells a server of one command. The zero value tells nobody.
type Teller struct {
	command Command
	address string // empty: nobody is told
	key     string
	began   chan error // what became of telling of the start
}

// tellTime bounds how long each event, and the end of telling, is waited for.
const tellTime = 5 * time.Second

// Begin tells that a command begins, if the environment says whom, while the command goes on. Its error is that the environment names no
// server that can be; then nobody is told.
func Begin(c Command) (*Teller, error) {
	t := &Teller{command: c, key: os.Getenv("OPENLINEAGE_API_KEY")}
	server := os.Getenv("OPENLINEAGE_URL")
	if server == "" || strings.EqualFold(os.Getenv("OPENLINEAGE_DISABLED"), "true") {
		return t, nil
	}
	address, err := url.Parse(server)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return t, errors.New("OPENLINEAGE_URL is no address that begins with http:// or https://") // it may hold a secret
	}
	t.address = address.JoinPath(cmp.Or(os.Getenv("OPENLINEAGE_ENDPOINT"), "api/v1/lineage")).String()
	t.began = make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), tellTime)
		defer cancel()
		t.began <- t.send(ctx, c.started())
	}()
	return t, nil
}

// End tells how the command ended: with a report, or nil, and a message of what failed, or "". It waits five seconds at most,
// whatever becomes of ctx, and fails with the first that could not be told.
func (t *Teller) End(ctx context.Context, ended time.Time, r *report.Report, failed string) error {
	if t.address == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	var beginErr error
	select {
	case beginErr = <-t.began: // so that the events arrive in their order
	case <-ctx.Done():
		beginErr = ctx.Err()
	}
	return cmp.Or(beginErr, t.send(ctx, t.command.ended(ended, r, failed)))
}

// send sends one event. Its error holds nothing of the address but the host, and nothing of what a server answers.
func (t *Teller) send(ctx context.Context, e event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address, bytes.NewReader(body))
	if err != nil {
		return errors.New("OPENLINEAGE_URL and OPENLINEAGE_ENDPOINT are no address together")
	}
	request.Header.Set("Content-Type", "application/json")
	if t.key != "" {
		request.Header.Set("Authorization", "Bearer "+t.key)
	}
	// The key goes nowhere else.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(request)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err
		}
		return fmt.Errorf("%s to %s: %w", e.EventType, request.URL.Host, err)
	}
	defer reply.Body.Close()
	_, _ = io.CopyN(io.Discard, reply.Body, 64<<10) // so that the connection may serve the next event
	if reply.StatusCode/100 != 2 {
		return fmt.Errorf("%s to %s: status %d", e.EventType, request.URL.Host, reply.StatusCode)
	}
	return nil
}

func (c Command) producer() string { return "urn:hyperlake:" + url.PathEscape(c.Version) }

// event is what all events of a command have.
func (c Command) event(kind string, at time.Time) event {
	return event{
		EventType: kind, EventTime: at.UTC(), Producer: c.producer(),
		SchemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
		Run: run{
			RunID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(c.producer()+":"+c.ID)).String(),
			Facets: map[string]facet{
				"processing_engine": c.newFacet("processing_engine", facet{"name": "hyperlake on " + c.Config.Runner.Name, "version": c.Version}),
			},
		},
		Job: job{
			Namespace: cmp.Or(os.Getenv("OPENLINEAGE_NAMESPACE"), "default"), Name: c.Config.Name,
			Facets: map[string]facet{
				"jobType": c.newFacet("jobType", facet{"processingType": "BATCH", "integration": "HYPERLAKE", "jobType": "JOB"}),
			},
		},
	}
}

// started is the event of the start, when only names are known.
func (c Command) started() event {
	e := c.event("START", c.Started)
	e.Inputs, e.Outputs = c.datasets(nil)
	return e
}

// ended is the event of the end.
func (c Command) ended(at time.Time, r *report.Report, failed string) event {
	kind := "COMPLETE"
	switch {
	case r != nil && r.Status == report.Interrupted:
		kind = "ABORT"
	case failed != "":
		kind = "FAIL"
	}
	e := c.event(kind, at)
	e.Inputs, e.Outputs = c.datasets(r)
	if kind != "COMPLETE" && (r == nil || !r.Status.HasExtract()) {
		e.Outputs = c.ingested(r) // what else stands there is of another run
	}
	if failed != "" {
		e.Run.Facets["errorMessage"] = c.newFacet("errorMessage", facet{"message": failed, "programmingLanguage": "Go"})
	}
	return e
}

// datasets are what the command reads and writes.
func (c Command) datasets(r *report.Report) (inputs, outputs []dataset) {
	switch {
	case c.Ingests:
		return c.ingestInputs(r), c.filled(r)
	case !c.Publishes:
		return append(c.ingestInputs(r), c.inputs(r)...), append(c.filled(r), c.outputs(r)...)
	}
	inputs, outputs = []dataset{}, []dataset{}
	for _, table := range c.Config.Tables {
		inputs = append(inputs, c.extract(table))
	}
	if len(inputs) == 0 {
		inputs = append(inputs, at(c.Config.Output.Path))
	}
	if r != nil {
		outputs = append(outputs, c.published(r)...)
	}
	return inputs, outputs
}
