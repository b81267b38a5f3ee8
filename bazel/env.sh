# shellcheck shell=bash
# Sourced by the scripts. Sets
#   SASD_CACHE  the folder for tools that are made once and kept outside the tree; by default
#               /var/cache/sasd for root and ~/.cache/sasd for other users
#   HOME        if a CI has no writable one: Bazel writes its output below it

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
# Tools that handle file names need UTF-8; a bare system has no other UTF-8 locale.
export LC_ALL=C.UTF-8
