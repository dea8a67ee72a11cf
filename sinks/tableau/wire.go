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
	Users       []User          `xml:"users>user"`
	Revisions   []wireRevision  `xml:"revisions>revision"`
	Workbooks   []wireNamed     `xml:"workbooks>workbook"`
	Flows       []wireNamed     `xml:"flows>flow"`

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
	Tags        *wireTags        `xml:"tags,omitempty"`
}

// changeRequest is the body of a request that changes what is said about a data source: nil is what stays.
type changeRequest struct {
	XMLName    xml.Name `xml:"tsRequest"`
	Datasource struct {
		Description *string        `xml:"description,attr"`
		Certified   *bool          `xml:"isCertified,attr"`
		Note        *string        `xml:"certificationNote,attr"`
		Project     *wireReference `xml:"project"`
		Owner       *wireReference `xml:"owner"`
	} `xml:"datasource"`
}

type wireTags struct {
	Tags []wireTag `xml:"tag"`
}

type wireTag struct {
	Label string `xml:"label,attr"`
}

// wireNamed is a piece of content that has a name in a project.
type wireNamed struct {
	ID      string        `xml:"id,attr"`
	Name    string        `xml:"name,attr"`
	Project wireReference `xml:"project"`
}

type wireRevision struct {
	Number      int       `xml:"revisionNumber,attr"`
	PublishedAt string    `xml:"publishedAt,attr"`
	Current     string    `xml:"current,attr"`
	Deleted     string    `xml:"deleted,attr"`
	Size        int64     `xml:"sizeInBytes,attr"`
	Publisher   wireNamed `xml:"publisher"`
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
