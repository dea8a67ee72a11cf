package tableautest_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/tableau/tableautest"
)

// publishNamed publishes bytes under a name, and returns the id of the data source.
func (v *visitor) publishNamed(name, content string) string {
	v.t.Helper()
	got := v.send("POST", "/datasources?overwrite=true", mixed, parts(payload, strings.ReplaceAll(described, `"N"`, `"`+name+`"`), file, content))
	require.Equal(v.t, http.StatusCreated, got.status, got.body)
	for _, d := range v.server.Datasources("") {
		if d.Name == name {
			return d.ID
		}
	}
	v.t.Fatalf("%s is not listed", name)
	return ""
}

func (v *visitor) stored(id string) tableautest.Stored {
	v.t.Helper()
	for _, d := range v.server.Datasources("") {
		if d.ID == id {
			return d
		}
	}
	v.t.Fatalf("%s is not listed", id)
	return tableautest.Stored{}
}

// packed reads the files of an archive.
func packed(t *testing.T, archive string) map[string]string {
	t.Helper()
	reader, err := zip.NewReader(bytes.NewReader([]byte(archive)), int64(len(archive)))
	require.NoError(t, err)
	found := map[string]string{}
	for _, file := range reader.File {
		opened, err := file.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(opened)
		require.NoError(t, err)
		found[file.Name] = string(content)
	}
	return found
}

func TestWhatIsSaidOfADatasourceStaysWhenItIsOverwritten(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{Users: []string{"anna", "ben", "carl"}, Projects: []string{"Sales"}})
	id := v.publishNamed("Ünits: all", "one")
	users := v.send("GET", "/users?filter=name:eq:ben", "", "")
	_, rest, _ := strings.Cut(users.body, `user id="`)
	ben, _, _ := strings.Cut(rest, `"`)

	got := v.send("PUT", "/datasources/"+id, "text/xml",
		`<tsRequest><datasource description="what it is" isCertified="true" certificationNote="by us"><owner id="`+ben+`"/></datasource></tsRequest>`)
	require.Equal(t, 200, got.status, got.body)
	got = v.send("PUT", "/datasources/"+id+"/tags", "text/xml",
		`<tsRequest><tags><tag label="a b,c"/><tag label="&quot;as one&quot;"/><tag label="c"/></tags></tsRequest>`)
	require.Equal(t, 200, got.status, got.body)
	require.Equal(t, 204, v.send("DELETE", "/datasources/"+id+"/tags/b", "", "").status)
	require.Equal(t, id, v.publishNamed("Ünits: all", "two"))

	for range 2 {
		stored := v.stored(id)
		assert.Equal(t, []any{"what it is", []string{"a", "c", "as one"}, true, "by us", "ben"},
			[]any{stored.Description, stored.Tags, stored.Certified, stored.CertificationNote, stored.Owner})
		got = v.send("PUT", "/datasources/"+id, "text/xml", `<tsRequest><datasource name="M"><project id="z"/></datasource></tsRequest>`)
		assert.Contains(t, got.body, "404005", "and nothing of it is done")
	}
	assert.Equal(t, "Ünits: all", v.stored(id).Name)
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{Revisions: 2})
	var id string
	for _, content := range []string{"one", "two", "three", "four"} {
		id = v.publishNamed("N/M", content)
	}
	listed := v.send("GET", "/datasources/"+id+"/revisions", "", "").body
	assert.NotContains(t, listed, `revisionNumber="1"`, "forgotten")
	assert.Contains(t, listed, `revisionNumber="2"`)
	assert.Contains(t, listed, `deleted="false" current="true" sizeInBytes="4"`)

	got := v.send("GET", "/datasources/"+id+"/content", "", "")
	assert.Equal(t, `name="tableau_datasource"; filename="N_M.tdsx"`, got.header.Get("Content-Disposition"))
	assert.Equal(t, "four", packed(t, got.body)["Data/Extracts/N_M.hyper"])
	assert.Contains(t, packed(t, got.body)["N_M.tds"], "Data/Extracts/N_M.hyper")
	got = v.send("GET", "/datasources/"+id+"/revisions/2/content", "", "")
	assert.Equal(t, "two", packed(t, got.body)["Data/Extracts/N_M.hyper"])
	got = v.send("GET", "/datasources/"+id+"/content?includeExtract=False", "", "")
	assert.Contains(t, got.body, "<datasource")
	assert.Contains(t, got.header.Get("Content-Disposition"), `filename="N_M.tds"`)
	for number, status := range map[string]int{"1": 404, "4": 400, "5": 404, "x": 400} {
		assert.Equal(t, status, v.send("GET", "/datasources/"+id+"/revisions/"+number+"/content", "", "").status, number)
	}

	v.server.Inject(tableautest.Fault{Method: "GET", Path: "/content", CutAfter: 20})
	_, err := v.trySend("GET", "/datasources/"+id+"/content", "", "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	require.Equal(t, 204, v.send("DELETE", "/datasources/"+id, "", "").status)
	assert.Equal(t, 404, v.send("DELETE", "/datasources/"+id, "", "").status)
	assert.Equal(t, 404, v.send("GET", "/datasources/"+id+"/content", "", "").status)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(v.newest(t)), "*"))
	require.NoError(t, err)
	assert.Len(t, left, 1, "files of what was deleted")
}

