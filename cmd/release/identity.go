package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// identity is what a release says of itself, and when it was made: never now, but when its commit was, so that its bytes are the same
// whenever they are made.
type identity struct {
	version string // such as 0.1.0, without v
	commit  string // its hash; with -dirty where files differ from it
	time    time.Time
}

// identify finds out what the checkout in a folder is: the version is the one given, else that of the tag of the commit, else, also where
// files differ from the commit, one of the form that Go gives to commits between tags.
func identify(ctx context.Context, folder, version string) (identity, error) {
	git := func(args ...string) (string, error) {
		output, err := command(ctx, folder, "git", args...)
		return strings.TrimSpace(string(output)), err
	}
	hash, err := git("rev-parse", "HEAD")
	if err != nil {
		return identity{}, err
	}
	changes, err := git("status", "--porcelain")
	if err != nil {
		return identity{}, err
	}
	seconds, err := git("log", "-1", "--format=%ct")
	if err != nil {
		return identity{}, err
	}
	id := identity{commit: hash}
	if id.time, err = timeOf(cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), seconds)); err != nil {
		return identity{}, err
	}
	if changes != "" {
		id.commit += "-dirty"
	}
	if version != "" {
		id.version, err = given(version)
		return id, err
	}
	here, err := git("tag", "--list", "v*", "--points-at", "HEAD")
	if err != nil {
		return identity{}, err
	}
	if tag := newest(here); tag != "" && changes == "" {
		id.version = tag[1:]
		return id, nil
	}
	before, err := git("tag", "--list", "v*", "--merged", "HEAD")
	if err != nil {
		return identity{}, err
	}
	id.version = between(newest(before), id)
	return id, nil
}

func timeOf(seconds string) (time.Time, error) {
	number, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("seconds since 1970 (SOURCE_DATE_EPOCH): %w", err)
	}
	return time.Unix(number, 0).UTC(), nil
}

// given is a version that somebody asked for.
func given(version string) (string, error) {
	tag := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(tag) || semver.Canonical(tag)+semver.Build(tag) != tag {
		return "", fmt.Errorf("version %q: it has to be one of semver.org, such as 0.1.0 or 0.2.0-rc.1", version)
	}
	return tag[1:], nil
}

// newest is the highest version of a list of tags; empty where no tag is one.
func newest(tags string) string {
	most := ""
	for _, tag := range strings.Fields(tags) {
		if semver.IsValid(tag) && semver.Canonical(tag) == tag && semver.Compare(tag, most) > 0 {
			most = tag
		}
	}
	return most
}

// between is the version of a commit behind a tag, or of one that no tag precedes; it is higher than that tag, and lower than the next one.
func between(tag string, id identity) string {
	hash, isDirty := strings.CutSuffix(id.commit, "-dirty")
	version := module.PseudoVersion(cmp.Or(semver.Major(tag), "v0"), tag, id.time, hash[:12])[1:]
	if isDirty {
		version += "+dirty"
	}
	return version
}
