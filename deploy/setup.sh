#!/usr/bin/env bash
# Prepares a Debian host once: packages, user, folders, settings with new secrets, service, nginx site. Runs on the
# host as root, from the deploy/ folder of a release; deploy.sh --setup DOMAIN does all that. It may run again: what is
# there stays, the service and the nginx site are written anew.
#
#   setup.sh DOMAIN [CERTIFICATE KEY]    certificate chain and key are PEM files, for example those of certbot
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=layout.sh
source "$HERE/layout.sh"

PACKAGES=(python3 python3-venv nginx-light libnginx-mod-http-brotli-static openssl curl ca-certificates)
ETC=${DEPLOY_ROOT:-}/etc

main() {
  local domain=${1:-} certificate=${2:-} key=${3:-}
  [[ $domain =~ ^[A-Za-z0-9.-]+$ ]] || fail "setup.sh DOMAIN [CERTIFICATE KEY]: the domain is missing or odd."
  [[ -z $certificate || -r $certificate && -r $key ]] || fail "$certificate or its key ${key:-(not named)} is not readable."
  install_packages
  make_user
  make_folders
  write_settings "$domain"
  keep_certificate "$domain" "$certificate" "$key"
  install_service
  install_site "$domain"
}

install_packages() {
  command -v apt-get >/dev/null || fail "this is not Debian: install ${PACKAGES[*]} by hand, and leave this step out."
  say "Installing packages …"
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${PACKAGES[@]}" >/dev/null
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed and this host has $(python3 -V): use Debian 12 or newer."
}

make_user() {
  id "$SERVICE_USER" >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin "$SERVICE_USER"
}

make_folders() {
  mkdir -p "$BASE"/{releases,incoming,venvs,public/assets} "$ACME" "$CONFIG/tls"
  chmod 0700 "$CONFIG/tls" "$BASE/incoming"
  install -d -m 0750 -o "$SERVICE_USER" -g "$(id -gn "$SERVICE_USER")" "$STATE"
}

# The secrets are made here and never leave the host.
write_settings() { # DOMAIN
  if [[ -e $ENV_FILE ]]; then
    say "Keeping the settings in $ENV_FILE"
    return
  fi
  local secret password line
  secret=$(openssl rand -hex 48)
  password=$(openssl rand -hex 12)
  install -m 0640 -o root -g "$(id -gn "$SERVICE_USER")" /dev/null "$ENV_FILE" 2>/dev/null ||
    install -m 0640 /dev/null "$ENV_FILE" # a rehearsal of somebody who is not root
  while IFS= read -r line; do
    case $line in
      SECRET_KEY=*) line=SECRET_KEY=$secret ;;
      ADMIN_PASSWORD=*) line=ADMIN_PASSWORD=$password ;;
      ADMIN_EMAIL=*) line=ADMIN_EMAIL=admin@$1 ;;
      PUBLIC_URL=*) line=PUBLIC_URL=https://$1 ;;
      *=*/var/lib/"$SERVICE"/*) line=${line/"/var/lib/$SERVICE"/"$STATE"} ;;
    esac
    printf '%s\n' "$line"
  done <"$HERE/env.example" | sed '1,/^$/d' >>"$ENV_FILE"
  say "Wrote the settings to $ENV_FILE. The administrator is admin@$1; the password is in that file."
}

keep_certificate() { # DOMAIN CERTIFICATE KEY
  local chain=$CONFIG/tls/fullchain.pem key=$CONFIG/tls/privkey.pem
  if [[ -n $2 ]]; then
    ln -sfn "$(realpath -s "$2")" "$chain"
    ln -sfn "$(realpath -s "$3")" "$key"
  elif [[ ! -e $chain ]]; then
    (
      umask 077
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 365 -subj "/CN=$1" \
        -addext "subjectAltName=DNS:$1" -addext "basicConstraints=critical,CA:FALSE" -keyout "$key" -out "$chain" 2>/dev/null
    )
    say "Made a certificate for $1 that browsers do not trust. Get a real one, for example from Let's Encrypt:"
    say "  apt-get install certbot && certbot certonly --webroot -w $ACME -d $1 --deploy-hook 'systemctl reload nginx'"
    say "  $BASE/current/deploy/setup.sh $1 /etc/letsencrypt/live/$1/fullchain.pem /etc/letsencrypt/live/$1/privkey.pem"
  fi
}

install_service() {
  install -D -m 0644 "$HERE/$SERVICE.service" "$ETC/systemd/system/$SERVICE.service"
  # Each worker listens on a socket of its own. When one goes, this hands its waiting connections to the others.
  mkdir -p "$ETC/sysctl.d"
  printf 'net.ipv4.tcp_migrate_req = 1\n' >"$ETC/sysctl.d/60-$SERVICE.conf"
  sysctl --quiet --load "$ETC/sysctl.d/60-$SERVICE.conf" || say "This kernel cannot migrate waiting connections; on with it."
  systemctl daemon-reload
  systemctl enable --quiet "$SERVICE"
}

install_site() { # DOMAIN
  local available=$ETC/nginx/sites-available enabled=$ETC/nginx/sites-enabled
  mkdir -p "$available" "$enabled"
  "$HERE/nginx.sh" "DOMAIN=$1" "PUBLIC_URL=$(setting PUBLIC_URL "https://$1")" \
    "CERTIFICATE=$CONFIG/tls/fullchain.pem" "KEY=$CONFIG/tls/privkey.pem" \
    "HTTP=127.0.0.1:$(setting PORT 8000)" "GRPC=127.0.0.1:$(grpc_port)" \
    "MAX_UPLOAD_MB=$(setting MAX_UPLOAD_MB 20)" "ASSETS=$BASE/public" "ACME=$ACME" >"$available/$SERVICE.new"
  mv "$available/$SERVICE.new" "$available/$SERVICE"
  ln -sfn "../sites-available/$SERVICE" "$enabled/$SERVICE"
  rm -f "$enabled/default" # Debian's example, which would take the same port
  nginx -t -q || fail "nginx refuses $available/$SERVICE: see above. What nginx serves is as before."
  systemctl enable --quiet nginx
  systemctl reload-or-restart nginx
}

grpc_port() {
  local port
  port=$(setting GRPC_PORT 0)
  if ((port)); then echo "$port"; else echo $(($(setting PORT 8000) + 1)); fi
}

main "$@"
