# shellcheck shell=bash
# Set-up shared by `run` and `.ci/run`: Debian packages, the build, and bcoin where there is no bitcoind.
# Sourced from the repository's root. Each step looks first and does nothing when nothing is to do.

# The one list of Debian packages. libllhttp-dev takes node-llhttp's place where the release has it, and
# postgresql-15-pgtap stands for the one of the release's own PostgreSQL.
# shellcheck disable=SC2034
{
  packages_build="g++ cmake ninja-build ccache pkg-config libuv1-dev libfmt-dev libspdlog-dev rapidjson-dev
    libexpected-dev libcli11-dev doctest-dev node-llhttp libpqxx-dev libzmq3-dev cppzmq-dev libssl-dev
    nodejs npm"
  packages_run="postgresql python3"
  packages_test="python3-pytest python3-pytest-xdist python3-psycopg2 python3-jsonschema python3-zmq binutils
    openssl postgresql-15-pgtap chromium chromium-driver python3-selenium"
  packages_lint="clang-format clang-tidy shellcheck mandoc"
}

say() { printf '%s\n' "$*" >&2; }
die() {
  say "run: $*"
  exit 1
}

# The node's program: $BITCOIND, else bitcoind from PATH, else nothing (bcoin then).
find_bitcoind() {
  if [ -n "${BITCOIND:-}" ]; then
    [ -x "$BITCOIND" ] || die "BITCOIND=$BITCOIND is not a program; unset it to use bcoin instead"
    printf '%s\n' "$BITCOIND"
  else
    command -v bitcoind || true
  fi
}

# A package is there when dpkg has it, or when what we want of it came another way.
have_package() {
  case $1 in
    nodejs) command -v node >/dev/null && return ;;
    npm) command -v npm >/dev/null && return ;;
    postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return ;;
    postgresql-15-pgtap) compgen -G '/usr/share/postgresql/*/extension/pgtap.control' >/dev/null && return ;;
    node-llhttp) [ -e /usr/include/llhttp.h ] && return ;;
  esac
  case $installed in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

missing_packages() {
  local name installed
  # ${db:...} is dpkg-query's own notation.
  # shellcheck disable=SC2016
  installed=" $(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" {printf "%s ", $2}')"
  for name in "$@"; do
    have_package "$name" || printf '%s ' "$name"
  done
}

install_packages() {
  local missing as_root="" pgtap
  command -v dpkg-query >/dev/null || return 0 # not Debian: CMake names what it does not find
  missing=$(missing_packages "$@")
  missing=${missing% }
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    [ -t 0 ] || as_root="sudo -n"
    if ! command -v sudo >/dev/null || ! $as_root true; then
      say "run: these Debian packages are missing, and installing them takes root:"
      say "  apt-get install --no-install-recommends $missing"
      exit 1
    fi
  fi
  say "installing: $missing"
  # A private cluster is all we use: PostgreSQL's package shall not start one for the system.
  case " $missing " in
    *" postgresql "* | *" postgresql-15-pgtap "*)
      if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        $as_root mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
      fi
      ;;
  esac
  $as_root apt-get -qq update </dev/null >&2 || say "apt-get update failed; going on with the lists that are there"
  case " $missing " in
    *" node-llhttp "*)
      if apt-cache show libllhttp-dev >/dev/null 2>&1; then missing=${missing/node-llhttp/libllhttp-dev}; fi
      ;;
  esac
  case " $missing " in
    *" postgresql-15-pgtap "*)
      pgtap=$(apt-cache search --names-only '^postgresql-[0-9]+-pgtap$' | awk 'END {print $1}')
      missing=${missing/postgresql-15-pgtap/${pgtap:-postgresql-15-pgtap}}
      ;;
  esac
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
    apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends $missing </dev/null >&2 ||
    die "apt-get could not install: $missing"
}

# build PRESET [TARGET...]: configures when needed; ninja itself knows what is stale.
build() {
  local preset=$1 folder=build/$1 log
  shift
  mkdir -p "$folder"
  log=$folder/build.log
  if [ ! -e "$folder/build.ninja" ]; then
    say "configuring $folder"
    cmake --preset "$preset" >"$log" 2>&1 </dev/null || { cat "$log" >&2; die "cmake --preset $preset failed"; }
  fi
  if [ -t 2 ]; then
    ninja -C "$folder" "$@" </dev/null >&2 || die "the build in $folder failed"
  else
    ninja -C "$folder" "$@" </dev/null >"$log" 2>&1 || { tail -n 60 "$log" >&2; die "the build in $folder failed"; }
  fi
}

# bcoin from npm into .deps/bcoin, without install scripts: its pure JavaScript backend needs none.
install_bcoin() {
  cmp -s tests/bcoin/package-lock.json .deps/bcoin/installed.json && return 0
  say "installing bcoin from npm (there is no bitcoind: set BITCOIND or PATH to use one)"
  mkdir -p .deps/bcoin
  cp tests/bcoin/package.json tests/bcoin/package-lock.json .deps/bcoin/
  (cd .deps/bcoin && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
    die "npm could not install bcoin into .deps/bcoin"
  cp tests/bcoin/package-lock.json .deps/bcoin/installed.json
}

# Prometheus's checker, taken out of its package: installing that would start a server.
fetch_promtool() {
  command -v promtool >/dev/null && return
  [ -x .deps/prometheus/usr/bin/promtool ] && return
  if ! command -v dpkg-deb >/dev/null || ! apt-cache show prometheus >/dev/null 2>&1; then
    say "there is no promtool: tests of the metrics' form are skipped"
    return
  fi
  say "fetching promtool"
  mkdir -p .deps/prometheus
  (cd .deps/prometheus && apt-get -qq download prometheus </dev/null >&2 && dpkg-deb --fsys-tarfile prometheus_*.deb |
    tar -x ./usr/bin/promtool) || say "promtool could not be fetched: tests of the metrics' form are skipped"
  rm -f .deps/prometheus/*.deb
}

# axe-core, which looks at the pages in the browser tests, from npm into .deps/axe.
install_axe() {
  command -v npm >/dev/null || { say "there is no npm: the pages are not tested in a browser"; return; }
  cmp -s tests/web/package-lock.json .deps/axe/installed.json && return
  say "installing axe-core from npm"
  mkdir -p .deps/axe
  cp tests/web/package.json tests/web/package-lock.json .deps/axe/
  (cd .deps/axe && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
    die "npm could not install axe-core into .deps/axe"
  cp tests/web/package-lock.json .deps/axe/installed.json
}

# setup_node: packages and bcoin when there is no bitcoind; exports BITCOIND when there is one.
setup_node() {
  BITCOIND=$(find_bitcoind)
  if [ -n "$BITCOIND" ]; then
    export BITCOIND
    return
  fi
  unset BITCOIND
  install_bcoin
}
