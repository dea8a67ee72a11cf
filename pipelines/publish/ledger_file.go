package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// closeTime bounds what is still written after an interruption: nobody waits for long then.
const closeTime = 10 * time.Second

// openLedger reads the ledger of an extract; there may be none yet.
func openLedger(ctx context.Context, extract string) (*ledger, error) {
	l := &ledger{Version: ledgerVersion, path: LedgerPath(extract)}
	fail := func(err error) (*ledger, error) {
		return nil, failure.New(failure.Publish, "read the ledger %s: %w", l.path, err).
			WithHint("restore the file; without it nobody knows what was published, so remove it only when you know").BeforeData()
	}
	var err error
	if l.store, err = storage.For(l.path); err != nil {
		return fail(err)
	}
	if err = l.read(ctx); err != nil {
		return fail(err)
	}
	return l, nil
}

// read takes the entries that stand in the file; there may be none.
func (l *ledger) read(ctx context.Context) error {
	info, err := l.store.Stat(ctx, l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	file, err := l.store.Open(ctx, info)
	if err != nil {
		return err
	}
	defer file.Close()
	var text bytes.Buffer
	if _, err := file.WriteTo(&text); err != nil {
		return err
	}
	var found ledger
	if err := json.Unmarshal(text.Bytes(), &found); err != nil {
		return err
	}
	if found.Version > ledgerVersion {
		return fmt.Errorf("it has version %d, and this hyperlake knows versions up to %d", found.Version, ledgerVersion)
	}
	l.standing = &info
	l.Entries = slices.DeleteFunc(found.Entries, func(e *ledgerEntry) bool { return e == nil })
	return nil
}

// maxLedgerMerges bounds how often others may come first.
const maxLedgerMerges = 10

// save writes the ledger, whole or not at all, also when the run was interrupted. What
// another process wrote meanwhile stays.
func (l *ledger) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	err := l.write(ctx)
	for try := 0; wroteOther(err) && try < maxLedgerMerges; try++ {
		if err = l.merge(ctx); err == nil {
			err = l.write(ctx)
		}
	}
	return l.explain(err)
}

// write writes the ledger over the version that was read or written last, and over no other.
func (l *ledger) write(ctx context.Context) error {
	l.Entries = l.Entries[max(len(l.Entries)-maxLedgerEntries, 0):]
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	condition := storage.IfAbsent()
	if l.standing != nil {
		condition = storage.IfUnchanged(*l.standing)
	}
	file, err := l.store.Create(ctx, l.path, condition)
	if err != nil {
		return err
	}
	defer file.Abort()
	if _, err := file.Write(append(data, '\n')); err != nil {
		return err
	}
	info, err := file.Commit()
	if err == nil {
		l.standing = &info
	}
	return err
}

// wroteOther says whether the ledger was not written because another process did.
func wroteOther(err error) bool {
	return errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrChanged)
}

// merge puts the entries of this process among those that stand in the file now.
func (l *ledger) merge(ctx context.Context) error {
	l.Entries, l.standing = nil, nil
	if err := l.read(ctx); err != nil {
		return err
	}
	for _, entry := range l.mine {
		at := slices.IndexFunc(l.Entries, func(e *ledgerEntry) bool {
			return e.RunID == entry.RunID && e.Datasource == entry.Datasource && e.Started.Equal(entry.Started)
		})
		if at < 0 {
			l.Entries = append(l.Entries, entry)
		} else {
			l.Entries[at] = entry
		}
	}
	return nil
}

func (l *ledger) explain(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Publish, "write the ledger %s: %w", l.path, err).
		WithHint("see that its folder can be written; what was published is not recorded")
}

// begin records an attempt before it is made. It fails if another process wrote to the
// ledger since it was read: that may have done the same.
func (l *ledger) begin(ctx context.Context, entry *ledgerEntry) error {
	if !slices.Contains(l.Entries, entry) {
		l.Entries = append(l.Entries, entry)
	}
	if len(l.mine) > 0 { // of several data sources, the first one has passed
		l.mine = append(l.mine, entry)
		return l.save(ctx)
	}
	l.mine = append(l.mine, entry)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	err := l.write(limited)
	if wroteOther(err) {
		return failure.New(failure.Publish, "another process is publishing with the ledger %s: %w", l.path, err).
			WithHint("wait until it has ended")
	}
	return l.explain(err)
}

// end records the outcome of an attempt.
func (l *ledger) end(ctx context.Context, entry *ledgerEntry, became outcome) error {
	entry.Outcome, entry.Finished = became, time.Now().UTC()
	if entry.Tables != nil {
		for _, other := range l.of(entry) {
			if other != entry {
				other.Tables = nil
			}
		}
	}
	return l.save(ctx)
}
