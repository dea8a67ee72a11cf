package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRelease makes the release of this system twice, of two checkouts with the same tag, and has the tools of people who install it
// look at it: tar, dpkg, rpm, sha256sum, man and bash. It installs both packages, as root, below folders of its own.
func TestRelease(t *testing.T) {
	const version = "7.8.9-rc.1"
	folder := t.TempDir()
	here := system{runtime.GOOS, runtime.GOARCH}
	var made [2]string
	for i := range made {
		source := filepath.Join(folder, fmt.Sprint("checkout-", strings.Repeat("x", i*40)))
		checkout(t, source, "v"+version)
		made[i] = filepath.Join(folder, fmt.Sprint("made", i))
		require.NoError(t, run(t.Context(), source, made[i], "", here.String()))
	}
	first, second := read(t, made[0]), read(t, made[1])
	base := "hyperlake_" + version + "_" + here.os + "_" + here.arch
	require.ElementsMatch(t, []string{
		"SHA256SUMS", base + ".tar.gz", base + ".cdx.json", "hyperlake_7.8.9~rc.1-1_amd64.deb", "hyperlake-7.8.9~rc.1-1.x86_64.rpm",
	}, names(first))
	for name, content := range first {
		assert.Truef(t, bytes.Equal(content, second[name]), "%s of the second checkout has other bytes", name)
	}
	output(t, made[0], "sha256sum", "--check", "--strict", "SHA256SUMS")
	assert.Len(t, strings.Split(strings.TrimSpace(string(first["SHA256SUMS"])), "\n"), len(first)-1)

	commit := strings.TrimSpace(output(t, filepath.Join(folder, "checkout-"), "git", "rev-parse", "HEAD"))
	archived := filepath.Join(folder, "archived")
	require.NoError(t, os.Mkdir(archived, 0o755))
	output(t, archived, "tar", "xzf", filepath.Join(made[0], base+".tar.gz"))
	t.Run("archive", func(t *testing.T) { testArchive(t, filepath.Join(archived, base), version, commit) })
	t.Run("deb", func(t *testing.T) {
		testDeb(t, filepath.Join(made[0], "hyperlake_7.8.9~rc.1-1_amd64.deb"), version, commit)
	})
	t.Run("rpm", func(t *testing.T) {
		testRPM(t, filepath.Join(made[0], "hyperlake-7.8.9~rc.1-1.x86_64.rpm"), version, commit)
	})
	t.Run("bill", func(t *testing.T) {
		testBill(t, first[base+".cdx.json"], filepath.Join(archived, base, "hyperlake"), version)
	})
}

// checkout makes a repository of the files that the one here has, also of those that are not committed yet, with one commit and a tag.
func checkout(t *testing.T, folder, tag string) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(folder, 0o755))
	list := filepath.Join(t.TempDir(), "files")
	output(t, root, "bash", "-c", `git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done >"$1" &&
		tar -c --null -T "$1" | tar -x -C "$2"`, "bash", list, folder)
	output(t, folder, "git", "init", "-q")
	output(t, folder, "git", "add", ".")
	output(t, folder, "env", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
		"git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "release")
	output(t, folder, "git", "tag", tag)
}

func testArchive(t *testing.T, folder, version, commit string) {
	testProgram(t, filepath.Join(folder, "hyperlake"), version, commit)
	text := contents(t, filepath.Join(folder, "THIRD_PARTY_NOTICES"))
	assert.Contains(t, text, "github.com/apache/beam/sdks/v2 v2.77.0: LICENSE")
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "docs/operating.md", "completions/hyperlake.ps1"} {
		assert.NotEmpty(t, contents(t, filepath.Join(folder, name)), name)
	}
	links := regexp.MustCompile(`\]\((docs/[^)#]+)`).FindAllStringSubmatch(contents(t, filepath.Join(folder, "README.md")), -1)
	require.NotEmpty(t, links)
	for _, link := range links {
		assert.FileExists(t, filepath.Join(folder, link[1]), "the README names it")
	}
	page := output(t, folder, "man", "-E", "ascii", "-P", "cat", "-l", "man/man1/hyperlake-run.1")
	assert.Contains(t, page, "hyperlake run CONFIG")
	assert.Contains(t, page, version)
	testCompletion(t, folder, filepath.Join(folder, "completions", "hyperlake.bash"))
	for name, head := range map[string]string{"_hyperlake": "#compdef hyperlake\n", "hyperlake.fish": "# fish completion for hyperlake"} {
		assert.Truef(t, strings.HasPrefix(contents(t, filepath.Join(folder, "completions", name)), head), name)
	}
}

