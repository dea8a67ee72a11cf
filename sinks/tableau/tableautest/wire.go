package tableautest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// reply is any reply of the API.
type reply struct {
	XMLName     xml.Name             `xml:"http://tableau.com/api tsResponse"`
	Pagination  *paginationElement   `xml:"pagination"`
	Error       *errorElement        `xml:"error"`
	ServerInfo  *serverInfoElement   `xml:"serverInfo"`
	Credentials *credentialsElement  `xml:"credentials"`
	Projects    *[]projectElement    `xml:"projects>project"`
	Project     *projectElement      `xml:"project"`
	Datasources *[]datasourceElement `xml:"datasources>datasource"`
	Datasource  *datasourceElement   `xml:"datasource"`
	Connections []connectionElement  `xml:"connections>connection"`
	FileUpload  *fileUploadElement   `xml:"fileUpload"`
	Job         *jobElement          `xml:"job"`
	Users       *[]userElement       `xml:"users>user"`
	Revisions   *[]revisionElement   `xml:"revisions>revision"`
	Tags        *[]tagElement        `xml:"tags>tag"`
	Workbooks   *[]contentElement    `xml:"workbooks>workbook"`
	Flows       *[]contentElement    `xml:"flows>flow"`
}

type paginationElement struct {
	Page  int `xml:"pageNumber,attr"`
	Size  int `xml:"pageSize,attr"`
	Total int `xml:"totalAvailable,attr"`
}

type errorElement struct {
	Code    string `xml:"code,attr"`
	Summary string `xml:"summary"`
	Detail  string `xml:"detail"`
}

type serverInfoElement struct {
	Product struct {
		Build   string `xml:"build,attr"`
		Version string `xml:",chardata"`
	} `xml:"productVersion"`
	RESTAPIVersion string `xml:"restApiVersion"`
}

type credentialsElement struct {
	Token      string           `xml:"token,attr"`
	Expiration string           `xml:"estimatedTimeToExpiration,attr"`
	Site       siteElement      `xml:"site"`
	User       referenceElement `xml:"user"`
}

type siteElement struct {
	ID         string `xml:"id,attr"`
	ContentURL string `xml:"contentUrl,attr"`
}

type referenceElement struct {
	ID   string `xml:"id,attr"`
	Name string `xml:"name,attr,omitempty"`
}

type projectElement struct {
	ID                 string `xml:"id,attr"`
	Name               string `xml:"name,attr"`
	Description        string `xml:"description,attr"`
	ParentID           string `xml:"parentProjectId,attr,omitempty"`
	ContentPermissions string `xml:"contentPermissions,attr"`
}

type datasourceElement struct {
	ID                string            `xml:"id,attr"`
	Name              string            `xml:"name,attr"`
	ContentURL        string            `xml:"contentUrl,attr"`
	Description       string            `xml:"description,attr,omitempty"`
	Type              string            `xml:"type,attr"`
	Size              int64             `xml:"size,attr"` // megabytes
	CreatedAt         string            `xml:"createdAt,attr"`
	UpdatedAt         string            `xml:"updatedAt,attr"`
	Project           *referenceElement `xml:"project"`
	Owner             *referenceElement `xml:"owner"`
	Tags              *[]tagElement     `xml:"tags>tag"`
	Certified         bool              `xml:"isCertified,attr"`
	CertificationNote string            `xml:"certificationNote,attr,omitempty"`
}

type tagElement struct {
	Label string `xml:"label,attr"`
}

// contentElement describes a workbook or a flow.
type contentElement struct {
	ID      string            `xml:"id,attr"`
	Name    string            `xml:"name,attr"`
	Project *referenceElement `xml:"project"`
}

type userElement struct {
	ID       string `xml:"id,attr"`
	Name     string `xml:"name,attr"`
	SiteRole string `xml:"siteRole,attr"`
}

type revisionElement struct {
	Number      int               `xml:"revisionNumber,attr"`
	PublishedAt string            `xml:"publishedAt,attr"`
	Deleted     bool              `xml:"deleted,attr"`
	Current     bool              `xml:"current,attr"`
	Size        int64             `xml:"sizeInBytes,attr"`
	Publisher   *referenceElement `xml:"publisher"`
}

type connectionElement struct {
	ID   string `xml:"id,attr"`
	Type string `xml:"type,attr"`
}

type fileUploadElement struct {
	SessionID string `xml:"uploadSessionId,attr"`
	FileSize  int64  `xml:"fileSize,attr"` // megabytes
}

type jobElement struct {
	ID          string         `xml:"id,attr"`
	Mode        string         `xml:"mode,attr"`
	Type        string         `xml:"type,attr"`
	Progress    int            `xml:"progress,attr"`
	CreatedAt   string         `xml:"createdAt,attr"`
	StartedAt   string         `xml:"startedAt,attr,omitempty"`
	CompletedAt string         `xml:"completedAt,attr,omitempty"`
	FinishCode  string         `xml:"finishCode,attr,omitempty"`
	Update      *updateElement `xml:"updateUploadedFileJob"`
	Publish     *notesElement  `xml:"publishDatasourceJob"`
	StatusNotes []statusNote   `xml:"statusNotes>statusNote"`
}

type updateElement struct {
	Datasource referenceElement `xml:"datasource"`
	Connection string           `xml:"connectionLuid"`
	Notes      string           `xml:"notes,omitempty"`
}

type notesElement struct {
	Notes string `xml:"notes"`
}

type statusNote struct {
	Type  string `xml:"type,attr"`
	Value string `xml:"value,attr"`
	Text  string `xml:"text,attr"`
}

// ask is any request in XML.
type ask struct {
	Credentials *struct {
		TokenName   string      `xml:"personalAccessTokenName,attr"`
		TokenSecret string      `xml:"personalAccessTokenSecret,attr"`
		JWT         string      `xml:"jwt,attr"`
		Site        siteElement `xml:"site"`
	} `xml:"credentials"`
	Project *struct {
		Name        string `xml:"name,attr"`
		Description string `xml:"description,attr"`
		ParentID    string `xml:"parentProjectId,attr"`
	} `xml:"project"`
	Datasource *datasourceAsk `xml:"datasource"`
	Tags       []tagElement   `xml:"tags>tag"`
}

// datasourceAsk says what a data source is to be; nil and the empty id stand for what is not given.
type datasourceAsk struct {
	Name        *string          `xml:"name,attr"`
	Description *string          `xml:"description,attr"`
	Project     referenceElement `xml:"project"`
	Owner       referenceElement `xml:"owner"`
	Certified   *bool            `xml:"isCertified,attr"`
	Note        *string          `xml:"certificationNote,attr"`
}

// refusal is a reply that refuses a request.
type refusal struct {
	status int
	code   string
	detail string
}

func (e *refusal) Error() string { return e.code + ": " + e.detail }

func refuse(status int, code, format string, args ...any) error {
	return &refusal{status: status, code: code, detail: fmt.Sprintf(format, args...)}
}

func writeReply(w http.ResponseWriter, status int, content reply) {
	body, err := xml.Marshal(content)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), body...)) // whoever is gone needs no reply
}

// writeProblem writes a refusal, or a failure of the fake itself.
func writeProblem(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{status: http.StatusInternalServerError, code: "500000", detail: err.Error()}
	}
	writeReply(w, refused.status, reply{Error: &errorElement{
		Code: refused.code, Summary: http.StatusText(refused.status), Detail: refused.detail,
	}})
}

// stamp writes a time as the API does; the zero time is missing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func megabytes(bytes int64) int64 { return bytes >> 20 }
