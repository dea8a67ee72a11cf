package iceberg

import (
	"context"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

const (
	metadataFolder = "metadata"
	hintFile       = "version-hint.text"
	maxHint        = 1 << 10 // bytes
)

// metadataName is how metadata files are named: v3.metadata.json by writers without a catalog, 00003-ID.metadata.json by
// those with one; compressed ones have .gz behind the name or the end.
var metadataName = regexp.MustCompile(`^(?:v(\d+)|(\d+)-[^/]*?)(?:\.gz)?\.metadata\.json(?:\.gz)?$`)

// location is where a table and its metadata file are.
type location struct {
	folder string // of the table; the folder of the metadata file's folder, as far as that is known
	info   storage.Info
}

// locate finds the metadata file of a table at a place, which is its folder or that file.
func locate(ctx context.Context, place string) (location, error) {
	store, err := storage.For(place)
	if err != nil {
		return location{}, unread(place, err)
	}
	if isMetadataFile(place) {
		info, err := store.Stat(ctx, place)
		if isMissing(err) {
			return location{}, failure.New(failure.Source, "there is no Iceberg table: %w", err).WithHint("check source.uri").BeforeData()
		}
		return location{parent(parent(place)), info}, unreadIf(place, err)
	}
	folder := storage.Join(place, metadataFolder)
	infos, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(place), metadataFolder, "*.metadata.json*"))
	if err != nil {
		return location{}, unread(folder, err)
	}
	hint, err := readHint(ctx, store, storage.Join(folder, hintFile))
	if err != nil {
		return location{}, err
	}
	info, err := newest(ctx, store, place, infos, hint)
	return location{place, info}, err
}

func unreadIf(uri string, err error) error {
	if err == nil {
		return nil
	}
	return unread(uri, err)
}

// isMetadataFile says whether a place is a metadata file by its name.
func isMetadataFile(place string) bool {
	return strings.HasSuffix(place, ".metadata.json") || strings.HasSuffix(place, ".metadata.json.gz")
}

// parent is the folder that a file or folder is in.
func parent(uri string) string {
	uri = filepath.ToSlash(uri)
	at := strings.LastIndexByte(uri, '/')
	switch {
	case at < 0:
		return "."
	case at == 0:
		return "/"
	}
	return uri[:at]
}

// readHint reads which version a writer without a catalog wrote last; "" if there is none.
func readHint(ctx context.Context, store storage.Store, uri string) (string, error) {
	info, err := store.Stat(ctx, uri)
	switch {
	case isMissing(err) || err == nil && (info.Size > maxHint || info.Folder):
		return "", nil
	case err != nil:
		return "", unread(uri, err)
	}
	raw, err := store.Get(ctx, uri)
	if isMissing(err) {
		return "", nil
	}
	return strings.TrimSpace(string(raw)), unreadIf(uri, err)
}

// numberOf is the number of a metadata file.
func numberOf(uri string) (int64, bool) {
	match := metadataName.FindStringSubmatch(path.Base(filepath.ToSlash(uri)))
	if match == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(match[1]+match[2], 10, 64)
	return n, err == nil
}

// newest chooses the metadata file with the highest number, or the one that the hint says is newer. Of several with that
// number only a catalog knows which counts.
func newest(ctx context.Context, store storage.Store, place string, infos []storage.Info, hint string) (storage.Info, error) {
	highest := int64(-1)
	var found []storage.Info
	for _, info := range infos {
		switch n, ok := numberOf(info.URI); {
		case !ok || n < highest:
		case n > highest:
			highest, found = n, []storage.Info{info}
		default:
			found = append(found, info)
		}
	}
	if hinted, err := strconv.ParseInt(strings.TrimPrefix(hint, "v"), 10, 64); err == nil && hinted > highest {
		return hintedFile(ctx, store, place, hinted)
	}
	if len(found) > 1 && hint != "" {
		if named := byHint(found, hint); len(named) == 1 {
			found = named
		}
	}
	folder := storage.Join(place, metadataFolder)
	switch {
	case len(found) == 0:
		return storage.Info{}, failure.New(failure.Source, "%s is no Iceberg table: there is no metadata file in %s", place, folder).
			WithHint("check source.uri: it is the folder of a table, or one of its metadata files").BeforeData()
	case len(found) > 1:
		return storage.Info{}, failure.New(failure.Source,
			"the Iceberg table %s has several metadata files of number %d, and only its catalog knows which counts: %s",
			place, highest, names(found)).
			WithHint("set source.uri to the metadata file that its catalog names").BeforeData()
	}
	return found[0], nil
}

// names are those of files, for people.
func names(infos []storage.Info) string {
	all := make([]string, len(infos))
	for i, info := range infos {
		all[i] = path.Base(filepath.ToSlash(info.URI))
	}
	return shortened(all)
}

// byHint are the files that a hint may mean: by the number of a writer without a catalog, or by a name.
func byHint(infos []storage.Info, hint string) []storage.Info {
	var named []storage.Info
	for _, info := range infos {
		name := path.Base(filepath.ToSlash(info.URI))
		if strings.HasPrefix(name, "v"+strings.TrimPrefix(hint, "v")+".") || name == hint || strings.HasPrefix(name, hint+".") {
			named = append(named, info)
		}
	}
	return named
}

// hintedFile is the metadata file of a hint that is newer than all that were listed.
func hintedFile(ctx context.Context, store storage.Store, place string, number int64) (storage.Info, error) {
	stem := storage.Join(place, metadataFolder, "v"+strconv.FormatInt(number, 10))
	for _, end := range []string{".metadata.json", ".gz.metadata.json", ".metadata.json.gz"} {
		info, err := store.Stat(ctx, stem+end)
		if !isMissing(err) {
			return info, unreadIf(stem+end, err)
		}
	}
	return storage.Info{}, damaged(storage.Join(place, metadataFolder, hintFile),
		"it says that the newest metadata file is number %d, which is missing", number)
}
