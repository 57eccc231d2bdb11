#!/usr/bin/env bash
# Takes a host back to an older release, with its database schema.
#
#   deploy/rollback.sh user@host           to the release before the current one
#   deploy/rollback.sh user@host NAME      to a certain one
#   deploy/rollback.sh --list user@host    which there are
#
# Columns and tables that the newer release brought are dropped with what they hold.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=layout.sh
source "$HERE/layout.sh"
# shellcheck source=remote.sh
source "$HERE/remote.sh"

main() {
  local verb=rollback
  if [[ ${1:-} == --list ]]; then
    verb=list
    shift
  fi
  [[ -n ${1:-} && $1 != -* ]] || fail "which host? deploy/rollback.sh [--list] user@host [NAME]"
  [[ ${2:-} =~ ^[A-Za-z0-9-]*$ ]] || fail "$2 is not the name of a release: deploy/rollback.sh --list $1"
  reach "$1"
  on_host "test -e $BASE/current/deploy/host.sh" || fail "nothing is deployed on $1 yet."
  on_host "bash $BASE/current/deploy/host.sh $verb ${2:-}" || exit 1
}

main "$@"
