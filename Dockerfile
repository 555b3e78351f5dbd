# One image for every process: `orders api`, `orders worker`, … and, for development, the mail server `devmail`.
# It needs BuildKit, which Docker uses by itself from 23.0 on; before that, set DOCKER_BUILDKIT=1 (make does).
ARG GO_IMAGE=golang:1.26
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION
WORKDIR /src
# Modules and compiled packages stay in the builder's cache, so that a change compiles only what it touches.
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    mkdir -p /out/mail && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -pgo=cmd/orders/orders.pgo -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/orders ./internal/devmail

FROM ${RUNTIME_IMAGE}
COPY --from=build /out/orders /out/devmail /
# A volume mounted here begins with this folder's owner, who is the image's user.
COPY --from=build --chown=65532:65532 /out/mail /mail
# Garbage is collected when the heap has grown fivefold, as by make run: api, worker and fraud-police then take 3 % less CPU a
# transaction, and 18 MB more memory each. GOMEMLIMIT of deploy/production.yml still holds.
ENV GOGC=400
ENTRYPOINT ["/orders"]
CMD ["--help"]

ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="orders" \
      org.opencontainers.image.description="Card transactions, checked for fraud, paid for or stopped" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
