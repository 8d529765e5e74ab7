#!/usr/bin/env bash
# Installs the programs, libraries and fonts that rendering needs, on Debian and Ubuntu, and only those that are missing.
#
#   bash examples/install_system.sh [COMMAND ...]      by apt; needs root or sudo if something is missing. COMMANDs are
#                                                      further ones to have, from packages of the same name (make) or
#                                                      of another (dot:graphviz)
#   bash examples/install_system.sh --browser PYTHON   Playwright's Chromium for this interpreter, if there is no other
#   bash examples/install_system.sh --check            only says what is missing; exit status 1 if anything is
#
# The second form is for systems whose only Chromium is a snap, which cannot run in a container (Ubuntu).
# PYTHON=python3.12 names the interpreter that has to be able to make virtual environments.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
: "${PYTHON:=python3}"

say() { printf '==> %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# What has to be there, and the package that brings it. TeX's programs and files stand in a list that `vincicoder doctor`
# reads too.
commands=(fc-list:fontconfig)
tex_files=()
while read -r name package _; do
  case $name in
    '' | '#') ;;
    *.*) tex_files+=("$name:$package") ;;
    *) commands+=("$name:$package") ;;
  esac
done <"$(dirname "${BASH_SOURCE[0]}")/../vincicoder/languages/latex.txt"
libraries=(
  libcairo.so.2:libcairo2 libXrender.so.1:libxrender1 libXext.so.6:libxext6 libexpat.so.1:libexpat1
  libatomic.so.1:libatomic1 # for the Node.js that Playwright brings
)
fonts=("Noto Sans CJK SC:fonts-noto-cjk" "DejaVu Sans:fonts-dejavu-core" "Liberation Sans:fonts-liberation")

has_command() { command -v "$1" >/dev/null; }
has_tex() { has_command kpsewhich && kpsewhich "$1" >/dev/null; }
has_library() { [[ $libraries_here == *"$1 "* ]]; }
has_font() { has_command fc-list && [[ -n $(fc-list "$1") ]]; }
has_system_browser() { has_command chromium-headless-shell || has_command chromium || has_command google-chrome; }

# The packages that are missing, one a line, without Chromium.
missing_packages() {
  local entry libraries_here
  libraries_here=$(ldconfig -p)
  for entry in "${commands[@]}"; do has_command "${entry%:*}" || echo "${entry#*:}"; done
  for entry in "${libraries[@]}"; do has_library "${entry%:*}" || echo "${entry#*:}"; done
  for entry in "${tex_files[@]}"; do has_tex "${entry%:*}" || echo "${entry#*:}"; done
  for entry in "${fonts[@]}"; do has_font "${entry%:*}" || echo "${entry#*:}"; done
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || venv_package
}

# Puts them into the caller's array `packages`.
find_missing() {
  local found
  found=$(missing_packages | sort -u) || exit 1
  packages=()
  [[ -z $found ]] || mapfile -t packages <<<"$found"
}

venv_package() {
  case $(command -v "$PYTHON") in
    /usr/bin/*) "$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])' ;;
    *) fail "$PYTHON cannot make virtual environments: its venv or ensurepip module is missing" ;;
  esac
}

check_python() {
  has_command "$PYTHON" || fail "$PYTHON is not installed; set PYTHON to Python 3.10 or newer"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$PYTHON is $("$PYTHON" -V), but 3.10 or newer is needed; set PYTHON to such an interpreter"
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

apt() {
  local log
  log=$(mktemp)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  }
  rm -f "$log"
}

# The package that brings a Chromium: Debian's headless shell, or else the whole browser, but for one that only calls snap.
apt_browser() {
  local package found
  for package in chromium-headless-shell chromium; do
    found=$(apt-cache show "$package" 2>/dev/null || true)
    if [[ -n $found && $found != *snapd* ]]; then
      echo "$package"
      return
    fi
  done
}

install_packages() {
  local packages
  find_missing
  if ((${#packages[@]} == 0)) && { has_system_browser || ! has_command apt-get || [[ -z $(apt_browser) ]]; }; then
    return
  fi
  has_command apt-get || fail "this script knows only Debian and Ubuntu; install what these packages bring by" \
    "your system's own means: chromium-headless-shell or chromium ${packages[*]}"
  if ((EUID != 0)) && ! has_command sudo; then
    has_system_browser || grep -qs '^ID=ubuntu' /etc/os-release || packages+=(chromium-headless-shell)
    fail "packages are missing and there is neither root nor sudo. Have an administrator run:
  apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
  fi
  say "Refreshing the list of packages"
  apt update || say "That failed; going on with the list that is here"
  has_system_browser || mapfile -t -O ${#packages[@]} packages < <(apt_browser)
  ((${#packages[@]})) || return 0
  say "Installing ${packages[*]} (with all that they need up to 0.7 GB to download; some minutes)"
  apt install -y --no-install-recommends "${packages[@]}" || fail "apt could not install them; see above"
  find_missing
  ((${#packages[@]} == 0)) || fail "installed, and yet what they bring is not found: ${packages[*]}"
}

has_playwright_browser() {
  "$1" - <<'PYTHON' 2>/dev/null
import pathlib, sys
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PYTHON
}

install_browser() {
  if has_system_browser || has_playwright_browser "$1"; then return; fi
  say "Installing Playwright's Chromium, since this system has no other"
  "$1" -m playwright install --with-deps chromium || fail "Playwright could not install Chromium; see above"
}

check() {
  local packages
  find_missing
  has_system_browser || packages+=(chromium-headless-shell)
  ((${#packages[@]})) || return 0
  echo "missing: ${packages[*]}"
  return 1
}

case ${1:-} in
  --browser) install_browser "${2:?the interpreter that has playwright}" ;;
  --check)
    check_python
    check
    ;;
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" ;;
  -*) fail "unknown argument $1; see --help" ;;
  *)
    for name in "$@"; do commands+=("${name%:*}:${name#*:}"); done
    check_python
    install_packages
    ;;
esac
