package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// measurePublish publishes the largest partial to a fake server on this machine, and appends
// the smallest one.
func (p partials) measurePublish(ctx context.Context, program string, m *measured) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // ends the server
	server := exec.CommandContext(ctx, program, "dev", "fake-tableau", "--json", "--quiet")
	server.Stderr = os.Stderr
	said, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	defer func() { stop(); _ = server.Wait() }()
	var fake struct {
		Environment map[string]string `json:"environment"`
	}
	if err := json.NewDecoder(said).Decode(&fake); err != nil {
		return fmt.Errorf("start the fake server: %w", err)
	}
	environment := append(os.Environ(), "XDG_STATE_HOME="+p.scratch)
	for name, value := range fake.Environment {
		environment = append(environment, name+"="+value)
	}
	last := len(p.paths) - 1
	large, err := p.publish(program, environment, p.paths[0], "create", "large")
	if err != nil {
		return err
	}
	little, err := p.publish(program, environment, p.paths[last], "create", "small")
	if err != nil {
		return err
	}
	small, err := p.publish(program, environment, p.paths[last], "append", "small")
	if err != nil {
		return err
	}
	m.Publish = float64(p.bytes[0]) / large.Publish.Seconds
	m.Content = float64(p.bytes[0]-p.bytes[last]) / (large.busy - little.busy)
	m.Append = small.Publish.Seconds
	return nil
}

// publication is what the report says of publishing a file.
type publication struct {
	Publish struct {
		Seconds float64 `json:"seconds"`
	} `json:"publish"`

	busy float64 // seconds of all cores
}

// publish publishes a link to a partial, so that its ledger is written beside that.
func (p partials) publish(program string, environment []string, path, mode, datasource string) (publication, error) {
	var done publication
	link := filepath.Join(p.scratch, mode+"-"+filepath.Base(path))
	if err := os.Link(path, link); err != nil {
		return done, err
	}
	report := filepath.Join(p.scratch, "report.json")
	cmd := exec.Command(program, "publish", link, "--quiet", "--allow-http", "--datasource", datasource, "--mode", mode, "--report", report)
	cmd.Env, cmd.Stderr = environment, os.Stderr
	if err := cmd.Run(); err != nil {
		return done, fmt.Errorf("%s: %w", cmd, err)
	}
	data, err := os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(data, &done)
	}
	done.busy = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() / float64(runtime.NumCPU()) // with that of hyperd
	return done, err
}
