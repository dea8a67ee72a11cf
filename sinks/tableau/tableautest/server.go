package tableautest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"hyperlake/internal/hyperd"
)

// Config says what a server has. The zero value is a useful one.
type Config struct {
	Address string // default 127.0.0.1 and a free port
	// Folder receives the data sources; it must exist. Empty: a temporary one, which Close removes.
	Folder string

	Sites    []string // contentUrls besides the empty one of the default site
	Projects []string // paths such as Sales/Nightly on every site, besides default

	// Tokens are the personal access tokens: secrets by name. Nil: any name and secret do.
	Tokens map[string]string
	// Users are the names of the users of every site; who signs in is the first, and what others do,
	// the last does. Default: publisher and colleague.
	Users []string
	// Workbooks and Flows are paths of what can be refreshed on every site, such as Sales/Book; Tasks are ids.
	Workbooks, Flows, Tasks []string
	// AppSecrets are the secrets of connected apps: values by secret id. Nil: none signs in.
	AppSecrets map[string]string

	Product string // default 2026.1.0
	API     string // default 3.28

	JobTime      time.Duration // how long a job takes at least
	Revisions    int           // how many earlier ones of a data source are kept; default 25
	MaxChunk     int64         // bytes; default 64 MB
	PayloadLimit int64         // bytes of a data update; default 100 MB

	Hyperd hyperd.Config // runs appends and data updates
	Log    *slog.Logger  // is told of requests; nil: nobody is
}

// Server is a running fake. Its methods are safe for concurrent use.
type Server struct {
	// URL is the server's address, such as http://127.0.0.1:8080.
	URL string

	config    Config
	folder    string
	temporary bool
	http      *http.Server
	engine    engine
	running   sync.WaitGroup // jobs
	stopped   context.Context
	stop      context.CancelFunc
	ahead     atomic.Int64 // nanoseconds of the server's clock

	mu       sync.Mutex // guards what follows, and all that hangs on it
	sites    []*site
	sessions map[string]*session // by token
	faults   [][]*Fault          // sequences
	requests []Request
}

// Request is one request as it arrived.
type Request struct {
	Method string
	Path   string // with the query
	Header http.Header
	Length int64 // Content-Length; -1 if there was none
}

// site is a site with all it holds.
type site struct {
	id          string
	contentURL  string
	users       []*user
	content     []*content // what can be refreshed
	refreshed   []string   // in the order in which it was asked for
	projects    []*project
	datasources []*datasource
	uploads     map[string]*upload
	jobs        map[string]*job
	updates     map[string]*job // by RequestID
}

// Start starts a server. It fails if it cannot listen or write to its folder.
func Start(config Config) (*Server, error) {
	config.Product = cmp.Or(config.Product, "2026.1.0")
	config.API = cmp.Or(config.API, "3.28")
	config.Revisions = cmp.Or(config.Revisions, 25)
	if len(config.Users) == 0 {
		config.Users = []string{"publisher", "colleague"}
	}
	config.MaxChunk = cmp.Or(config.MaxChunk, 64<<20)
	config.PayloadLimit = cmp.Or(config.PayloadLimit, 100<<20)
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: config, folder: config.Folder, sessions: map[string]*session{}, engine: engine{config: config.Hyperd}}
	for _, contentURL := range append([]string{""}, config.Sites...) {
		s.sites = append(s.sites, newSite(contentURL, config))
	}
	listener, err := net.Listen("tcp", cmp.Or(config.Address, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("start the fake Tableau Server: %w", err)
	}
	if s.folder == "" {
		s.temporary = true
		if s.folder, err = os.MkdirTemp("", "fake-tableau-"); err != nil {
			listener.Close()
			return nil, fmt.Errorf("start the fake Tableau Server: %w", err)
		}
	}
	s.URL = "http://" + listener.Addr().String()
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			config.Log.Error("the fake Tableau Server stopped", "error", err)
		}
	}()
	return s, nil
}

func newSite(contentURL string, config Config) *site {
	made := &site{
		id: uuid.NewString(), contentURL: contentURL,
		uploads: map[string]*upload{}, jobs: map[string]*job{}, updates: map[string]*job{},
	}
	for _, name := range config.Users {
		made.users = append(made.users, &user{id: uuid.NewString(), name: name})
	}
	made.addProject("default", "")
	for _, path := range config.Projects {
		made.ensureProject(strings.Split(path, "/"))
	}
	made.addContent(config)
	return made
}

// ensureProject makes what is missing of a path, and returns its end; of no names that is the default project.
func (t *site) ensureProject(names []string) *project {
	at, parent := t.projects[0], ""
	for _, name := range names {
		if at = t.childNamed(parent, name); at == nil {
			at = t.addProject(name, parent)
		}
		parent = at.id
	}
	return at
}

