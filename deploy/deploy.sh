#!/usr/bin/env bash
# Deploys this checkout: builds the frontend, uploads a release, installs, migrates, switches, asks whether it is
# healthy, and goes back to the release before when it is not.
#
#   deploy/deploy.sh [options] user@host        user is root, or may run sudo without a password
#     --setup DOMAIN    prepare the host first (the first time, or when deploy/ changed): see setup.sh
#     --no-build        upload frontend/dist as it is
#     --restart         restart the service even where replacing its workers would do
#     --keep N          keep N older releases on the host (default: 5)
#
# DEPLOY_SSH is the command that reaches the host (default: ssh), for example DEPLOY_SSH='ssh -p 2222'.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
# shellcheck source=layout.sh
source "$HERE/layout.sh"
# shellcheck source=remote.sh
source "$HERE/remote.sh"

DOMAIN='' BUILD=yes HOW=auto KEEP=5 TARGET=''

main() {
  read_arguments "$@"
  build
  local name
  name=$(date -u +%Y%m%d-%H%M%S)-$(git -C "$ROOT" rev-parse --short HEAD 2>/dev/null || echo local)
  reach "$TARGET"
  [[ -n $DOMAIN ]] || on_host "test -d $BASE/releases" ||
    fail "$TARGET is not set up: run deploy/deploy.sh --setup DOMAIN $TARGET (DOMAIN as people type it)."
  upload "$name"
  if [[ -n $DOMAIN ]]; then
    on_host "bash $BASE/incoming/$name/deploy/setup.sh $DOMAIN" || fail "$TARGET could not be set up: see above."
  fi
  on_host "bash $BASE/incoming/$name/deploy/host.sh deploy $name $KEEP $HOW" || exit 1
}

read_arguments() {
  while (($#)); do
    case $1 in
      --setup)
        DOMAIN=${2:-}
        [[ $DOMAIN =~ ^[A-Za-z0-9.-]+$ ]] || fail "--setup needs a domain, for example photos.example.org."
        shift
        ;;
      --keep)
        KEEP=${2:-}
        [[ $KEEP =~ ^[0-9]+$ ]] || fail "--keep needs a number."
        shift
        ;;
      --no-build) BUILD='' ;;
      --restart) HOW=restart ;;
      --help | -h)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        exit
        ;;
      -*) fail "$1: no such option. deploy/deploy.sh --help lists them." ;;
      *)
        [[ -z $TARGET ]] || fail "one host at a time, please."
        TARGET=$1
        ;;
    esac
    shift
  done
  [[ -n $TARGET ]] || fail "which host? deploy/deploy.sh user@host"
}

build() {
  if [[ -n $BUILD ]]; then
    python3 "$ROOT/scripts/build.py" || fail "the frontend did not build, so nothing was deployed."
  fi
  [[ -f $ROOT/frontend/dist/index.html ]] || fail "frontend/dist is empty: run make build."
  if [[ -n $(git -C "$ROOT" status --porcelain 2>/dev/null) ]]; then
    say "Note: this checkout has changes that are not committed; they are deployed too."
  fi
}

# What the host needs and nothing else: no tests, no sources of the frontend, no settings of this machine.
upload() { # NAME
  local staged incoming=$BASE/incoming/$1
  staged=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder's name of now
  trap "rm -rf '$staged'" EXIT
  printf '%s\n' "$1" >"$staged/RELEASE"
  say "Uploading $1 to $TARGET …"
  tar -C "$ROOT" --exclude=__pycache__ --exclude='*.map' --exclude='.env*' --exclude='.vite' -czf - \
    backend/{serve.py,requirements-production.lock,atila,skitai,app,contracts} frontend/dist deploy -C "$staged" RELEASE |
    on_host "sh -c 'mkdir -p $incoming && tar --no-same-owner -xzf - -C $incoming'" ||
    fail "the upload to $TARGET failed: see above."
}

main "$@"
