# shellcheck shell=bash
# Sourced by the scripts: where what is made once and kept outside the tree goes.
#   $SASD_CACHE, by default /var/cache/sasd for root and ~/.cache/sasd for others.
# It also gives HOME a writable value where a CI has none: Bazel's output goes below it.

if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
fi
if [[ ! -w $HOME ]]; then
  HOME=/var/tmp/sasd-home-$(id -u)
  mkdir -p "$HOME"
fi
export HOME
if [[ -z ${SASD_CACHE:-} ]]; then
  if [[ $(id -u) -eq 0 ]]; then SASD_CACHE=/var/cache/sasd; else SASD_CACHE=$HOME/.cache/sasd; fi
fi
export SASD_CACHE
# Tools that name files want UTF-8; a bare system has no other such locale.
export LC_ALL=C.UTF-8
