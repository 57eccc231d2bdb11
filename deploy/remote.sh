# shellcheck shell=bash
# Commands on the host over ssh, as root; sourced by deploy.sh and rollback.sh after layout.sh.

read -r -a SSH <<<"${DEPLOY_SSH:-ssh}"
HOST=''
AS_ROOT=''

# Remembers the host, and how to be root there.
reach() { # user@host
  local user
  HOST=$1
  command -v "${SSH[0]}" >/dev/null || fail "${SSH[0]} is not installed."
  user=$("${SSH[@]}" "$HOST" id -u </dev/null) || fail "$HOST is not reachable: try ${SSH[*]} $HOST"
  if [[ $user != 0 && -z ${DEPLOY_USER:-} ]]; then
    "${SSH[@]}" "$HOST" sudo -n true </dev/null ||
      fail "the user on $HOST must be root, or be allowed to run sudo without a password."
    AS_ROOT='sudo -n '
  fi
}

on_host() { # COMMAND
  "${SSH[@]}" "$HOST" "$AS_ROOT$1"
}
