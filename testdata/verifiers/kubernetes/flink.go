package main

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// flinkDeployment is the part of the resource of Flink's operator that a session cluster needs (its documentation, "Reference").
type flinkDeployment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Image              string                  `json:"image"`
		FlinkVersion       string                  `json:"flinkVersion"`
		ServiceAccount     string                  `json:"serviceAccount"`
		FlinkConfiguration map[string]string       `json:"flinkConfiguration"`
		Mode               string                  `json:"mode"`
		PodTemplate        *corev1.PodTemplateSpec `json:"podTemplate"`
		JobManager         flinkPart               `json:"jobManager"`
		TaskManager        flinkPart               `json:"taskManager"`
	} `json:"spec"`
}

// flinkPart is a JobManager or TaskManagers.
type flinkPart struct {
	Replicas int `json:"replicas"`
	Resource struct {
		CPU    float64 `json:"cpu"`
		Memory string  `json:"memory"`
	} `json:"resource"`
	PodTemplate *corev1.PodTemplateSpec `json:"podTemplate"`
}

// checkFlink decodes the resource strictly, and holds its pods against the standard. Flink adds to them what its own container needs.
func checkFlink(text []byte) error {
	var deployment flinkDeployment
	if err := yaml.UnmarshalStrict(text, &deployment); err != nil {
		return err
	}
	if deployment.APIVersion != "flink.apache.org/v1beta1" || deployment.Spec.FlinkVersion == "" {
		return fmt.Errorf("no FlinkDeployment of a version: %s", deployment.APIVersion)
	}
	for _, template := range []*corev1.PodTemplateSpec{deployment.Spec.JobManager.PodTemplate, deployment.Spec.TaskManager.PodTemplate} {
		if err := checkStandard(*template); err != nil {
			return err
		}
	}
	return nil
}
