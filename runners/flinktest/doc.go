// Package flinktest runs the program on a Flink cluster of several processes and holds
// its extracts against those of Prism. Its tests need a cluster, which `make test-flink`
// starts; without the build tag flink there are none.
package flinktest
