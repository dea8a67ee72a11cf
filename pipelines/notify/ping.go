package notify

import "net/url"

// pingPart is the part of a run that a dead man's switch is told of: what is added to the path of its address, as
// healthchecks.io has it (https://healthchecks.io/docs/http_api/), and others after it.
type pingPart string

const (
	pingStart   pingPart = "/start"
	pingSuccess pingPart = ""
	pingFail    pingPart = "/fail"
)

// pingRequest tells a dead man's switch of a part of a run. The run is named by a UUID, rid, so that the service knows the end of
// each start where runs overlap.
func pingRequest(where *url.URL, part pingPart, run string, message Message) request {
	at := *where
	if part != pingSuccess {
		at = *where.JoinPath(string(part))
	}
	query := at.Query()
	query.Set("rid", run)
	at.RawQuery = query.Encode()
	body := ""
	if part != pingStart {
		body = message.Title + "\n" + message.Text
	}
	return request{url: at.String(), contentType: "text/plain; charset=utf-8", body: []byte(body)}
}
