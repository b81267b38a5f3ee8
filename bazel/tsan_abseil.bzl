"""The Abseil for --config=tsan, which bazel/tsan_abseil.sh builds outside the tree."""

def _tsan_abseil_impl(ctx):
    cache = ctx.os.environ.get("SASD_CACHE", "/var/cache/sasd")
    lib = ctx.path(cache + "/abseil-tsan/lib")
    if not lib.exists:
        fail("--config=tsan needs %s: run bazel/tsan_abseil.sh" % lib)
    ctx.symlink(lib, "lib")

    ctx.file("BUILD", """
cc_library(
    name = "absl",
    srcs = ["lib/libabsl.a"],
    linkopts = ["-pthread"],
    visibility = ["//visibility:public"],
)
""")

tsan_abseil = repository_rule(
    implementation = _tsan_abseil_impl,
    doc = "Points at the ThreadSanitizer build of Abseil, in $SASD_CACHE.",
    environ = ["SASD_CACHE"],
    local = True,
)
