package storage

import (
	"cmp"
	"os"
	"slices"
	"time"
)

// Alias is a file that has another name, too.
type Alias struct {
	Info
	Of     Info // the same file by the name that is kept
	Linked bool // more symbolic links lead to Info than to Of; if not, the names have equal rights
}

// Distinct keeps one name of each file: of a local file that symbolic or hard links give
// several names the one with the fewest symbolic links in its path, of these the first. Order
// is kept; remote files have one name each.
func Distinct(files []Info) (distinct []Info, aliases []Alias) {
	type look struct { // equal for the names of a file
		size     int64
		modified time.Time
	}
	alike := map[look][]int{}
	for i, file := range files {
		if IsLocal(file.URI) {
			key := look{file.Size, file.Modified.UTC()}
			alike[key] = append(alike[key], i)
		}
	}
	keptAs, known := map[int]named{}, links{}
	for _, indices := range alike {
		if len(indices) > 1 {
			tellApart(files, indices, known, keptAs)
		}
	}
	for i, file := range files {
		if kept, isAlias := keptAs[i]; isAlias {
			aliases = append(aliases, Alias{Info: file, Of: files[kept.index], Linked: known.find(file.URI).links > kept.links})
			continue
		}
		distinct = append(distinct, file)
	}
	return distinct, aliases
}

// named is a file by one of its names.
type named struct {
	place
	index int
	stat  os.FileInfo // nil if it is gone
}

// tellApart notes which of some files are others by another name.
func tellApart(files []Info, indices []int, known links, keptAs map[int]named) {
	names := make([]named, len(indices))
	for i, index := range indices {
		names[i] = named{place: known.find(files[index].URI), index: index}
		names[i].stat, _ = os.Stat(files[index].URI) // whoever reads it will say what is wrong
	}
	slices.SortFunc(names, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.links, b.links), cmp.Compare(files[a.index].URI, files[b.index].URI))
	})
	byPath := map[string]named{}
	var hardLinked []named
	for _, name := range names {
		kept, isKnown := byPath[name.path]
		if !isKnown && isHardLinked(name.stat) {
			at := slices.IndexFunc(hardLinked, func(other named) bool { return os.SameFile(other.stat, name.stat) })
			if isKnown = at >= 0; isKnown {
				kept = hardLinked[at]
			} else {
				hardLinked = append(hardLinked, name)
			}
		}
		if isKnown {
			keptAs[name.index] = kept
			continue
		}
		byPath[name.path] = name
	}
}
