#!/usr/bin/env bash
# The part of a deployment that runs on the host, as root; deploy.sh and rollback.sh call it.
#
#   host.sh deploy NAME KEEP HOW    make the uploaded release NAME the current one, keep KEEP older ones;
#                                   HOW is `auto` (reload where that is enough) or `restart`
#   host.sh rollback [NAME]         go back to release NAME, or to the one before the current one
#   host.sh list                    the releases there are
set -euo pipefail
umask 022
# shellcheck source=layout.sh
source "$(dirname "${BASH_SOURCE[0]}")/layout.sh"

PATIENCE=${DEPLOY_PATIENCE:-60} # seconds a release may take until it answers
ASSET_DAYS=30                   # days that assets stay after their release was replaced
ANSWER=''                       # the last one to a question about health

main() {
  local verb=${1:-}
  cd / # the folder this was called from may be one that goes away
  [[ -d $BASE/releases ]] || fail "this host is not set up: run deploy/deploy.sh --setup DOMAIN user@host."
  exec 9>"$BASE/lock"
  flock -n 9 || fail "another deployment is under way on this host."
  case $verb in
    deploy) deploy "$2" "$3" "$4" ;;
    rollback) roll_back "${2:-}" ;;
    list) list ;;
    *) fail "host.sh knows deploy, rollback and list." ;;
  esac
}

