package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is one that archives and packages have.
type file struct {
	name string // its path there, with slashes
	from string // where it stands
	mode fs.FileMode
}

// archive writes the archive of a system: a folder with the program and all that belongs to it, as .tar.gz, for Windows as .zip.
func (r *release) archive(target system, program string) error {
	files, err := r.archived(target, program)
	if err != nil {
		return err
	}
	folder := fmt.Sprintf("hyperlake_%s_%s_%s", r.version, target.os, target.arch)
	name, write := folder+".tar.gz", writeTar
	if target.os == "windows" {
		name, write = folder+".zip", writeZip
	}
	return create(filepath.Join(r.out, name), func(w io.Writer) error { return write(w, folder, files, r.time) })
}

// archived are the files of an archive, sorted.
func (r *release) archived(target system, program string) ([]file, error) {
	files := []file{
		{target.program(), program, 0o755},
		{"THIRD_PARTY_NOTICES", filepath.Join(r.work, "THIRD_PARTY_NOTICES"), 0o644},
	}
	for _, name := range []string{"CHANGELOG.md", "LICENSE", "README.md"} {
		files = append(files, file{name, filepath.Join(r.source, name), 0o644})
	}
	for name, from := range map[string]string{
		"docs": filepath.Join(r.source, "docs"), "man/man1": filepath.Join(r.work, "man"), "completions": filepath.Join(r.work, "completions"),
	} {
		below, err := filesBelow(from)
		if err != nil {
			return nil, err
		}
		for _, file := range below {
			file.name = path.Join(name, file.name)
			files = append(files, file)
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// filesBelow are the files of a folder and of those in it, by their paths there.
func filesBelow(folder string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files = append(files, file{filepath.ToSlash(name), path, 0o644})
		return err
	})
	return files, err
}

func writeTar(w io.Writer, folder string, files []file, modified time.Time) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, file := range files {
		info, err := os.Stat(file.from)
		if err != nil {
			return err
		}
		header := &tar.Header{
			Name: path.Join(folder, file.name), Mode: int64(file.mode), Size: info.Size(), ModTime: modified, Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if err := copyFile(archive, file.from); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

func writeZip(w io.Writer, folder string, files []file, modified time.Time) error {
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, file := range files {
		header := &zip.FileHeader{Name: path.Join(folder, file.name), Method: zip.Deflate, Modified: modified}
		header.SetMode(file.mode)
		writer, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if err := copyFile(writer, file.from); err != nil {
			return err
		}
	}
	return archive.Close()
}

func copyFile(w io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// create makes a file that a function writes.
func create(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := write(file); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
}
