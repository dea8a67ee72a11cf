package modeltest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/tableau"
	"hyperlake/sinks/tableau/tableautest"
)

// partBytes is the limit for payloads: the large extract takes three.
const partBytes = 200_000

// workshop holds what all sequences share: the extracts, made once, and configurations.
type workshop struct {
	folder string
	lease  *hyperd.Lease
	one    *config.Config // for one extract
	set    *config.Config // for one in several files
}

func openWorkshop(t *testing.T) *workshop {
	t.Helper()
	s := &workshop{folder: t.TempDir(), lease: hyperdtest.Acquire(t)}
	for _, e := range []*extract{first, second, nearly, large, keys, theirs, others} {
		runtest.WriteExtract(t, s.file(e.name), e.sql(0))
	}
	list := output.Set{Version: 1, RunID: "made"}
	for part := range several.parts {
		name := fmt.Sprintf("%s-%05d-of-%05d.hyper", several.name, part+1, several.parts)
		path := filepath.Join(s.folder, name)
		runtest.WriteExtract(t, path, several.sql(part))
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		rows := (len(several.rows) + several.parts - 1 - part) / several.parts
		list.Extracts = append(list.Extracts, output.Member{
			Name: name, Rows: int64(rows), Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		})
	}
	text, err := json.Marshal(list)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(output.SetPath(s.file(several.name)), text, 0o600))
	const tables = "name: items\ntables: [{source: {uri: lake/*.parquet}}]\npublish: {datasource: Items, allow_http: true}\n"
	s.one = runtest.Configure(t, s.folder, tables)
	s.set = runtest.Configure(t, s.folder, tables+"output: {merge: none}\n")
	return s
}

func (s *workshop) file(name string) string { return filepath.Join(s.folder, name+".hyper") }

// world is a server with one data source, and the outputs that feed it.
type world struct {
	*tableautest.Server
	*workshop
	front *front
	conn  *hyperd.Conn
	other *tableau.Client // of somebody else
	name  string          // of the data source
	home  string          // of the outputs
}

var worlds atomic.Int64

func openWorld(ctx context.Context, s *workshop) (w *world, err error) {
	w = &world{workshop: s, name: fmt.Sprintf("Items %d", worlds.Add(1))}
	if w.home, err = os.MkdirTemp("", "w"); err != nil {
		return nil, err
	}
	folder := filepath.Join(w.home, "server")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	if w.Server, err = tableautest.Start(tableautest.Config{Folder: folder}); err != nil {
		return nil, err
	}
	if w.conn, err = s.lease.Connect(ctx); err != nil {
		return nil, err
	}
	w.front = newFront(w)
	w.other = &tableau.Client{
		Server: w.URL, AllowHTTP: true, Credentials: tableau.PersonalAccessToken{Name: "somebody", Secret: tableau.NewSecret("else")},
	}
	for name, e := range outputs {
		if err := os.Mkdir(filepath.Join(w.home, name), 0o700); err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(s.folder, e.name+`[.\-]*`))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if err := os.Link(file, filepath.Join(w.home, name, filepath.Base(file))); err != nil {
				return nil, err
			}
		}
	}
	return w, w.make(ctx, theirs)
}

func (w *world) close(ctx context.Context) error {
	w.front.Close()
	return errors.Join(w.Close(), w.conn.Close(ctx), os.RemoveAll(w.home))
}

// make has somebody else create the data source.
func (w *world) make(ctx context.Context, e *extract) error {
	_, err := w.other.Publish(ctx, tableau.Publication{File: w.file(e.name), Name: w.name, Mode: tableau.Create})
	return err
}

// stored is the data source; nil if there is none.
func (w *world) stored() *tableautest.Stored {
	if all := w.Datasources(""); len(all) > 0 {
		return &all[0]
	}
	return nil
}

// read has the rows of the data source, which are nil if there is none.
func (w *world) read(ctx context.Context) (rows table, err error) {
	w.WaitForJobs()
	found := w.stored()
	if found == nil {
		return nil, nil
	}
	const alias = "x"
	if err := w.conn.AttachReadOnly(ctx, found.Path, alias); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.conn.Detach(ctx, alias)) }()
	rows = table{}
	statement := fmt.Sprintf(`SELECT "id", trim(left("name", %d)) FROM x."Extract"."Extract"`, nameLength)
	return rows, w.conn.Query(ctx, statement, func(_ []hyperd.Field, values [][]byte) error {
		id, err := strconv.Atoi(string(values[0]))
		rows[row{id, string(values[1])}]++
		return err
	})
}

