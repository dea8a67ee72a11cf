package tableau

import (
	"fmt"
	"math/bits"
	"net/http"

	"github.com/dustin/go-humanize"
)

// Tableau's codes that the client acts on.
const (
	codeJobMissing      = "404018"
	codeJobExpired      = "400031"
	codeUploadMissing   = "404015"
	codeExistsOrNoRight = "403007"
	codeBeingPublished  = "403131"
	codeNameTaken       = "409006"
	codePastTheEnd      = "400006"
	codeChunkTooLarge   = "400016"
)

const (
	addressHint = "check the server's address: another server, a proxy or a sign-in page may have answered"
	fileHint    = "check the path of the file and its permissions"
)

const existsHint = "publish with mode overwrite to replace it, or under another name"

// hints says what to do about Tableau's codes, whose texts are in many languages.
var hints = map[string]string{
	"400010": "the server did not accept the file; only .hyper files are published",
	"400011": "the server does not say more; usual reasons are several tables without foreign keys that make them one tree, " +
		"a file format newer than the server, columns that differ from the published ones on append, or a damaged file",
	"400019": "a proxy on the way may have changed the request",
	"400020": "a proxy on the way may have changed the request",
	"400054": "only data sources that were published from an extract can be appended to; publish with mode overwrite",
	"401001": "check the name and secret of the personal access token, and that it belongs to the site; " +
		"a token expires when it was not used for 15 days",
	"401002": "another sign-in with the same personal access token ends the session; give each job a token of its own",
	"403004": "the user needs the permission to do this on the site or project",
	"403007": "the user may lack the permission to save to the project, or a data source of that name exists already",
	"403008": "the site's storage is full; remove content or ask for more",
	"403014": "the user may not list that much at once",
	"403131": "the same data source is being published by somebody else; repeat it when that is finished",
	"404000": "check the name of the site: it is the part after /site/ in the browser's address",
	"404004": "publish it first, with mode create or overwrite",
	"404005": "check the project's path, or have it created with create_project: true",
	"404015": "the server has forgotten the upload; repeat it",
	"405000": "check the server's address: https, and for Tableau Cloud the name of the pod",
	"406000": "a proxy on the way may have changed the request",
	"410012": "a table that the update names does not exist in the payload or in the data source; check target",
}

// hintFor returns what to do about a reply to a request of that many bytes.
func hintFor(status int, code string, sent int64) string {
	if status == http.StatusRequestEntityTooLarge || code == codeChunkTooLarge {
		return smallerChunks(sent)
	}
	if hint, ok := hints[code]; ok {
		return hint
	}
	switch {
	case status == 401:
		return hints["401001"]
	case status == 403:
		return hints["403004"]
	case status == 429:
		return "the server limits how many requests a user may send; repeat it later"
	case status == 504:
		return "the server needed longer than a proxy waits; publish with as_job: true"
	case status >= 500:
		return "the server is in trouble; repeat it later"
	}
	return "Tableau's reference of the REST API explains its error codes; the logs of the server may say more"
}

// smallestChunk is the least that a hint suggests for the chunks of an upload.
const smallestChunk = 64 << 10

// smallerChunks says how to get by with requests smaller than one of that many bytes, which
// was too large.
func smallerChunks(sent int64) string {
	const limited = "the server, or a proxy on the way, limits the size of requests"
	half := sent / 2
	if half < smallestChunk {
		return limited + " so far that nothing can be published; have the limit raised"
	}
	kilobytes := int64(1) << (bits.Len64(uint64(half)) - 1) >> 10
	size := fmt.Sprintf("%dk", kilobytes)
	if kilobytes >= 1<<10 {
		size = fmt.Sprintf("%dm", kilobytes>>10)
	}
	return fmt.Sprintf("%s, and this one had %s; set publish.chunk_bytes to less than the limit, such as %s",
		limited, humanize.IBytes(uint64(sent)), size)
}
