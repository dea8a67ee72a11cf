package hyper

import (
	"context"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
)

const (
	// A statement reads so many files, and so many bytes of them, at most: enough for all
	// cores, and not too much to do again where something is wrong.
	groupFiles = 1024
	groupBytes = 1 << 30

	// remoteGroupBytes is groupBytes for copies of remote files: of more, hyperd would wait long
	// for the first statement; a statement more takes some 0.1 s.
	remoteGroupBytes = 128 << 20
)

// deferredFile is a deferred file and where hyperd reads it.
type deferredFile struct {
	batch.Deferred
	path string   // local
	copy *fetched // in the spool; nil if the file itself is local
}

// isRemote says whether hyperd needs a copy of a file.
func isRemote(file batch.FileRef) bool {
	_, local := storage.LocalPath(file.Info.URI)
	return !local
}

// bytesOf is how much of a file hyperd is given: of a remote one, the whole copy.
func bytesOf(file batch.FileRef) int64 {
	if isRemote(file) {
		return file.Info.Size
	}
	return file.Bytes()
}

// fileGroup is deferred files of one table that one statement loads.
type fileGroup struct {
	table int
	files []deferredFile
	bytes int64
}

func rowsOf(files []deferredFile) int64 {
	var rows int64
	for _, file := range files {
		rows += file.File.Rows()
	}
	return rows
}

// hasRoom says whether another file may be added. Copies of remote files take a part of the
// spool, so that the next group is fetched while hyperd loads this one.
func (g *fileGroup) hasRoom(b batch.Batch, spoolBytes int64) bool {
	most := int64(groupBytes)
	if isRemote(b.Deferred.File) {
		most = min(remoteGroupBytes, spoolBytes/2)
	}
	return g.table == b.Table && len(g.files) < groupFiles && g.bytes+bytesOf(b.Deferred.File) <= most &&
		g.files[0].Conditions == b.Deferred.Conditions
}

// loadGroup loads files as soon as all of them are local, but for those that are refused. Copies of
// remote files are removed when nobody asks hyperd about them any more.
func (s *session) loadGroup(ctx context.Context, g *fileGroup) error {
	for _, file := range g.files {
		if file.copy == nil {
			continue
		}
		if err := file.copy.wait(ctx); err != nil {
			return err
		}
	}
	sound := *g
	sound.files = nil
	for _, file := range g.files {
		if file.copy != nil && file.copy.refused != "" {
			s.refuse(g.table, file, file.copy.refused)
		} else {
			sound.files = append(sound.files, file)
		}
	}
	if len(sound.files) > 0 {
		if err := s.loadFiles(ctx, &sound); err != nil {
			return err
		}
	}
	for _, file := range g.files {
		if file.copy == nil {
			continue
		}
		if err := removeFile(file.path); err != nil {
			return spoolFailure(err)
		}
		s.room.Release(bytesOf(file.File))
	}
	return nil
}
