package publish

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// ledgersFolder is the folder of the ledgers in the state of a configuration, and in that of a user.
const ledgersFolder = "publications"

// closeTime bounds what is still written after an interruption: nobody waits for long then.
const closeTime = 10 * time.Second

// place is where a copy of a ledger stands.
type place struct {
	uri      string
	store    storage.Store
	standing *storage.Info // the version that was read or written last; nil if there is none
	lock     *lock.Lock
}

// ledgerFolders are the folders that ledgers stand in: that of the configuration's state, so that whoever
// publishes the same output knows, and that of the user, so that other outputs that feed the
// same data source know, where the user has one that can be written.
func ledgerFolders(c *config.Config) []string {
	folders := []string{storage.Join(c.StateFolder(), ledgersFolder)}
	if ofUser := userLedgers(); ofUser != "" && ofUser != folders[0] {
		folders = append(folders, ofUser)
	}
	return folders
}

// userLedgers is the folder of the user's ledgers, by the XDG base directory specification; empty if
// there is no place for it.
func userLedgers() string {
	base := os.Getenv("XDG_STATE_HOME")
	if runtime.GOOS == "windows" && base == "" {
		base = os.Getenv("LocalAppData")
	}
	if home, err := os.UserHomeDir(); base == "" && err == nil {
		base = filepath.Join(home, ".local", "state")
	}
	if !filepath.IsAbs(base) {
		return ""
	}
	folder := filepath.Join(base, "hyperlake", ledgersFolder)
	if storage.CheckWritable(storage.Standing(folder)) != nil {
		return ""
	}
	return folder
}

// fileName is that of a ledger: readable, and different for every data source.
func (a address) fileName() string { return a.namePrefix() + plainName(a.ProjectID) + ".json" }

// namePrefix is what the names of the ledgers of data sources of one name, in whatever projects, begin with.
func (a address) namePrefix() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{a.Server, a.Site, a.Datasource}, "\n")))
	return fmt.Sprintf("%s-%s-", plainName(a.Datasource), hex.EncodeToString(sum[:6]))
}

// maxPlainName is how many letters of a name stand in that of a file.
const maxPlainName = 40

// plainName is a name as it can stand in that of a file anywhere.
func plainName(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-') {
			return r
		}
		return '_'
	}, name)
	return plain[:min(len(plain), maxPlainName)]
}

// spelledProject is the project as the configuration names it: by its path, or its id.
func spelledProject(c *config.Config) string { return cmp.Or(c.Publish.Project, c.Publish.ProjectID) }

// openLedger locks and reads the ledger of a data source in all its places; there may be none yet. The
// caller unlocks it.
func openLedger(ctx context.Context, c *config.Config, a address, turn turn) (*ledger, error) {
	l := &ledger{Version: ledgerVersion, address: a, Project: spelledProject(c), Standing: standing{Rows: -1}}
	for i, folder := range ledgerFolders(c) {
		if i > 0 && os.MkdirAll(folder, 0o777) != nil { // the user has no place after all
			continue
		}
		p := &place{uri: storage.Join(folder, a.fileName())}
		var err error
		if p.lock, err = turn.lock(ctx, p.uri); err == nil {
			l.places = append(l.places, p)
			err = l.read(ctx, p)
		}
		if err != nil {
			return nil, errors.Join(err, l.unlock(ctx))
		}
	}
	if len(l.Deliveries) == 0 {
		if err := l.takeOver(ctx, c.Output.Path); err != nil {
			return nil, errors.Join(err, l.unlock(ctx))
		}
	}
	return l, nil
}

// unlock ends the locks.
func (l *ledger) unlock(ctx context.Context) error {
	var failed error
	for _, p := range l.places {
		failed = errors.Join(failed, p.lock.Release(ctx))
	}
	return failed
}

// held fails if somebody else may have a lock of it by now.
func (l *ledger) held() error {
	for _, p := range l.places {
		if err := p.lock.Held(); err != nil {
			return failure.New(failure.Publish, "the lock of the ledger %s: %w", p.uri, err).WithHint("repeat it when nobody else is publishing")
		}
	}
	return nil
}

