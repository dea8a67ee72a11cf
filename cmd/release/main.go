// Command release makes all that is published of hyperlake from a checkout: archives for five systems, packages for Debian's and Red Hat's,
// a list of components of each program (CycloneDX), and checksums of them all. The same commit and the same Go give the same bytes: what is
// in them has the time of the commit, and no name of the machine, its users or its folders. It publishes and signs nothing.
//
// Of a commit that has a tag such as v0.1.0, and no change, it is that version; of another one it is one between tags, as Go calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	source := flag.String("source", ".", "`folder` of the checkout")
	out := flag.String("out", "out/release", "`folder` for what is made, which has to be empty or missing")
	version := flag.String("version", "", "make this `version`, such as 0.2.0-rc.1, whatever the tags say")
	list := flag.String("systems", everywhere, "for these `systems`")
	flag.Parse()
	if err := run(ctx, *source, *out, *version, *list); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1)
	}
}

// release is one that is being made.
type release struct {
	identity
	source, out string // absolute
	work        string // a folder for what is packed
}

func run(ctx context.Context, source, out, version, list string) error {
	systems, err := parseSystems(list)
	if err != nil {
		return err
	}
	r := &release{}
	if r.source, err = filepath.Abs(source); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(out); err != nil {
		return err
	}
	if r.identity, err = identify(ctx, r.source, version); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%s is not empty: empty it, or name another folder with -out", r.out)
	}
	if r.work, err = os.MkdirTemp("", "release-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.work) }()
	return r.make(ctx, systems)
}

// make makes everything, the checksums last.
func (r *release) make(ctx context.Context, systems []system) error {
	fmt.Fprintf(os.Stderr, "release: hyperlake %s, of commit %s\n", r.version, r.commit)
	if err := r.documents(ctx); err != nil {
		return err
	}
	licences, err := newLicences()
	if err != nil {
		return err
	}
	for _, target := range systems {
		program, err := r.build(ctx, target)
		if err != nil {
			return err
		}
		if err := r.archive(target, program); err != nil {
			return err
		}
		if err := r.bill(ctx, target, program, licences); err != nil {
			return err
		}
		if target.os == "linux" {
			if err := r.packages(target, program); err != nil {
				return err
			}
		}
	}
	return r.checksums()
}
