"""Headers that Clang parses once instead of for each source: a third of what a build takes."""

# Of Debian's packages, what most sources include.
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
    "absl/container/flat_hash_map.h",
    "absl/container/flat_hash_set.h",
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

# The last one; it is what the compiler notes as a dependency.
_MAIN_HEADER = "/usr/include/gmock/gmock.h"

# What decides whether Clang takes a precompiled header, as .bazelrc and toolchain.bzl have it.
_FLAGS = [
    "-std=c++17",
    "-fstack-protector",
    "-fno-omit-frame-pointer",
    "-g0",
    "-w",
    "-fpch-instantiate-templates",
    "-fpch-validate-input-files-content",
    "'-D__DATE__=\"redacted\"'",
    "'-D__TIMESTAMP__=\"redacted\"'",
    "'-D__TIME__=\"redacted\"'",
]

# The configurations of .bazelrc: level of optimization and sanitizers.
_VARIANTS = {
    "opt": ("-O2", ""),
    "opt_test": ("-O0", ""),
    "asan": ("-O1", "address,undefined"),
    "asan_test": ("-O0", "address,undefined"),
    "tsan": ("-O1", "thread"),
    "tsan_test": ("-O0", "thread"),
    "fuzz": ("-O1", "fuzzer-no-link,address,undefined"),
}

# $1: the options of all; then of each variant its options and its file, in one argument. From
# anywhere they come to the same bytes: Clang notes the folders that it works in and writes to.
_SCRIPT = """
mkdir common.h.pch
cd /
common=$1
shift
printf '%s\\n' "$@" | xargs -P "$(nproc)" -I{} sh -c "exec /usr/bin/clang-14 $common {}"
"""

def _precompiled_headers_impl(ctx):
    common = _FLAGS + ["-x c++-header " + _MAIN_HEADER]
    for header in _HEADERS:
        common.append("-include " + header)
    result = ctx.execute(["/bin/sh", "-c", _SCRIPT, "precompile", " ".join(common)] + [
        "%s %s -o - >%s" % (level, "-fsanitize=" + sanitizers if sanitizers else "", ctx.path("common.h.pch").get_child(name))
        for name, (level, sanitizers) in _VARIANTS.items()
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
    doc = "external/NAME/common.h, an empty file; and for Clang common.h.pch, what most sources include in all variants.",
)
