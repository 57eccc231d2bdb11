# shellcheck shell=bash
# Where everything lies on a host, and how the scripts here speak; sourced by them.
#
#   /srv/atila-starter/releases/NAME   one folder for each release: backend, frontend/dist, deploy, RELEASE
#   /srv/atila-starter/current         the release that runs: a link, switched in one step
#   /srv/atila-starter/venvs/KEY       Python packages, shared by all releases with the same lock
#   /srv/atila-starter/public/assets   the assets of this release and of older ones, for tabs that are still open
#   /etc/atila-starter/env             the settings; tls/ the certificate and its key
#   /var/lib/atila-starter             the data: all that a backup needs, with the settings
#
# DEPLOY_ROOT puts all of it below another folder and DEPLOY_USER names another user: for rehearsals.
# shellcheck disable=SC2034 # used where this is sourced

SERVICE=atila-starter
SERVICE_USER=${DEPLOY_USER:-$SERVICE}
BASE=${DEPLOY_ROOT:-}/srv/$SERVICE
CONFIG=${DEPLOY_ROOT:-}/etc/$SERVICE
ENV_FILE=$CONFIG/env
STATE=${DEPLOY_ROOT:-}/var/lib/$SERVICE
ACME=${DEPLOY_ROOT:-}/var/www/acme

say() {
  printf '%s\n' "$*"
}

fail() {
  printf 'Stopped: %s\n' "$*" >&2
  exit 1
}

# The value of a setting in the environment file, or what to take when it is empty or missing.
setting() { # NAME DEFAULT
  local value
  value=$(sed -n "s/^$1=//p" "$ENV_FILE" | tail -n 1)
  printf '%s\n' "${value:-$2}"
}