deploy() { # NAME KEEP HOW
  local name=$1 keep=$2 how=$3 before revision_before
  before=$(current)
  rm -rf "$BASE"/releases/*.failed
  mv -T "$BASE/incoming/$name" "$BASE/releases/$name"
  prepare "$name" || discard "$name" "the release could not be prepared; ${before:-nothing} goes on serving."

  revision_before=$(revision "$name") || discard "$name" "the database cannot be read: see above. Nothing was changed."
  say "Migrating the database …"
  manage "$name" migrate || discard "$name" "the migration failed; the database and what is served are as before."
  if [[ -z $before ]]; then
    manage "$name" seed || discard "$name" "the first account could not be made."
  fi
  publish_assets "$before" "$name"

  say "Switching to $name …"
  switch "$name"
  activate "$before" "$name" "$how"
  if healthy "$name"; then
    prune "$keep"
    say "$name serves $(setting PUBLIC_URL '')"
  else
    undo "$name" "$before" "$revision_before"
  fi
}

roll_back() { # [NAME]
  local now target wanted revision_now
  now=$(current)
  [[ -n $now ]] || fail "nothing was deployed here yet."
  target=${1:-$(releases | sed "/^$now\$/,\$d" | tail -n 1)}
  [[ -n $target ]] || fail "there is no release before $now."
  [[ -d $BASE/releases/$target ]] || fail "there is no release $target. There are: $(releases | tr '\n' ' ')"
  [[ $target < $now ]] || fail "$target is not older than $now: deploy it instead."

  wanted=$(head_of "$target")
  revision_now=$(revision "$now")
  say "Switching from $now back to $target …"
  publish_assets "$now" "$target"
  switch "$target"
  activate "$now" "$target" auto
  take_back "$now" "$revision_now" "$wanted" ||
    fail "the database could not be taken back to ${wanted:-nothing}: see above."
  healthy "$target" || fail "$target does not answer as it should: ${ANSWER:-no answer}. See: journalctl -u $SERVICE"
  say "$target serves $(setting PUBLIC_URL '')"
}

list() {
  local now name
  now=$(current)
  for name in $(releases); do
    if [[ $name == "$now" ]]; then say "$name  <- current"; else say "$name"; fi
  done
}

# ---- the steps

# Python packages, compiled modules and the settings, so that the release can run.
prepare() { # NAME
  local release=$BASE/releases/$1 key venv python
  chmod -R u+rwX,go+rX,go-w "$release" # whatever the umask was where it was packed
  python=$(command -v python3) || return 1
  key=$({ cat "$release/backend/requirements-production.lock" && "$python" -V; } | sha256sum | cut -c 1-16)
  venv=$BASE/venvs/$key
  if [[ ! -e $venv/complete ]]; then
    say "Installing the Python packages (about a minute) …"
    rm -rf "$venv"
    "$python" -m venv "$venv" || return 1
    "$venv/bin/pip" install --quiet --no-input --disable-pip-version-check --no-cache-dir \
      --no-deps --require-hashes -r "$release/backend/requirements-production.lock" || return 1
    touch "$venv/complete"
  fi
  ln -sfn "../../venvs/$key" "$release/.venv"
  ln -sfn "$ENV_FILE" "$release/.env" # for the commands; the service gets it from systemd
  "$release/.venv/bin/python" -m compileall -q "$release/backend"
}

# The assets of both releases are there before and after the switch; those of old releases go after a month.
publish_assets() { # BEFORE NAME
  local name assets
  mkdir -p "$BASE/public/assets"
  for name in "$@"; do
    assets=$BASE/releases/$name/frontend/dist/assets
    [[ -n $name && -d $assets ]] || continue
    cp -R -n "$assets/." "$BASE/public/assets/"
    (cd "$assets" && find . -type f -print0) | (cd "$BASE/public/assets" && xargs -0 -r touch -c --)
  done
  find "$BASE/public/assets" -type f -mtime "+$ASSET_DAYS" -delete
}

switch() { # NAME
  ln -sfn "releases/$1" "$BASE/current.new"
  mv -T "$BASE/current.new" "$BASE/current"
}

# A reload replaces the workers one by one, and a release that cannot start leaves the old workers serving. The main
# process stays the old one, so another engine or other packages need a restart.
activate() { # FROM TO HOW
  if [[ $3 == auto && -n $1 ]] && systemctl is-active --quiet "$SERVICE" && same_engine "$1" "$2"; then
    say "Reloading: the workers are replaced one by one …"
    systemctl reload "$SERVICE" && return
  fi
  say "Restarting …"
  systemctl reset-failed "$SERVICE" 2>/dev/null || true
  systemctl restart "$SERVICE" || true # whether it serves is asked next
}

same_engine() { # FROM TO
  local from=$BASE/releases/$1 to=$BASE/releases/$2
  [[ $(readlink "$from/.venv") == "$(readlink "$to/.venv")" ]] &&
    diff -rq --exclude=__pycache__ "$from/backend/skitai" "$to/backend/skitai" >/dev/null
}

# Whether every worker answers as this release: each question is a new connection, and any worker may get it.
healthy() { # NAME
  local end=$((SECONDS + PATIENCE)) wanted confirmed=0
  wanted=$((10 * $(setting WORKERS 1)))
  while ((confirmed < wanted)); do
    if ANSWER=$(ask) && [[ $ANSWER == *"\"release\":\"$1\""* ]]; then
      confirmed=$((confirmed + 1))
      continue
    fi
    ((SECONDS < end)) || return 1
    confirmed=0
    sleep 0.2
  done
}

ask() {
  curl --silent --show-error --fail-with-body --max-time 5 "http://127.0.0.1:$(setting PORT 8000)/health/ready" 2>&1
}

undo() { # NAME BEFORE REVISION_BEFORE
  local name=$1 before=$2 answer=$ANSWER
  say "$name is not healthy: ${answer:-no answer}" >&2
  journalctl --no-pager --lines=20 --unit="$SERVICE" 2>/dev/null >&2 || true
  if [[ -z $before ]]; then
    systemctl stop "$SERVICE" || true
    rm -f "$BASE/current"
    discard "$name" "this first release does not serve, and there is none to go back to."
  fi
  say "Going back to $before …" >&2
  switch "$before"
  activate "$name" "$before" auto
  take_back "$name" "$(revision "$name")" "$3" ||
    discard "$name" "$before serves, but the database could not be taken back to ${3:-nothing}: see above."
  healthy "$before" || discard "$name" "$before does not answer either: ${ANSWER:-no answer}. See: journalctl -u $SERVICE"
  discard "$name" "$name was rolled back; $before serves on."
}

# An older release works with its own schema only; the newer one knows the way back.
take_back() { # NEWER REVISION WANTED
  if [[ $2 != "$3" ]]; then
    say "Taking the database back from ${2:-nothing} to ${3:-nothing} …"
    manage "$1" downgrade "${3:-base}"
  fi
}

discard() { # NAME REASON
  mv -T "$BASE/releases/$1" "$BASE/releases/$1.failed"
  fail "$2 (What failed lies in $BASE/releases/$1.failed until the next deployment.)"
}

prune() { # KEEP
  local now name venv
  now=$(current)
  for name in $(releases | sed "/^$now\$/d" | head -n "-$1"); do
    say "Removing the old release $name"
    rm -rf "${BASE:?}/releases/$name"
  done
  find "$BASE/incoming" -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} + # uploads that broke off
  for venv in "$BASE"/venvs/*/; do
    venv=$(basename "$venv")
    compgen -G "$BASE/releases/*/.venv" | xargs -r readlink | grep -qx "../../venvs/$venv" || rm -rf "${BASE:?}/venvs/$venv"
  done
}

# ---- what is there

current() {
  if [[ -L $BASE/current ]]; then basename "$(readlink "$BASE/current")"; fi
}

# Names start with the time, so this is their order.
releases() {
  find "$BASE/releases" -mindepth 1 -maxdepth 1 -type d ! -name '*.failed' -printf '%f\n' | sort
}

# ---- the release's own commands, as the user who runs it

manage() { # RELEASE ARGUMENTS
  local release=$1
  shift
  in_release "$release" -m app.manage "$@"
}

revision() { # RELEASE
  in_release "$1" -c 'from app import database, settings; print(database.current(settings.load().database_url) or "")'
}

head_of() { # RELEASE
  in_release "$1" -c 'from app import database; print(database.head() or "")'
}

in_release() { # RELEASE ARGUMENTS
  local release=$BASE/releases/$1
  shift
  local command=(env -i "PATH=$PATH" LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 "$release/.venv/bin/python" "$@")
  (
    cd "$release/backend" || exit
    umask 027
    if [[ $(id -un) == "$SERVICE_USER" ]]; then
      "${command[@]}"
    else
      runuser -u "$SERVICE_USER" -- "${command[@]}"
    fi
  ) 9>&-
}

main "$@"
