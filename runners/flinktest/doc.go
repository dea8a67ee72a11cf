// Package flinktest runs the program on a Flink cluster of several processes and holds
// its extracts against those of Prism. Its tests need a cluster and servers of object storage, which
// `make test-flink` starts and installs; without the build tag flink there are none.
package flinktest
