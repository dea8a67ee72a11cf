package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/doctor"
	"hyperlake/pipelines/report"
)

// checkReportPlace says whether the report can be written where the flags want it, which a
// run should not find out at its end.
func (a *app) checkReportPlace(ctx context.Context) error {
	path := a.flags.report
	if path == "" || path == toStdout {
		return nil
	}
	if storage.IsLocal(path) {
		stat, err := os.Stat(path)
		switch {
		case err == nil && stat.IsDir():
			return reportFailure(path, errors.New("it is a folder")).BeforeData()
		case err == nil && !stat.Mode().IsRegular():
			return nil // a pipe or a device, which writing alone tells about
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return reportFailure(path, err).BeforeData()
		}
	}
	folder := path[:strings.LastIndexAny(filepath.ToSlash(path), "/")+1]
	if _, err := doctor.TryFolder(ctx, cmp.Or(folder, ".")); err != nil {
		return reportFailure(path, err).BeforeData()
	}
	return nil
}

func reportFailure(path string, err error) *failure.Error {
	return failure.New(failure.Storage, "write the report to %s: %w", path, err).
		WithHint("%s", cmp.Or(storage.Hint(err), "name another place with --report, or - for stdout"))
}

// endWithReport writes the report, which is final, and returns the error that the command ends with: that of
// what the report is about, if there is one.
func (a *app) endWithReport(ctx context.Context, report *report.Report, err error) error {
	a.final.Store(report)
	reportErr := a.writeReport(ctx, report)
	if err != nil && reportErr != nil {
		a.log.Warn("the report was not written", "error", reportErr)
	}
	return cmp.Or(err, reportErr)
}

// writeReport puts the report where the flags want it.
func (a *app) writeReport(ctx context.Context, report *report.Report) error {
	if a.isOneOfSeveral {
		return nil
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	data = append(data, '\n')
	if path := a.flags.report; path != "" && path != toStdout {
		if err := putReport(context.WithoutCancel(ctx), path, data); err != nil {
			return reportFailure(path, err)
		}
	}
	if !a.flags.json && a.flags.report != toStdout {
		return nil
	}
	_, err = a.stdout.Write(data)
	return printFailure(err)
}

// putReport writes a file, which appears whole or not at all. What is no file, such as a pipe,
// is written to as it stands.
func putReport(ctx context.Context, path string, data []byte) error {
	if storage.IsLocal(path) {
		if stat, err := os.Stat(path); err == nil && !stat.Mode().IsRegular() {
			pipe, err := storage.OpenPipe(ctx, path, os.O_WRONLY)
			if err != nil {
				return err
			}
			_, err = bytes.NewReader(data).WriteTo(pipe)
			return errors.Join(err, pipe.Close())
		}
	}
	return storage.Put(ctx, path, data)
}
