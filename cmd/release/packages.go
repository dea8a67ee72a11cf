package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// maintainer is whom Debian's and Red Hat's tools name. There is no address yet that could be published (see docs/releasing.md).
const maintainer = "The hyperlake maintainers <maintainers@hyperlake.invalid>"

const summary = "Build Tableau .hyper extracts from a Parquet data lake"

const description = `hyperlake reads Parquet files, Delta Lake and Iceberg tables, validates every
row, loads each one exactly once or fails, and puts the finished extract into
place atomically, or publishes it to Tableau Server and Cloud.

It needs hyperd, Tableau's database engine, which is not part of this package:
"hyperlake hyperd install" fetches it, by pip or npm, into the cache of a user.`

// packages writes the .deb and the .rpm of a system. Both have no scripts: installing and removing them does nothing but files.
func (r *release) packages(target system, program string) error {
	contents, err := r.contents(program)
	if err != nil {
		return err
	}
	for _, packager := range []nfpm.Packager{deb.Default, rpm.DefaultRPM} {
		info := nfpm.WithDefaults(&nfpm.Info{
			Name: "hyperlake", Arch: target.arch, Platform: target.os, Version: r.version, Release: "1",
			Section: "database", Priority: "optional", Maintainer: maintainer, License: "Apache-2.0", MTime: r.time,
			DisableGlobbing: true,
			Overridables: nfpm.Overridables{
				Contents: contents,
				RPM:      nfpm.RPM{Summary: summary, BuildHost: "localhost", Compression: "zstd"}, // no name of this machine
			},
		})
		describe(info, packager)
		path := filepath.Join(r.out, packager.ConventionalFileName(info))
		if err := create(path, func(w io.Writer) error { return packager.Package(info, w) }); err != nil {
			return err
		}
	}
	return nil
}

// describe says what hyperlake is, and recommends what it uses where it is there: certificates, and pip or npm, which fetch hyperd. Debian
// has the summary as the first line of the description, a paragraph begins behind a dot, and packages can be alternatives.
func describe(info *nfpm.Info, packager nfpm.Packager) {
	info.Description = description
	info.Recommends = []string{"ca-certificates", "python3-pip"}
	if packager == nfpm.Packager(deb.Default) {
		info.Description = summary + "\n" + strings.ReplaceAll(description, "\n\n", "\n.\n")
		info.Recommends[1] += " | npm"
	}
}

// contents are the files of both packages; those that only one of them has name it.
func (r *release) contents(program string) (files.Contents, error) {
	const doc, licence = "usr/share/doc/hyperlake/", "usr/share/licenses/hyperlake/"
	list := []packed{
		{file{"usr/bin/hyperlake", program, 0o755}, "", ""},
		{file{doc + "README.md", filepath.Join(r.source, "README.md"), 0o644}, "", ""},
		{file{licence + "LICENSE", filepath.Join(r.source, "LICENSE"), 0o644}, "rpm", files.TypeRPMLicense},
		{file{"usr/share/bash-completion/completions/hyperlake", filepath.Join(r.work, "completions", "hyperlake.bash"), 0o644}, "", ""},
		{file{"usr/share/zsh/vendor-completions/_hyperlake", filepath.Join(r.work, "completions", "_hyperlake"), 0o644}, "deb", ""},
		{file{"usr/share/zsh/site-functions/_hyperlake", filepath.Join(r.work, "completions", "_hyperlake"), 0o644}, "rpm", ""},
		{file{"usr/share/fish/vendor_completions.d/hyperlake.fish", filepath.Join(r.work, "completions", "hyperlake.fish"), 0o644}, "", ""},
	}
	compressed := []packed{
		{file{doc + "THIRD_PARTY_NOTICES.gz", filepath.Join(r.work, "THIRD_PARTY_NOTICES"), 0o644}, "deb", ""},
		{file{licence + "THIRD_PARTY_NOTICES.gz", filepath.Join(r.work, "THIRD_PARTY_NOTICES"), 0o644}, "rpm", files.TypeRPMLicense},
		{file{doc + "changelog.gz", filepath.Join(r.source, "CHANGELOG.md"), 0o644}, "", ""},
	}
	written, err := r.debian()
	if err != nil {
		return nil, err
	}
	list = append(list, packed{file{doc + "copyright", written[0], 0o644}, "deb", ""},
		packed{file{"usr/share/lintian/overrides/hyperlake", written[2], 0o644}, "deb", ""})
	compressed = append(compressed, packed{file{doc + "changelog.Debian.gz", written[1], 0o644}, "deb", ""})
	manual, err := filesBelow(filepath.Join(r.work, "man"))
	if err != nil {
		return nil, err
	}
	for _, page := range manual {
		compressed = append(compressed, packed{file{"usr/share/man/man1/" + page.name + ".gz", page.from, 0o644}, "", ""})
	}
	for _, item := range compressed {
		if item.from, err = r.compress(item.from); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	contents := make(files.Contents, len(list))
	for i, item := range list {
		contents[i] = &files.Content{
			Source: item.from, Destination: "/" + item.name, Packager: item.packager, Type: item.kind,
			FileInfo: &files.ContentFileInfo{Mode: item.mode, Owner: "root", Group: "root", MTime: r.time},
		}
	}
	return contents, nil
}

// packed is a file of packages.
type packed struct {
	file
	packager string // the only one that has it; empty for both
	kind     string // what it is to rpm
}

// debian writes what Debian wants to know of every package, and returns where: the copyright, the
// changes of the package itself, and what lintian is to accept: programs of Go are linked statically, and no bug of Debian asked for it.
func (r *release) debian() ([]string, error) {
	version := strings.Replace(r.version, "-", "~", 1) + "-1"
	texts := []struct{ name, text string }{
		{"copyright", fmt.Sprintf(`hyperlake is published as source and as packages by its authors.

Copyright %d The hyperlake authors

License: Apache-2.0. On Debian systems, the full text of the Apache License, Version 2.0, is in
/usr/share/common-licenses/Apache-2.0.

What is linked into hyperlake has licences of its own, which THIRD_PARTY_NOTICES.gz beside this
file has in full.
`, r.time.Year())},
		{"changelog.Debian", fmt.Sprintf("hyperlake (%s) unstable; urgency=medium\n\n  * hyperlake %s: see changelog.gz.\n\n -- %s  %s\n",
			version, r.version, maintainer, r.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))},
		{"overrides", "hyperlake: initial-upload-closes-no-bugs\nhyperlake: statically-linked-binary [usr/bin/hyperlake]\n"},
	}
	paths := make([]string, len(texts))
	for i, file := range texts {
		paths[i] = filepath.Join(r.work, file.name)
		if err := os.WriteFile(paths[i], []byte(file.text), 0o644); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// compress compresses a file into the work folder, without its name and time, and returns where.
func (r *release) compress(path string) (string, error) {
	compressed := filepath.Join(r.work, "compressed", filepath.Base(path)+".gz")
	return compressed, create(compressed, func(w io.Writer) error {
		writer, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		if err := copyFile(writer, path); err != nil {
			return err
		}
		return writer.Close()
	})
}
