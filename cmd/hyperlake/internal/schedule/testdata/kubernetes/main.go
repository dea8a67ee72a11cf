// The program checks CronJobs as the API server of Kubernetes does, and against its strictest standard for pods. It prints the command of each
// as the kubelet would start it: a list of words in JSON, a line for each file that its arguments name.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	for _, path := range os.Args[1:] {
		command, err := check(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
		if err := json.NewEncoder(os.Stdout).Encode(command); err != nil {
			os.Exit(1)
		}
	}
}

// check decodes a manifest strictly, fills in its defaults, and validates it.
func check(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	object, _, err := codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	job, ok := object.(*batch.CronJob)
	if !ok {
		return nil, fmt.Errorf("%T is no CronJob", object)
	}
	job.Namespace = "default"
	if problems := batchvalidation.ValidateCronJobCreate(job, corevalidation.PodValidationOptions{}); len(problems) > 0 {
		return nil, problems.ToAggregate()
	}
	written, _, err := codecs.UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	template := written.(*batchv1.CronJob).Spec.JobTemplate.Spec.Template
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec))
	if !result.Allowed {
		return nil, fmt.Errorf("the standard %s: %s", restricted, result.ForbiddenDetail())
	}
	container := job.Spec.JobTemplate.Spec.Template.Spec.Containers[0]
	variables := expansion.MappingFuncFor(map[string]string{"HOME": "EXPANDED"})
	var command []string
	for _, word := range append(container.Command, container.Args...) {
		command = append(command, expansion.Expand(word, variables))
	}
	return command, nil
}
