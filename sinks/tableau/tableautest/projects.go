package tableautest

// AddProject adds a project of exactly that name at the top of a site.
func (s *Server) AddProject(contentURL, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, site := range s.sites {
		if site.contentURL == contentURL {
			site.addProject(name, "")
		}
	}
}

// HideProjects leaves the projects of that name, on all sites, out of every listing, as for a
// user who may not see them. What is below them is listed.
func (s *Server) HideProjects(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, site := range s.sites {
		for _, p := range site.projects {
			p.hidden = p.hidden || p.name == name
		}
	}
}
