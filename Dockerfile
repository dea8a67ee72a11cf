# The image of workers, for Flink (environment docker, or external with --worker_pool) and
# for Dataflow:
#
#     docker build --platform linux/amd64 --build-arg VERSION=1.0 -t hyperlake-worker .
#
# Start containers with --shm-size=2g or more: workers keep rows on their way into hyperd
# in /dev/shm, which has 64 MB by default; with less than 1.5 GB they use /tmp instead.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
ENV CGO_ENABLED=0 GOOS=linux GOARCH=amd64
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w" -o /out/hyperlake ./cmd/hyperlake && \
    go build -trimpath -ldflags="-s -w" -o /out/boot github.com/apache/beam/sdks/v2/go/container

# pip fetches the pinned hyperd, and hyperlake verifies it.
FROM debian:bookworm-slim AS hyperd
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates python3-pip
COPY --from=build /out/hyperlake /usr/local/bin/hyperlake
RUN --mount=type=cache,target=/root/.cache/hyperlake \
    set -- $(hyperlake hyperd install) && install -D "$3" /out/hyperd

FROM debian:bookworm-slim
ARG VERSION=devel
LABEL org.opencontainers.image.title="hyperlake worker" \
      org.opencontainers.image.description="Beam worker that builds Tableau .hyper extracts, with hyperd" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --create-home hyperlake
COPY --from=build /out/boot /opt/apache/beam/boot
COPY --from=build /out/hyperlake /usr/local/bin/hyperlake
COPY --from=hyperd /out/hyperd /opt/hyperd/hyperd
COPY LICENSE /opt/hyperlake/LICENSE
ENV HYPERD_PATH=/opt/hyperd/hyperd
USER hyperlake
WORKDIR /home/hyperlake
ENTRYPOINT ["/opt/apache/beam/boot"]
