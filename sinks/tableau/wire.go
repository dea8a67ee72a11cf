package tableau

import (
	"encoding/xml"
	"net/url"
	"strings"
	"time"
)

// response is any reply of the API. Elements are found by their local names: the
// namespace differs between versions.
type response struct {
	XMLName     xml.Name        `xml:"tsResponse"`
	Pagination  *pagination     `xml:"pagination"`
	Error       *wireError      `xml:"error"`
	ServerInfo  *wireServerInfo `xml:"serverInfo"`
	Credentials *wireSignedIn   `xml:"credentials"`
	Projects    []Project       `xml:"projects>project"`
	Project     *Project        `xml:"project"`
	Datasources []Datasource    `xml:"datasources>datasource"`
	Datasource  *Datasource     `xml:"datasource"`
	Connections []Connection    `xml:"connections>connection"`
	FileUpload  *wireFileUpload `xml:"fileUpload"`
	Job         *wireJob        `xml:"job"`

	date   time.Time // the server's clock; zero if the reply does not tell
	status int       // of HTTP
	target *url.URL  // that replied
}

type pagination struct {
	Total int `xml:"totalAvailable,attr"`
}

type wireError struct {
	Code    string `xml:"code,attr"`
	Summary string `xml:"summary"`
	Detail  string `xml:"detail"`
}

type wireServerInfo struct {
	ProductVersion string `xml:"productVersion"`
	RESTAPIVersion string `xml:"restApiVersion"`
}

type wireSignedIn struct {
	Token string `xml:"token,attr"`
	Site  struct {
		ID string `xml:"id,attr"`
	} `xml:"site"`
}

type wireFileUpload struct {
	SessionID string `xml:"uploadSessionId,attr"`
}

// request is the body of any request in XML.
type request struct {
	XMLName     xml.Name         `xml:"tsRequest"`
	Credentials *wireCredentials `xml:"credentials,omitempty"`
	Project     *wireNewProject  `xml:"project,omitempty"`
	Datasource  *wireNewSource   `xml:"datasource,omitempty"`
}

type wireCredentials struct {
	TokenName   string   `xml:"personalAccessTokenName,attr,omitempty"`
	TokenSecret string   `xml:"personalAccessTokenSecret,attr,omitempty"`
	JWT         string   `xml:"jwt,attr,omitempty"`
	IsUAT       string   `xml:"isUat,attr,omitempty"`
	Site        wireSite `xml:"site"`
}

type wireSite struct {
	ContentURL string `xml:"contentUrl,attr"`
}

type wireNewProject struct {
	Name     string `xml:"name,attr"`
	ParentID string `xml:"parentProjectId,attr,omitempty"`
}

type wireNewSource struct {
	Name        string         `xml:"name,attr"`
	Description string         `xml:"description,attr,omitempty"`
	Project     *wireReference `xml:"project,omitempty"`
}

type wireReference struct {
	ID string `xml:"id,attr"`
}

// encode is the request as a body; it holds texts only, which always marshal.
func (r request) encode() ([]byte, error) { return xml.Marshal(r) }

// oneLine folds the white space of a text of the server.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
