# Two images: `--target run` runs hyperlake; the last stage, which is the default, is that of workers, for Flink (environment
# docker, or external with --worker_pool) and for Dataflow. The second is the first with Beam's boot program in it.
#
#     docker build --platform linux/amd64 --build-arg VERSION=1.0 --target run -t hyperlake .
#     docker build --platform linux/amd64 --build-arg VERSION=1.0 -t hyperlake-worker .
#
# docs/containers.md says what is mounted where. Start containers with --shm-size=2g or more: rows on their way into hyperd
# are in /dev/shm, which has 64 MB by default; with less than 1.5 GB they are in /tmp instead.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
ENV CGO_ENABLED=0 GOOS=linux GOARCH=amd64
ARG VERSION=devel
ARG REVISION
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w -X hyperlake/pipelines.release=$VERSION -X hyperlake/pipelines.commit=$REVISION" \
        -o /out/hyperlake ./cmd/hyperlake && \
    go build -trimpath -ldflags="-s -w" -o /out/boot github.com/apache/beam/sdks/v2/go/container && \
    go run ./cmd/notices > /out/THIRD_PARTY_NOTICES

# pip fetches the pinned hyperd, and hyperlake verifies it. Its licence and notices come with it.
FROM debian:bookworm-slim AS hyperd
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates python3-pip
COPY --from=build /out/hyperlake /usr/local/bin/hyperlake
RUN --mount=type=cache,target=/root/.cache/hyperlake \
    set -- $(hyperlake hyperd install) && mkdir /out && cp -r "$(dirname "$3")" /out/hyperd

FROM debian:bookworm-slim AS run
ARG VERSION=devel
ARG REVISION
LABEL org.opencontainers.image.title="hyperlake" \
      org.opencontainers.image.description="Builds Tableau .hyper extracts from Parquet, with hyperd" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates tzdata && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --home-dir /work --create-home hyperlake
COPY --from=hyperd /out/hyperd /opt/hyperd
COPY --from=build /out/hyperlake /usr/local/bin/hyperlake
COPY --from=build /out/THIRD_PARTY_NOTICES /opt/hyperlake/THIRD_PARTY_NOTICES
COPY LICENSE /opt/hyperlake/LICENSE
ENV HYPERD_PATH=/opt/hyperd/hyperd HOME=/work
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/hyperlake"]

FROM run AS worker
LABEL org.opencontainers.image.title="hyperlake worker" \
      org.opencontainers.image.description="Beam worker that builds Tableau .hyper extracts, with hyperd"
COPY --from=build /out/boot /opt/apache/beam/boot
ENTRYPOINT ["/opt/apache/beam/boot"]