// do has somebody else do something, if there is a data source to do it to, in a second of its own.
func (w *world) do(f *foreign) (done bool, err error) {
	w.WaitForJobs()
	ctx, found := context.Background(), w.stored()
	if found == nil {
		return false, nil
	}
	release, err := w.Occupy(found.ID)
	if err != nil { // somebody is at it
		return false, nil
	}
	release()
	w.StepClock(3 * time.Second)
	switch f.what {
	case describes:
		err = w.Describe(found.ID, "something else")
	case overwrites:
		err = w.Overwrite(found.ID, w.file(f.rows.name))
	case appends:
		err = w.Append(ctx, found.ID, w.file(f.rows.name))
	case deletes:
		err = w.Delete(found.ID)
	case recreates:
		if err = w.Delete(found.ID); err == nil {
			err = w.make(ctx, f.rows)
		}
	case removes:
		err = w.removeSome(ctx, found)
	}
	if f.after {
		w.StepClock(3 * time.Second)
	}
	return err == nil, err
}

// removedBelow is the id below which somebody removes rows of every third.
const removedBelow = 300

func removed(id int) bool { return id < removedBelow && id%3 == 0 }

// removeSome has somebody publish the data source without some of its rows.
func (w *world) removeSome(ctx context.Context, found *tableautest.Stored) error {
	path := filepath.Join(w.home, "fewer.hyper")
	content, err := os.ReadFile(found.Path)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	const alias = "fewer"
	if err == nil {
		err = w.conn.Attach(ctx, path, alias)
	}
	if err != nil {
		return err
	}
	_, err = w.conn.Exec(ctx, fmt.Sprintf(`DELETE FROM fewer."Extract"."Extract" WHERE "id" < %d AND "id" %% 3 = 0`, removedBelow))
	if err = errors.Join(err, w.conn.Detach(ctx, alias)); err != nil {
		return err
	}
	return w.Overwrite(found.ID, path)
}

// configOf is the configuration of a command.
func (w *world) configOf(c *command) *config.Config {
	base := w.one
	if outputs[c.output].parts > 0 {
		base = w.set
	}
	cfg, p := *base, *base.Publish
	cfg.Publish = &p
	cfg.Output.Path = filepath.Join(w.home, c.output, outputs[c.output].name+".hyper")
	p.Server, p.Datasource, p.Mode, p.Confirm, p.IfChanged = w.front.URL, w.name, c.mode, c.confirm, c.ifChanged
	if c.confirm == "" {
		p.Confirm = config.ConfirmNone
	}
	if c.mode.Matches() {
		p.Match = []string{"id"}
	}
	if c.mode.Splits() && !c.whole {
		p.PayloadBytes = partBytes
	}
	p.AsJob = config.JobChoice(tableau.JobNever)
	if c.asJob {
		p.AsJob = config.JobChoice(tableau.JobAlways)
	}
	return &cfg
}

// base is the command line that the hints of commands begin with.
const base = "hyperlake publish THIS"

// run runs a command. killed says that its process died.
func (w *world) run(ctx context.Context, c *command) (told error, done []*foreign, unseen, killed bool, err error) {
	id, err := staging.NewRunID()
	if err != nil {
		return nil, nil, false, false, err
	}
	within, interrupt := context.WithCancel(ctx)
	defer interrupt()
	w.front.begin(c.mishaps, interrupt)
	options := publish.Options{
		ID: id, Log: slog.New(slog.DiscardHandler), Force: c.force, Command: base, Pause: w.pause,
		Units: []publish.TableUnits{{Schema: "Extract", Name: "Extract", Columns: []string{"id"}}}, // as a run would say
	}
	switch {
	case c.applied:
		options.Answer = publish.Applied
	case c.missing:
		options.Answer = publish.Missing
	}
	_, told = pipelines.Publish(within, w.configOf(c), options)
	done, unseen, killed, err = w.front.end()
	w.WaitForJobs()
	return told, done, unseen, killed, err
}

// pause is how publishing waits: what the server is at work on ends meanwhile, and its clock goes on.
func (w *world) pause(ctx context.Context, d time.Duration) error {
	w.front.free()
	w.WaitForJobs()
	w.StepClock(d)
	return ctx.Err()
}

// memory is what the ledgers of the data source hold, by their paths.
type memory struct{ state, user map[string][]byte }

func (w *world) stateLedgers() ([]string, error) {
	return filepath.Glob(filepath.Join(w.home, "*", "*.hyperlake", "publications", "*.json"))
}

func (w *world) userLedgers() ([]string, error) {
	plain := fmt.Sprintf("Items_%s-*.json", w.name[len("Items "):])
	return filepath.Glob(filepath.Join(os.Getenv("XDG_STATE_HOME"), "hyperlake", "publications", plain))
}

func (w *world) remember() (*memory, error) {
	state, err := w.stateLedgers()
	if err != nil {
		return nil, err
	}
	user, err := w.userLedgers()
	if err != nil {
		return nil, err
	}
	made := &memory{}
	if made.state, err = readAll(state); err == nil {
		made.user, err = readAll(user)
	}
	return made, err
}

func readAll(paths []string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		found[path] = content
	}
	return found, nil
}

// restore puts the ledgers back.
func (w *world) restore(m *memory) error {
	now, err := w.remember()
	if err != nil {
		return err
	}
	for _, pair := range [][2]map[string][]byte{{now.state, m.state}, {now.user, m.user}} {
		for path := range pair[0] {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		for path, content := range pair[1] {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}
