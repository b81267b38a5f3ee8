"""Fuzz tests that are regression tests under every configuration but --config=fuzz."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def _fuzz_corpus_impl(ctx):
    inputs = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        inputs = [ctx.file.archive],
        outputs = [inputs],
        arguments = [ctx.file.archive.path, inputs.path],
        command = "tar --extract --gzip --file=\"$1\" --directory=\"$2\"",
        mnemonic = "UnpackCorpus",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([inputs]), runfiles = ctx.runfiles([inputs]))]

_fuzz_corpus = rule(
    implementation = _fuzz_corpus_impl,
    doc = "A folder with the inputs of an archive.",
    attrs = {"archive": attr.label(allow_single_file = [".tar.gz"], mandatory = True)},
)

def cc_fuzz_test(name, srcs, corpus, crashes = [], deps = [], runs = 20000, fuzzed = True, tags = [], size = "small", **kwargs):
    """A test around LLVMFuzzerTestOneInput.

    With --config=fuzz it is a libFuzzer program (bazel/fuzz.sh runs it). Otherwise fuzz_main.cc
    replays the corpus and the crash inputs, prefixes of each, and seeded mutations of each.

    Args:
      name: of the test.
      srcs: the sources that define LLVMFuzzerTestOneInput.
      corpus: the archive of inputs, made by bazel/pack_corpus.sh.
      crashes: files; each is an input that once failed (a glob is fine).
      deps: as usual.
      runs: the approximate number of inputs that an ordinary run makes of the corpus.
      fuzzed: False keeps the test out of bazel/fuzz.sh.
      tags: as usual; "fuzz" is added if the test is fuzzed.
      size: as usual.
      **kwargs: passed on to cc_test.
    """
    inputs = name + "_corpus"
    _fuzz_corpus(
        name = inputs,
        testonly = True,
        archive = corpus,
    )
    cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = select({
            "//bazel:fuzz": [],
            "//conditions:default": [str(runs), "$(rootpath :%s)" % inputs] +
                                    ["$(rootpath %s)" % f for f in crashes],
        }),
        data = [":" + inputs] + crashes,
        linkopts = select({
            "//bazel:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = tags + (["fuzz"] if fuzzed else []),
        deps = deps + ["//bazel:sanitizer_options"] + select({
            "//bazel:fuzz": [],
            "//conditions:default": ["//bazel:fuzz_main"],
        }),
        **kwargs
    )
