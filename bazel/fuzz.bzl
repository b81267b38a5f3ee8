"""Fuzz tests that are regression tests under every configuration but --config=fuzz."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def cc_fuzz_test(name, srcs, deps = [], corpus = [], runs = 20000, tags = [], size = "small", **kwargs):
    """A test around LLVMFuzzerTestOneInput.

    With --config=fuzz it is a libFuzzer program (bazel/fuzz.sh runs it). Otherwise a small main
    feeds it the corpus, every input cut short, and seeded mutations.

    Args:
      name: of the test.
      srcs: what defines LLVMFuzzerTestOneInput.
      deps: as usual.
      corpus: input files (a glob is fine).
      runs: about how many inputs are made of the corpus in an ordinary run.
      tags: as usual; "fuzz" is added.
      size: as usual.
      **kwargs: passed on to cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = select({
            "//bazel:fuzz": [],
            "//conditions:default": [str(runs)] + ["$(rootpath %s)" % f for f in corpus],
        }),
        data = corpus,
        linkopts = select({
            "//bazel:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = tags + ["fuzz"],
        deps = deps + ["//bazel:sanitizer_options"] + select({
            "//bazel:fuzz": [],
            "//conditions:default": ["//bazel:fuzz_main"],
        }),
        **kwargs
    )