// Close ends open connections, waits for jobs, and removes the folder if it is temporary.
func (s *Server) Close() error {
	err := s.http.Close()
	s.stop()
	s.running.Wait()
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	return err
}

// maxRequests is how many requests are remembered.
const maxRequests = 100_000

// Requests returns what was asked so far, or of very many the latest, in the order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Stored is a data source as the server keeps it.
type Stored struct {
	ID      string
	Name    string
	Project string // name
	Path    string // of its file; it may be read until the data source changes
	Size    int64
	Updated time.Time

	Description       string
	Tags              []string
	Certified         bool
	CertificationNote string
	Owner             string // name
	Revision          int    // number of the current one; earlier ones may be kept
}

// Datasources returns the data sources of a site, oldest first.
func (s *Server) Datasources(contentURL string) []Stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Stored
	for _, site := range s.sites {
		if site.contentURL != contentURL {
			continue
		}
		for _, d := range site.datasources {
			all = append(all, Stored{
				ID: d.id, Name: d.name, Project: d.project.name, Path: d.path, Size: d.size, Updated: d.updated,
				Description: d.description, Tags: slices.Clone(d.tags), Certified: d.certified, CertificationNote: d.note,
				Owner: d.owner.name, Revision: d.number,
			})
		}
	}
	return all
}

// newFile names a file that does not exist.
func (s *Server) newFile() string { return filepath.Join(s.folder, uuid.NewString()+".hyper") }

// ServeHTTP answers a request, unless a fault says otherwise.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.arrive(r)
	w = &dated{ResponseWriter: w, now: s.now}
	s.config.Log.Info("request", "method", r.Method, "path", r.URL.RequestURI(), "bytes", r.ContentLength, "fault", fault != nil)
	if fault == nil {
		s.routes().ServeHTTP(w, r)
		return
	}
	fault.serve(s, w, r)
}

// arrive notes a request and finds the fault that it meets.
func (s *Server) arrive(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == maxRequests {
		s.requests = s.requests[maxRequests/2:]
	}
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Length: r.ContentLength})
	return s.nextFault(r)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/{version}/serverInfo", s.serverInfo)
	mux.HandleFunc("GET /api/{version}/serverinfo", s.serverInfo)
	mux.HandleFunc("POST /api/{version}/auth/signin", s.signIn)
	mux.HandleFunc("POST /api/{version}/auth/signout", s.signOut)
	for pattern, handler := range map[string]func(http.ResponseWriter, *http.Request, *site) error{
		"GET /projects":                                         s.listProjects,
		"POST /projects":                                        s.createProject,
		"GET /datasources":                                      s.listDatasources,
		"POST /datasources":                                     s.publish,
		"GET /datasources/{id}":                                 s.getDatasource,
		"PUT /datasources/{id}":                                 s.changeDatasource,
		"DELETE /datasources/{id}":                              s.deleteDatasource,
		"PUT /datasources/{id}/tags":                            s.addTags,
		"DELETE /datasources/{id}/tags/{tag}":                   s.deleteTag,
		"GET /datasources/{id}/content":                         s.download,
		"GET /datasources/{id}/revisions":                       s.listRevisions,
		"GET /datasources/{id}/revisions/{number}/content":      s.download,
		"GET /users":                                            s.listUsers,
		"GET /workbooks":                                        s.listWorkbooks,
		"GET /flows":                                            s.listFlows,
		"POST /workbooks/{id}/refresh":                          s.refresh(kindWorkbook),
		"POST /flows/{id}/run":                                  s.refresh(kindFlow),
		"POST /tasks/extractRefreshes/{id}/runNow":              s.refresh(kindTask),
		"GET /datasources/{id}/connections":                     s.listConnections,
		"PATCH /datasources/{id}/data":                          s.update,
		"PATCH /datasources/{id}/connections/{connection}/data": s.update,
		"POST /fileUploads":                                     s.beginUpload,
		"PUT /fileUploads/{id}":                                 s.appendUpload,
		"GET /jobs/{id}":                                        s.getJob,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/{version}/sites/{site}"+path, s.signedIn(handler))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, refuse(http.StatusNotFound, "404000", "there is nothing at this address"))
	})
	return mux
}

func (s *Server) serverInfo(w http.ResponseWriter, _ *http.Request) {
	info := &serverInfoElement{RESTAPIVersion: s.config.API}
	info.Product.Build, info.Product.Version = "20261.26.0301.1200", s.config.Product
	writeReply(w, http.StatusOK, reply{ServerInfo: info})
}

// AddDatasource lists a data source without content in the default project of a site.
func (s *Server) AddDatasource(contentURL, name string) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, site := range s.sites {
		if site.contentURL == contentURL {
			made := site.newDatasource(site.projects[0], name)
			made.created, made.updated = now, now
			site.datasources = append(site.datasources, made)
		}
	}
}
