#!/usr/bin/env bash
# Prints the nginx site: nginx.conf.template with its @NAMES@ filled in, from NAME=value arguments.
#
#   deploy/nginx.sh DOMAIN=photos.example.org CERTIFICATE=/etc/tls/chain.pem KEY=/etc/tls/key.pem > site
#
#   DOMAIN         the public name
#   CERTIFICATE    PEM file with the certificate and its chain; KEY its private key
#   PUBLIC_URL     where plain HTTP is sent on to (default: https://DOMAIN)
#   LISTEN_PLAIN   address and port of plain HTTP (default: 80, IPv6 too where the machine has it); LISTEN_TLS of TLS
#   HTTP, GRPC     where the engine listens (default: 127.0.0.1:8000 and 127.0.0.1:8001)
#   MAX_UPLOAD_MB  the engine's setting of that name (default: 20)
#   ASSETS         the folder that holds assets/ (default: /srv/atila-starter/public)
#   ACME           the folder that holds .well-known/ (default: /var/www/acme)
#   LOGS           the folder of access.log and error.log (default: /var/log/nginx)
#   BROTLI         yes or no: whether nginx has the brotli_static module (default: look)
set -euo pipefail

fail() {
  echo "nginx.sh: $*" >&2
  exit 1
}

has_brotli() {
  grep -qsr 'brotli_static' /etc/nginx/modules-enabled/
}

listen() { # port
  if [[ -s /proc/net/if_inet6 ]]; then
    echo "[::]:$1"
  else
    echo "$1"
  fi
}

# An option that nginx wants once for each address: [::] takes IPv4 as well.
dual() { # address and port
  if [[ $1 == "[::]:"* ]]; then
    echo "ipv6only=off "
  fi
}

main() {
  local -A value=(
    [DOMAIN]='' [CERTIFICATE]='' [KEY]='' [PUBLIC_URL]='' [MAX_UPLOAD_MB]=20 [BROTLI]=''
    [HTTP]=127.0.0.1:8000 [GRPC]=127.0.0.1:8001
    [ASSETS]=/srv/atila-starter/public [ACME]=/var/www/acme [LOGS]=/var/log/nginx
  )
  value[LISTEN_PLAIN]=$(listen 80)
  value[LISTEN_TLS]=$(listen 443)

  local given name
  for given in "$@"; do
    name=${given%%=*}
    [[ $given =~ ^[A-Z_]+= && -v "value[$name]" ]] || fail "$given: no such setting. The head of this file lists them."
    [[ ${given#*=} =~ ^[][A-Za-z0-9.,:/=_\ -]*$ ]] || fail "$name holds characters that do not belong there."
    value[$name]=${given#*=}
  done
  for name in DOMAIN CERTIFICATE KEY; do
    [[ -n ${value[$name]} ]] || fail "$name= is missing. The head of this file says what it is."
  done
  [[ ${value[MAX_UPLOAD_MB]} =~ ^[1-9][0-9]*$ ]] || fail "MAX_UPLOAD_MB is a whole number of megabytes."

  value[DUAL_PLAIN]=$(dual "${value[LISTEN_PLAIN]}")
  value[DUAL_TLS]=$(dual "${value[LISTEN_TLS]}")
  : "${value[PUBLIC_URL]:=https://${value[DOMAIN]}}"
  # As in backend/app/__init__.py: four bytes of base64 for three, and a megabyte for what is around them. The second
  # megabyte lets the engine, which answers with a sentence, refuse what is only a little too large.
  value[MAX_BODY]=$((value[MAX_UPLOAD_MB] * 1000000 * 4 / 3 + 2000000))
  if [[ ${value[BROTLI]} == yes ]] || { [[ -z ${value[BROTLI]} ]] && has_brotli; }; then
    value[BROTLI_STATIC]='brotli_static on;'
  else
    value[BROTLI_STATIC]='# brotli_static on; # needs libnginx-mod-http-brotli-static'
  fi

  local site
  site=$(<"$(dirname "${BASH_SOURCE[0]}")/nginx.conf.template")
  site=${site#*$'\n\n'} # the template's own head
  for name in "${!value[@]}"; do
    site=${site//"@$name@"/"${value[$name]}"}
  done
  [[ ! $site =~ @[A-Z_]+@ ]] || fail "nginx.conf.template names ${BASH_REMATCH[0]}, which nobody knows."
  printf '# Written by deploy/nginx.sh; change deploy/nginx.conf.template instead.\n\n%s\n' "$site"
}

main "$@"
