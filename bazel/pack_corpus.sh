#!/bin/bash
# Packs all files of a folder into an archive. Equal inputs give equal bytes: names are sorted; owners,
# modes and times are fixed.
#   bazel/pack_corpus.sh FOLDER ARCHIVE.tar.gz
set -euo pipefail
[[ $# -eq 2 ]] || { echo "usage: pack_corpus.sh FOLDER ARCHIVE.tar.gz" >&2; exit 2; }
folder=$1 archive=$2
export LC_ALL=C
[[ -n $(find "$folder" -type f -print -quit) ]] || { echo "pack_corpus.sh: $folder has no file" >&2; exit 1; }
find "$folder" -type f -printf '%P\0' | sort --zero-terminated |
  tar --create --directory="$folder" --null --verbatim-files-from --files-from=- --format=ustar \
    --owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 | gzip --best --no-name >"$archive.new"
mv "$archive.new" "$archive"
