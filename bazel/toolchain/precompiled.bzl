"""Headers that Clang parses once instead of for each source: a third of what a sanitizer's build takes."""

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
    "-D__DATE__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
]

_SANITIZERS = {
    "asan": "address,undefined",
    "tsan": "thread",
}

def _precompiled_headers_impl(ctx):
    includes = []
    for header in _HEADERS:
        includes += ["-include", header]
    # From anywhere the same bytes: Clang notes the folders that it works in and writes to.
    script = "out=$PWD; cd /; status=0; "
    for name, sanitizers in _SANITIZERS.items():
        # Two at a time: for tests, and for all else.
        for level, then in (("-O0", "& "), ("-O1", "|| status=1; wait $! || status=1; ")):
            script += "/usr/bin/clang-14 \"$@\" %s -fsanitize=%s -x c++-header %s -o - >\"$out/%s%s.pch\" %s" % (
                level,
                sanitizers,
                _MAIN_HEADER,
                name,
                level,
                then,
            )
    result = ctx.execute(["/bin/bash", "-c", script + "exit $status", "precompile"] + _FLAGS + includes)
    if result.return_code != 0:
        fail("cannot precompile headers: " + result.stderr)
    ctx.file("BUILD", "filegroup(name = \"all\", srcs = glob([\"*.pch\"]), visibility = [\"//visibility:public\"])\n")

precompiled_headers = repository_rule(
    implementation = _precompiled_headers_impl,
    doc = "external/NAME/{asan,tsan}-O{0,1}.pch: for -include-pch with a sanitizer and at a level of optimization.",
)