// read takes in what stands in a place; there may be nothing.
func (l *ledger) read(ctx context.Context, p *place) (err error) {
	if p.store, err = storage.For(p.uri); err != nil {
		return unreadable(p.uri, err)
	}
	found, info, err := readLedger(ctx, p.store, p.uri)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unreadable(p.uri, err)
	}
	p.standing = &info
	l.merge(found)
	return nil
}

func unreadable(uri string, err error) error {
	return failure.New(failure.Publish, "read the ledger %s: %w", uri, err).
		WithHint("restore the file; without it nobody knows what was published, so remove it only when you know").BeforeData()
}

// readLedger reads the file of a ledger.
func readLedger(ctx context.Context, store storage.Store, uri string) (*ledger, storage.Info, error) {
	info, err := store.Stat(ctx, uri)
	if err != nil {
		return nil, storage.Info{}, err
	}
	text, err := store.Get(ctx, uri)
	if err != nil {
		return nil, storage.Info{}, err
	}
	found := &ledger{}
	if err := json.Unmarshal(text, found); err != nil {
		return nil, storage.Info{}, err
	}
	if found.Version > ledgerVersion {
		return nil, storage.Info{}, fmt.Errorf("it has version %d, and this hyperlake knows versions up to %d", found.Version, ledgerVersion)
	}
	for _, d := range found.Deliveries {
		if d == nil || len(d.Steps) == 0 {
			return nil, storage.Info{}, errors.New("it holds a delivery without steps")
		}
	}
	return found, info, nil
}

// maxMerges bounds how often others may come first.
const maxMerges = 10

// save writes the ledger to all its places, each whole or not at all, also when the run was interrupted.
// What another process wrote meanwhile stays. The first time that this process says something of
// a delivery, others that wrote meanwhile are an error: they may be doing the same.
func (l *ledger) save(ctx context.Context, d *delivery) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	first := !l.began(d)
	l.Revision++
	d.Revision++
	for _, p := range l.places {
		err := l.write(ctx, p)
		if wroteOther(err) && first {
			return failure.New(failure.Publish, "another process is publishing with the ledger %s: %w", p.uri, err).
				WithHint("wait until it has ended")
		}
		for try := 0; wroteOther(err) && try < maxMerges; try++ {
			if err = l.read(ctx, p); err == nil {
				err = l.write(ctx, p)
			}
		}
		if err != nil {
			return failure.New(failure.Publish, "write the ledger %s: %w", p.uri, err).
				WithHint("see that its folder can be written; what was published is not recorded")
		}
	}
	return nil
}

// began says whether this process has said something of a delivery before, and remembers that it does now.
func (l *ledger) began(d *delivery) bool {
	if slices.Contains(l.mine, d) {
		return true
	}
	l.mine = append(l.mine, d)
	return false
}

// write writes the ledger over the version that was read or written last, and over no other.
func (l *ledger) write(ctx context.Context, p *place) error {
	l.prune()
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	condition := storage.IfAbsent()
	if p.standing != nil {
		condition = storage.IfUnchanged(*p.standing)
	}
	info, err := storage.WriteIf(ctx, p.store, p.uri, append(data, '\n'), condition)
	if err == nil {
		p.standing = &info
	}
	return err
}

// wroteOther says whether the ledger was not written because another process did.
func wroteOther(err error) bool {
	return errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrChanged)
}

// knownTables are those of a data source as they were published last, as far as the ledgers on this
// side tell without the server; nil if they do not.
func knownTables(ctx context.Context, c *config.Config, a address) ([]ledgerTable, error) {
	var latest *ledger
	for _, folder := range ledgerFolders(c) {
		store, err := storage.For(folder)
		if err != nil {
			return nil, unreadable(folder, err)
		}
		files, err := store.Glob(ctx, storage.Join(folder, a.namePrefix()+"*.json"))
		if err != nil {
			return nil, unreadable(folder, err)
		}
		for _, file := range files {
			found, _, err := readLedger(ctx, store, file.URI)
			if err != nil {
				return nil, unreadable(file.URI, err)
			}
			this := path.Base(file.URI) == found.fileName() && sameProject(found.Project, spelledProject(c))
			if this && (latest == nil || found.Revision > latest.Revision) {
				latest = found
			}
		}
	}
	if latest == nil {
		return nil, nil
	}
	return latest.Tables, nil
}
