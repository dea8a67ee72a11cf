package dataflowtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"

	df "google.golang.org/api/dataflow/v1b3"
)

var (
	jobName    = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

func invalid(format string, args ...any) error {
	return refusal{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, args...)}
}

// check refuses a job that could not run, and returns the pipeline that it names.
func (s *Service) check(ctx context.Context, made *df.Job) (model []byte, err error) {
	if !jobName.MatchString(made.Name) {
		return nil, invalid("The job name %q is invalid", made.Name)
	}
	for key, value := range made.Labels {
		if !labelKey.MatchString(key) || !labelValue.MatchString(value) {
			return nil, invalid("The label %q: %q is invalid", key, value)
		}
	}
	if len(made.Environment.WorkerPools) != 1 || len(made.Environment.WorkerPools[0].Packages) != 1 {
		return nil, invalid("A job has one pool of workers with one package")
	}
	program := made.Environment.WorkerPools[0].Packages[0]
	if _, err := s.staged(ctx, program.Location, program.Sha256); err != nil {
		return nil, err
	}
	var options struct {
		Options struct{ PipelineURL, PipelineProtoHash string }
	}
	if err := json.Unmarshal(made.Environment.SdkPipelineOptions, &options); err != nil {
		return nil, invalid("The pipeline options are invalid: %v", err)
	}
	return s.staged(ctx, options.Options.PipelineURL, options.Options.PipelineProtoHash)
}

// staged returns an object that must have the checksum.
func (s *Service) staged(ctx context.Context, uri, sum string) ([]byte, error) {
	content, err := s.objects.Get(ctx, uri)
	if err != nil {
		return nil, invalid("The object %s cannot be read: %v", uri, err)
	}
	found := sha256.Sum256(content)
	if hex.EncodeToString(found[:]) != sum {
		return nil, invalid("The object %s does not have the checksum %s", uri, sum)
	}
	return content, nil
}