// testProgram has a program say what it is.
func testProgram(t *testing.T, path, version, commit string) {
	assert.Equal(t, fmt.Sprintf("hyperlake %s (commit %s)\n", version, commit), output(t, filepath.Dir(path), path, "--version"))
	var said struct{ Hyperlake, Commit string }
	require.NoError(t, json.Unmarshal([]byte(output(t, filepath.Dir(path), path, "version", "--json")), &said))
	assert.Equal(t, version, said.Hyperlake)
	assert.Equal(t, commit, said.Commit)
}

// testCompletion has bash read a script of completion, and complete a command of the program of a folder by it.
func testCompletion(t *testing.T, folder, script string) {
	completed := output(t, folder, "bash", "--norc", "-c", `
		set -eu
		PATH="$1:$PATH"
		_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}; }
		source "$2"
		complete -p hyperlake >&2
		COMP_WORDS=(hyperlake gener) COMP_CWORD=1 COMP_LINE="hyperlake gener" COMP_POINT=15 COMP_TYPE=9 COMP_KEY=9
		set +eu
		__start_hyperlake
		printf '%s\n' "${COMPREPLY[@]}"`, "bash", folder, script)
	assert.Equal(t, "generate\n", completed)
}

// installed are the files of both packages, by their paths.
var installed = []string{
	"usr/bin/hyperlake", "usr/share/man/man1/hyperlake.1.gz", "usr/share/man/man1/hyperlake-run.1.gz",
	"usr/share/bash-completion/completions/hyperlake", "usr/share/fish/vendor_completions.d/hyperlake.fish",
	"usr/share/doc/hyperlake/README.md", "usr/share/doc/hyperlake/changelog.gz",
}

func testDeb(t *testing.T, path, version, commit string) {
	for field, want := range map[string]string{
		"Package": "hyperlake", "Version": "7.8.9~rc.1-1", "Architecture": "amd64", "Section": "database", "Maintainer": maintainer,
		"Recommends":  "ca-certificates, python3-pip | npm",
		"Description": summary + "\n " + strings.ReplaceAll(strings.ReplaceAll(description, "\n\n", "\n.\n"), "\n", "\n "),
	} {
		assert.Equal(t, want+"\n", output(t, "", "dpkg-deb", "--field", path, field), field)
	}
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg/updates"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg/info"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644))
	output(t, "", "dpkg", "--root="+root, "--install", path)
	files := append([]string{
		"usr/share/doc/hyperlake/copyright", "usr/share/doc/hyperlake/THIRD_PARTY_NOTICES.gz", "usr/share/doc/hyperlake/changelog.Debian.gz",
		"usr/share/zsh/vendor-completions/_hyperlake",
	}, installed...)
	testInstalled(t, root, files, version, commit)
	assert.Equal(t, "hyperlake (7.8.9~rc.1-1) unstable; urgency=medium",
		strings.SplitN(output(t, root, "zcat", "usr/share/doc/hyperlake/changelog.Debian.gz"), "\n", 2)[0])
	assert.Empty(t, output(t, "", "dpkg", "--root="+root, "--verify", "hyperlake"))
	output(t, "", "dpkg", "--root="+root, "--purge", "hyperlake")
	assert.NoFileExists(t, filepath.Join(root, "usr/bin/hyperlake"))
}

