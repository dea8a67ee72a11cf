package hyperd

import (
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// release is one published archive that holds a hyperd, pinned.
type release struct {
	tool     string // that fetches it: pip or npm
	name     string // of the package
	version  string // of the package
	tag      string // of the platform, as pip wants it
	checksum string // of the archive, in the notation of its registry: sha256:hex or sha512-base64
	member   string // the path of hyperd in the archive
	size     int64  // of hyperd, in bytes
	hyperd   string // version of hyperd

	texts []string // the paths in the archive of what says its licence: files of its own folder, installed beside hyperd
}

const (
	pip = "pip"
	npm = "npm"

	wheelMember = "tableauhyperapi/bin/hyper/hyperd"
	npmMember   = "package/hyperd"
)

// wheelTexts are the licence, the notice, and the list of what hyperd is made of, in the wheel of that version.
func wheelTexts(version string) []string {
	folder := "tableauhyperapi-" + version + ".dist-info/"
	return []string{folder + "LICENSE", folder + "NOTICES.txt", folder + "HYPER_API_OSS_disclosure.txt"}
}

// npmTexts are those of the npm packages, which differ from one platform to another in what they say.
var npmTexts = []string{"package/LICENSE-HYPERD", "package/package.json"}

// releases are the pinned archives by platform, the preferred one first. The wheels are
// Tableau's own and load about a quarter faster than the npm packages.
var releases = map[string][]release{
	"linux/amd64": {
		{
			tool: pip, name: "tableauhyperapi", version: "0.0.26963", tag: "manylinux2014_x86_64",
			checksum: "sha256:35376f598c6fdfa52fe25769778f756e2daec1c124ff8f471b5e098cb9cf7863",
			member:   wheelMember, size: 261293936, hyperd: "0.0.26963",
			texts: wheelTexts("0.0.26963"),
		},
		{
			tool: npm, name: "hyperdb-mcp-linux-x64-gnu", version: "0.7.3",
			checksum: "sha512-y1xVyzq+fBJRyqdVsdC0UxxUvLicgBUEOzVR+rY8v8rU6p3eE8E7OvnQ/RynGN+EZobb7kzGeC54PMr3VpP7TA==",
			member:   npmMember, size: 255750496, hyperd: "0.0.26359",
			texts: npmTexts,
		},
	},
	"darwin/arm64": {
		{
			tool: pip, name: "tableauhyperapi", version: "0.0.26479", tag: "macosx_13_0_arm64",
			checksum: "sha256:e80e4dac6d8437ad8c20f36add7e523b18bc06d90d4c605a256c57df8df2c118",
			member:   wheelMember, size: 277836448, hyperd: "0.0.26479",
			texts: wheelTexts("0.0.26479"),
		},
		{
			tool: npm, name: "hyperdb-mcp-darwin-arm64", version: "0.7.3",
			checksum: "sha512-XukAFvIAG+CnOT37RORN/tMOhLj0GHbriKFPn89wJicefpnZ/h+jBx92RPZJCYKgFHgzyLNFn1pkw+YMaEQFpg==",
			member:   npmMember, size: 276051984, hyperd: "0.0.26359",
			texts: npmTexts,
		},
	},
	"windows/amd64": {
		{
			tool: pip, name: "tableauhyperapi", version: "0.0.26963", tag: "win_amd64",
			checksum: "sha256:35e64279c619157561158128b3ef7e2c1107855be39b8fa0c1967371ad394ffd",
			member:   wheelMember + ".exe", size: 222035968, hyperd: "0.0.26963",
			texts: wheelTexts("0.0.26963"),
		},
		{
			tool: npm, name: "hyperdb-mcp-win32-x64-msvc", version: "0.7.3",
			checksum: "sha512-UNF8iYhAhkIo3ShwZg5uoGKKe2e6ggvSFpqf6UaSDFFBJIrewqVTp6ViyB1WOeaQWf+FoRSylPJl98bzVwatWg==",
			member:   npmMember + ".exe", size: 218159104, hyperd: "0.0.26359",
			texts: npmTexts,
		},
	},
}

// platform is this machine's key in releases.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// path is where the release's hyperd is installed below the cache folder.
func (r release) path(cache string) string {
	return filepath.Join(cache, r.hyperd, filepath.Base(r.member))
}

// textPath is where one of the release's texts is installed: beside its hyperd.
func (r release) textPath(cache, text string) string {
	return filepath.Join(cache, r.hyperd, path.Base(text))
}

// fetchers are the commands that may be able to fetch the release, the likeliest first.
func (r release) fetchers() [][]string {
	if r.tool == npm {
		return [][]string{{"npm"}}
	}
	return [][]string{{"python3", "-m", "pip"}, {"pip3"}, {"pip"}, {"python", "-m", "pip"}}
}

// fetchArgs are the arguments with which a fetcher puts the archive into folder.
func (r release) fetchArgs(folder string) []string {
	if r.tool == npm {
		return []string{"pack", r.name + "@" + r.version, "--pack-destination", folder, "--ignore-scripts"}
	}
	return []string{"download", "--no-deps", "--only-binary=:all:", "--platform", r.tag, "--dest", folder, r.name + "==" + r.version}
}

// byHand is the command that a person can run to fetch the archive into the working folder.
func (r release) byHand() string {
	return strings.Join(append(r.fetchers()[0], r.fetchArgs(".")...), " ")
}

func (r release) String() string { return r.name + " " + r.version + " from " + r.tool }
