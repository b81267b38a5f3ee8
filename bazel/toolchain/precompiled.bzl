"""Headers that Clang parses once instead of once per source: that saves a third of a build."""

# The headers of Debian's packages that most sources include.
_HEADERS = [
    "algorithm",
    "atomic",
    "filesystem",
    "fstream",
    "functional",
    "iostream",
    "map",
    "memory",
    "optional",
    "random",
    "set",
    "sstream",
    "string",
    "thread",
    "variant",
    "vector",
    "absl/algorithm/container.h",
    "absl/container/btree_map.h",
    "absl/container/btree_set.h",
    "absl/container/flat_hash_map.h",
    "absl/container/flat_hash_set.h",
    "absl/container/inlined_vector.h",
    "absl/memory/memory.h",
    "absl/status/statusor.h",
    "absl/strings/ascii.h",
    "absl/strings/match.h",
    "absl/strings/numbers.h",
    "absl/strings/str_cat.h",
    "absl/strings/str_format.h",
    "absl/strings/str_join.h",
    "absl/strings/str_split.h",
    "absl/synchronization/mutex.h",
    "absl/synchronization/notification.h",
    "absl/time/clock.h",
    "absl/time/time.h",
    "absl/types/span.h",
    "google/protobuf/generated_message_reflection.h",
    "google/protobuf/map.h",
    "google/protobuf/message.h",
    "google/protobuf/reflection_ops.h",
    "google/protobuf/timestamp.pb.h",
    "google/protobuf/wire_format.h",
]

# Clang includes it last, and lists it as a dependency of each source.
_MAIN_HEADER = "/usr/include/gmock/gmock.h"

# Clang accepts a precompiled header only for the same language options. Keep these as toolchain.bzl
# and .bazelrc have them.
_FLAGS = [
    "-std=c++17",
    "-fstack-protector-strong",
    "-fcf-protection",
    "-fno-omit-frame-pointer",
    "-g0",
    "-w",
    "-fpch-instantiate-templates",
    "-fpch-validate-input-files-content",
    "'-D__DATE__=\"redacted\"'",
    "'-D__TIMESTAMP__=\"redacted\"'",
    "'-D__TIME__=\"redacted\"'",
]

# $1: the options of all variants. Each further argument: the options of one variant and its file.
# Clang records its working folder and the output's: "/" and standard output make the same bytes
# everywhere.
_SCRIPT = """
mkdir common.h.pch
cd /
common=$1
shift
printf '%s\\n' "$@" | xargs -P "$(nproc)" -I{} sh -c "exec /usr/bin/clang-14 $common {}"
"""

def _precompiled_headers_impl(ctx):
    # Bazel evaluates this again once that file has changed.
    ctx.path(ctx.attr.installed)
    common = _FLAGS + ["-x c++-header " + _MAIN_HEADER]
    for header in _HEADERS:
        common.append("-include " + header)
    result = ctx.execute(["/bin/sh", "-c", _SCRIPT, "precompile", " ".join(common)] + [
        "%s -o - >%s" % (options, ctx.path("common.h.pch").get_child(name))
        for name, options in ctx.attr.variants.items()
    ])
    if result.return_code != 0:
        fail("cannot precompile headers: " + result.stderr)
    ctx.file("common.h", "")
    ctx.file("BUILD", """filegroup(
    name = "all",
    srcs = ["common.h"] + glob(["common.h.pch/*"]),
    visibility = ["//visibility:public"],
)
""")

precompiled_headers = repository_rule(
    implementation = _precompiled_headers_impl,
    doc = """external/NAME/common.h, an empty file, and the folder common.h.pch beside it.

With `-include common.h` Clang loads the variant from that folder that fits its other options.""",
    attrs = {
        "installed": attr.label(doc = "A file that changes when the headers do."),
        "variants": attr.string_dict(doc = "File in common.h.pch -> options of Clang."),
    },
)