// newest publishes one more file, and returns where it is.
func (v *visitor) newest(t *testing.T) string {
	t.Helper()
	return v.stored(v.publishNamed("newest", "x")).Path
}

func TestWhatOthersDo(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{Users: []string{"anna", "ben"}})
	id := v.publishNamed("N", "one")
	other := filepath.Join(t.TempDir(), "other.hyper")
	require.NoError(t, os.WriteFile(other, []byte("theirs"), 0o600))

	v.server.StepClock(time.Hour)
	require.NoError(t, v.server.Overwrite(id, other))
	content, err := os.ReadFile(v.stored(id).Path)
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(content))
	assert.WithinDuration(t, time.Now().Add(time.Hour), v.stored(id).Updated, time.Minute)
	assert.Contains(t, v.send("GET", "/datasources/"+id+"/revisions", "", "").body, `name="ben"`)
	date, err := http.ParseTime(v.send("GET", "/projects", "", "").header.Get("Date"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(time.Hour), date, time.Minute)

	require.NoError(t, v.server.Rename(id, "M"))
	require.NoError(t, v.server.Describe(id, "theirs"))
	assert.Equal(t, []string{"M", "theirs"}, []string{v.stored(id).Name, v.stored(id).Description})

	release, err := v.server.Occupy(id)
	require.NoError(t, err)
	update := func() answer { return v.trySendUpdate(id, "occupied") }
	assert.Equal(t, 409, update().status)
	require.Error(t, v.server.Overwrite(id, other))
	release()
	assert.Equal(t, 202, update().status)

	for _, err := range []error{v.server.Delete("nobody"), v.server.Overwrite("nobody", other), v.server.Append(t.Context(), "nobody", other)} {
		assert.ErrorContains(t, err, "there is no data source nobody")
	}
}

// trySendUpdate sends a data update that cannot be done.
func (v *visitor) trySendUpdate(id, requestID string) answer {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodPatch,
		v.server.URL+"/api/3.28/sites/"+v.site+"/datasources/"+id+"/data", strings.NewReader(`{"actions":[{"action":"insert"}]}`))
	require.NoError(v.t, err)
	request.Header.Set("RequestID", requestID)
	request.Header.Set("X-Tableau-Auth", v.token)
	reply, err := http.DefaultClient.Do(request)
	require.NoError(v.t, err)
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	require.NoError(v.t, err)
	return answer{reply.StatusCode, string(content), reply.Header}
}

func TestWhatTheServerForgets(t *testing.T) {
	t.Parallel()
	v := visit(t, tableautest.Config{})
	id := v.publishNamed("N", "no file of hyperd's")
	v.server.Inject(tableautest.Fault{Method: "PATCH", FailJob: true, Times: -1})
	job := func() string {
		_, rest, _ := strings.Cut(v.trySendUpdate(id, "same").body, `job id="`)
		found, _, _ := strings.Cut(rest, `"`)
		require.NotEmpty(t, found)
		require.Eventually(t, func() bool {
			return strings.Contains(v.send("GET", "/jobs/"+found, "", "").body, `finishCode="1"`)
		}, time.Minute, time.Millisecond)
		return found
	}
	first := job()
	assert.Equal(t, first, job())
	v.server.StepClock(24*time.Hour - 2*time.Minute)
	assert.Equal(t, first, job())
	v.server.StepClock(3 * time.Minute)
	second := job()
	assert.NotEqual(t, first, second, "a day is over")
	v.server.ForgetRequests()
	assert.NotEqual(t, second, job())

	v.server.ForgetJobs()
	assert.Equal(t, 404, v.send("GET", "/jobs/"+first, "", "").status)
}