func testRPM(t *testing.T, path, version, commit string) {
	assert.Equal(t, "hyperlake|7.8.9~rc.1|1|x86_64|Apache-2.0|localhost|1767323045\n", output(t, "",
		"rpm", "-qp", "--qf", `%{NAME}|%{VERSION}|%{RELEASE}|%{ARCH}|%{LICENSE}|%{BUILDHOST}|%{BUILDTIME}\n`, path))
	assert.Equal(t, summary+"|"+description+"\n", output(t, "", "rpm", "-qp", "--qf", `%{SUMMARY}|%{DESCRIPTION}\n`, path))
	root := t.TempDir()
	database := []string{"--root", root, "--dbpath", "/var/lib/rpm", "--define", "_pkgverify_level digest"}
	rpm := func(args ...string) string { return output(t, "", "rpm", append(database, args...)...) }
	rpm("--initdb")
	rpm("--checksig", "--nosignature", path)
	rpm("--force-debian", "--install", path)
	files := append([]string{
		"usr/share/licenses/hyperlake/LICENSE", "usr/share/licenses/hyperlake/THIRD_PARTY_NOTICES.gz", "usr/share/zsh/site-functions/_hyperlake",
	}, installed...)
	testInstalled(t, root, files, version, commit)
	assert.Contains(t, rpm("-q", "--licensefiles", "hyperlake"), "/usr/share/licenses/hyperlake/LICENSE\n")
	assert.Empty(t, rpm("--verify", "hyperlake"))
	rpm("--force-debian", "--erase", "hyperlake")
	assert.NoFileExists(t, filepath.Join(root, "usr/bin/hyperlake"))
}

// testInstalled looks at what a package has installed below a root.
func testInstalled(t *testing.T, root string, files []string, version, commit string) {
	for _, name := range files {
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		want := os.FileMode(0o644)
		if strings.HasPrefix(name, "usr/bin/") {
			want = 0o755
		}
		assert.Equal(t, want, info.Mode(), name)
		assert.NotZero(t, info.Size(), name)
	}
	program := filepath.Join(root, "usr/bin/hyperlake")
	testProgram(t, program, version, commit)
	testCompletion(t, filepath.Dir(program), filepath.Join(root, "usr/share/bash-completion/completions/hyperlake"))
	page := output(t, root, "man", "-E", "ascii", "-P", "cat", "-l", "usr/share/man/man1/hyperlake.1.gz")
	assert.Contains(t, page, "hyperlake")
}

// testBill holds a bill against the schema of CycloneDX, and against what Go recorded in the program.
func testBill(t *testing.T, content []byte, program, version string) {
	schemas := filepath.Join(strings.TrimSpace(output(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go")), "schema")
	compiler := jsonschema.NewCompiler()
	for url, name := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json": "bom-1.6.schema.json", "http://cyclonedx.org/schema/spdx.schema.json": "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(contents(t, filepath.Join(schemas, name))))
		require.NoError(t, err)
		require.NoError(t, compiler.AddResource(url, schema))
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	require.NoError(t, err)
	require.NoError(t, schema.Validate(document))

	var bill struct {
		Metadata struct {
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version, Purl string
			Licenses            []struct{ License struct{ ID, Name string } }
		}
	}
	require.NoError(t, json.Unmarshal(content, &bill))
	assert.Equal(t, "hyperlake "+version, bill.Metadata.Component.Name+" "+bill.Metadata.Component.Version)
	built, err := buildinfo.ReadFile(program)
	require.NoError(t, err)
	want := []string{"std " + strings.TrimPrefix(built.GoVersion, "go")}
	for _, module := range built.Deps {
		want = append(want, module.Path+" "+module.Version)
	}
	var got []string
	for _, component := range bill.Components {
		got = append(got, component.Name+" "+component.Version)
		assert.Equal(t, "pkg:golang/"+component.Name+"@"+component.Version, strings.ReplaceAll(component.Purl, "%2B", "+"))
		assert.NotEmptyf(t, component.Licenses, "licence of %s", component.Name)
		for _, choice := range component.Licenses {
			assert.NotEmptyf(t, choice.License.ID+choice.License.Name, "licence of %s", component.Name)
		}
	}
	assert.ElementsMatch(t, want, got)
	assert.Greater(t, len(want), 100)
}

// read are the files of a folder.
func read(t *testing.T, folder string) map[string][]byte {
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	read := map[string][]byte{}
	for _, file := range files {
		read[file.Name()] = []byte(contents(t, filepath.Join(folder, file.Name())))
	}
	return read
}

func names(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	return names
}

func contents(t *testing.T, path string) string {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// output is what a program prints; the test ends where it fails.
func output(t *testing.T, folder, name string, args ...string) string {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	printed, err := cmd.Output()
	require.NoErrorf(t, err, "%s\n%s%s", cmd, printed, stderr.String())
	return string(printed)
}
