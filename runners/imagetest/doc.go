// Package imagetest carries out the steps of the Dockerfile without a container daemon, and
// runs a worker in the root file system that they give. Its tests need root, debootstrap
// and a Debian mirror, see `make test-image`; without the build tag image there are none.
package imagetest
