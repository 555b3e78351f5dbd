#!/bin/sh
# build-tag-push.sh: builds the image from the working tree, tags it with branch, commit and time, and pushes it.
#   REGISTRY  where to, such as registry.example.com/team or docker.io/name; docker login has to have been there before
#   IMAGE     its name there: dummyorders
#   TAG       instead of branch-commit-time
#   PUSH      0 only builds and tags
set -eu

docker=${DOCKER:-docker}
branch=$(git rev-parse --abbrev-ref HEAD 2>/dev/null) || branch=none
commit=$(git describe --always --dirty --exclude='*' --abbrev=7 2>/dev/null) || commit=none
# A tag has letters, digits, _ . and -, and does not begin with the last two; branches may have more than that.
tag=$(printf %s "${TAG:-$branch-$commit-$(date -u +%Y%m%dT%H%M%SZ)}" | tr -c 'A-Za-z0-9_.-' - | sed 's/^[.-]*//')
image=${REGISTRY:+${REGISTRY%/}/}${IMAGE:-dummyorders}:$tag

if [ "${PUSH:-1}" != 0 ] && [ -z "${REGISTRY:-}" ]; then
	echo 'build-tag-push: REGISTRY must be set, such as REGISTRY=registry.example.com/team; PUSH=0 only builds' >&2
	exit 2
fi
echo "building $image"
DOCKER_BUILDKIT=1 $docker build --tag "$image" \
	--build-arg VERSION="$commit" \
	--build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || true)" \
	--build-arg CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)" .
if [ "${PUSH:-1}" != 0 ]; then
	echo "pushing $image"
	$docker push "$image"
fi
echo "run it: ORDERS_IMAGE=$image make start-production"
