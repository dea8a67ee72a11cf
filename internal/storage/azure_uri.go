package storage

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

const (
	azureScheme  = "az"    // az://CONTAINER/PATH, in the account of the environment
	abfssScheme  = "abfss" // abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH
	httpsScheme  = "https" // https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH
	publicSuffix = "core.windows.net"
	withAccount  = "abfss://CONTAINER@ACCOUNT.dfs." + publicSuffix + "/PATH"
)

var (
	// azureHost is that of an account: its name, the protocol, of which all our requests are blob, and the cloud.
	azureHost = regexp.MustCompile(
		`^([a-z0-9-]+)\.(?:blob|dfs)\.(core\.windows\.net|core\.chinacloudapi\.cn|core\.usgovcloudapi\.net|storage\.azure\.net)$`)

	// containerName is that of a container, or a pattern, which is refused elsewhere.
	containerName = regexp.MustCompile(`^[a-z0-9$*?!^,\[\]{}\\-]+$`)

	// escapedPattern is an escape of what may be a pattern as it is.
	escapedPattern = regexp.MustCompile(`%(?i:2A|3F|5B|5D|7B|7D|5C)`)
)

func (a *azure) locate(uri string) (address, error) { return locateBlob(uri) }

func (a *azure) uri(p address) string { return blobURI(p) }

// Canonical is the one spelling of a place that has several: of Azure's storage az://CONTAINER/PATH in the account of the
// environment, else abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH. Also what Hadoop calls it is understood. A URL of a web server
// has its host in small letters, and its path escaped. Whatever else it is stays as it is. A URI may be a glob.
func Canonical(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	switch strings.ToLower(scheme) {
	case "abfs", "wasb", "wasbs":
		scheme = abfssScheme
	}
	at, err := locateBlob(scheme + "://" + rest)
	if err != nil {
		if at, err := locateWeb(uri); err == nil && !isAccountURL(uri) {
			return at.uri(httpsScheme)
		}
		return uri
	}
	container, host, named := strings.Cut(at.bucket, "@")
	if given, err := azureEnvironment(""); named && err == nil && given.isOf(host) {
		at.bucket = container
	}
	return blobURI(at)
}

// locateBlob finds what a URI names. A bucket is a container, and with @ behind it the account that the URI names. What follows the
// container is a name as it is, in az:// and in abfss://; https:// is a URL, whose escapes are what they stand for.
func locateBlob(uri string) (address, error) {
	scheme, rest, _ := strings.Cut(uri, "://")
	first, path, _ := strings.Cut(rest, "/")
	switch scheme {
	case azureScheme:
		if strings.Contains(first, "@") {
			return address{}, fmt.Errorf("an address az:// has no account, user or password; use az://CONTAINER/PATH or %s", withAccount)
		}
		return inContainer(uri, first, "", path)
	case abfssScheme:
		container, host, named := strings.Cut(first, "@")
		if !named {
			return address{}, fmt.Errorf("%s: the account is missing: use %s", uri, withAccount)
		}
		return inContainer(uri, container, host, path)
	case httpsScheme:
		return locateURL(uri, first, path)
	}
	return address{}, fmt.Errorf("%s: not an az:// URI", uri)
}

// locateURL finds what a URL names. Its error shows no query, which may be a SAS token.
func locateURL(uri, host, path string) (address, error) {
	if strings.ContainsAny(path, "?#") {
		return address{}, fmt.Errorf("a URL of a blob has no ? and no #, nor a pattern with ?: use %s, and AZURE_STORAGE_SAS_TOKEN for "+
			"what stands behind the ? of a URL with a SAS token", withAccount)
	}
	container, escaped, _ := strings.Cut(path, "/")
	if escape := escapedPattern.FindString(escaped); escape != "" {
		return address{}, fmt.Errorf("%s: %s could be part of a pattern or not: use %s", uri, escape, withAccount)
	}
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return address{}, fmt.Errorf("%s: %w", uri, err)
	}
	return inContainer(uri, container, host, name)
}

// inContainer is the address of a name in a container, in the account of a host, if there is one.
func inContainer(uri, container, host, name string) (address, error) {
	if container == "" {
		return address{}, fmt.Errorf("%s: the name of the container is missing: use az://CONTAINER/PATH", uri)
	}
	if !containerName.MatchString(container) { // which may be a secret, and is not repeated
		return address{}, fmt.Errorf("an address of Azure's storage whose container has other characters than a-z, 0-9, $ and -: use %s",
			withAccount)
	}
	if host == "" {
		return address{container, name}, nil
	}
	parts := azureHost.FindStringSubmatch(strings.ToLower(host))
	if parts == nil {
		return address{}, fmt.Errorf("%s: %s is no account of Azure's storage: use %s", uri, host, withAccount)
	}
	return address{container + "@" + parts[1] + ".dfs." + parts[2], name}, nil
}

func blobURI(p address) string {
	scheme := azureScheme
	if strings.Contains(p.bucket, "@") {
		scheme = abfssScheme
	}
	return scheme + "://" + p.bucket + "/" + p.name
}
