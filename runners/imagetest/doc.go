// Package imagetest carries out the steps of the Dockerfile without a container daemon, has the image for runs build the sample
// extract, and runs a worker of the other. Its tests need root, debootstrap
// and a Debian mirror, see `make test-image`; without the build tag image there are none.
package imagetest
