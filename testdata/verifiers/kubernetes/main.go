// The program checks manifests as the API server of Kubernetes does, the pods in them also against its strictest standard for pods. It prints
// the command of each CronJob as the kubelet would start it: a list of words in JSON, a line each.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	for _, path := range os.Args[1:] {
		if err := checkFile(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

// checkFile checks each of the manifests of a file.
func checkFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = check(document)
		}
		if err != nil {
			return err
		}
	}
}

var codecs = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// check decodes a manifest strictly, fills in its defaults, and validates it.
func check(text []byte) error {
	var kind struct{ Kind string }
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return err
	}
	if kind.Kind == "FlinkDeployment" {
		return checkFlink(text)
	}
	object, _, err := codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return err
	}
	var problems field.ErrorList
	switch object := object.(type) {
	case *batch.CronJob:
		object.Namespace = "default"
		if problems = batchvalidation.ValidateCronJobCreate(object, corevalidation.PodValidationOptions{}); len(problems) > 0 {
			break
		}
		written, _, err := codecs.UniversalDeserializer().Decode(text, nil, nil)
		if err != nil {
			return err
		}
		if err := checkStandard(written.(*batchv1.CronJob).Spec.JobTemplate.Spec.Template); err != nil {
			return err
		}
		return printCommand(object.Spec.JobTemplate.Spec.Template.Spec.Containers[0])
	case *networking.NetworkPolicy:
		object.Namespace = "default"
		problems = networkvalidation.ValidateNetworkPolicy(object, networkvalidation.NetworkPolicyValidationOptions{})
	case *core.PersistentVolumeClaim:
		object.Namespace = "default"
		problems = corevalidation.ValidatePersistentVolumeClaim(object, corevalidation.PersistentVolumeClaimSpecValidationOptions{})
	default:
		return fmt.Errorf("nobody checks a %T", object)
	}
	return problems.ToAggregate()
}

// checkStandard holds a pod against the standard restricted.
func checkStandard(template corev1.PodTemplateSpec) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec))
	if !result.Allowed {
		return fmt.Errorf("the standard %s: %s", restricted, result.ForbiddenDetail())
	}
	return nil
}

// printCommand prints the words that a container is started with.
func printCommand(container core.Container) error {
	variables := expansion.MappingFuncFor(map[string]string{"HOME": "EXPANDED"})
	var command []string
	for _, word := range append(container.Command, container.Args...) {
		command = append(command, expansion.Expand(word, variables))
	}
	return json.NewEncoder(os.Stdout).Encode(command)
}
