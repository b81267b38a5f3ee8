"""Protocol buffers and gRPC with Debian's protoc."""

load("@rules_cc//cc:defs.bzl", "cc_library")

# An input of each action that runs protoc: an upgrade generates the code again.
INSTALLED_PACKAGES = "@installed_packages//:build"

_PROTOC = "/usr/bin/protoc"
_GRPC_CPP = "/usr/bin/grpc_cpp_plugin"
_GRPC_PYTHON = "/usr/bin/grpc_python_plugin"

# Generated code is large and has no bugs of ours: compile it fast and without AddressSanitizer.
GENERATED_COPTS = [
    "-w",
    "-O1",
    "-g0",
] + select({
    "//bazel:asan": ["-fno-sanitize=all"],
    "//bazel:fuzz": ["-fno-sanitize=all"],
    "//conditions:default": [],
})

def _sibling(label, suffix):
    """The label of the target with the name of `label` and a suffix."""
    if ":" in label:
        return label + suffix
    return "%s:%s%s" % (label, label.split("/")[-1], suffix)

def _protoc(name, srcs, deps, root, flags, outs, **kwargs):
    """A genrule that runs protoc over `srcs`.

    In `flags`, OUT stands for the output folder that matches the import root.
    """
    package = native.package_name()
    depth = len(package.split("/")) if package else 0
    if root != "":
        if package != root and not package.startswith(root + "/"):
            fail("package //%s lies outside the import root %s" % (package, root))
        depth -= len(root.split("/"))
    out = "/".join(["$(RULEDIR)"] + [".."] * depth)
    native.genrule(
        name = name,
        srcs = srcs + [_sibling(dep, "_srcs") for dep in deps] + [INSTALLED_PACKAGES],
        outs = outs,
        cmd = " ".join([
            _PROTOC,
            "--proto_path=" + (root or "."),
            " ".join(["--proto_path=."] if root else []),
        ] + [flag.replace("OUT", out) for flag in flags] + [
            "$(location %s)" % src
            for src in srcs
        ]),
        message = "Generating code for //%s:%s" % (package, name.rsplit("_", 1)[0]),
        **kwargs
    )

def sas_proto_library(
        name,
        srcs,
        deps = [],
        grpc = False,
        root = "",
        visibility = None,
        testonly = None):
    """A C++ library of the messages in .proto files.

    Other targets made: with grpc = True `name`_grpc, the services; `name`_descriptor (a
    FileDescriptorSet with all imports, `name`.binpb) and `name`_srcs (the .proto files and those of
    deps).

    Args:
      name: of the cc_library.
      srcs: .proto files of this package (a path into a subfolder is fine).
      deps: other sas_proto_library targets whose files these import.
      grpc: also make `name`_grpc, the services (x.grpc.pb.h).
      root: folder from which the files are imported and the headers included, relative to the
        workspace: with "proto", proto/sas/v1/host.proto is imported as "sas/v1/host.proto".
      visibility: as usual.
      testonly: as usual.
    """
    bases = [src[:-len(".proto")] for src in srcs]
    headers = [base + ".pb.h" for base in bases]
    sources = [base + ".pb.cc" for base in bases]
    grpc_headers = [base + ".grpc.pb.h" for base in bases] if grpc else []
    grpc_sources = [base + ".grpc.pb.cc" for base in bases] if grpc else []

    native.filegroup(
        name = name + "_srcs",
        srcs = srcs + [_sibling(dep, "_srcs") for dep in deps],
        testonly = testonly,
        visibility = visibility,
    )
    _protoc(
        name = name + "_cpp",
        srcs = srcs,
        deps = deps,
        root = root,
        flags = ["--cpp_out=OUT"] + ([
            "--plugin=protoc-gen-grpc=" + _GRPC_CPP,
            "--grpc_out=OUT",
        ] if grpc else []),
        outs = headers + sources + grpc_headers + grpc_sources,
        testonly = testonly,
        visibility = ["//visibility:private"],
    )
    _protoc(
        name = name + "_descriptor",
        srcs = srcs,
        deps = deps,
        root = root,
        flags = [
            "--include_imports",
            "--include_source_info",
            "--descriptor_set_out=$(RULEDIR)/%s.binpb" % name,
        ],
        outs = [name + ".binpb"],
        testonly = testonly,
        visibility = visibility,
    )

    cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = GENERATED_COPTS,
        strip_include_prefix = "/" + root if root else None,
        testonly = testonly,
        visibility = visibility,
        deps = deps + ["//bazel:protobuf"],
    )
    if grpc:
        cc_library(
            name = name + "_grpc",
            srcs = grpc_sources,
            hdrs = grpc_headers,
            copts = GENERATED_COPTS,
            strip_include_prefix = "/" + root if root else None,
            testonly = testonly,
            visibility = visibility,
            deps = [
                ":" + name,
                "//bazel:grpcpp",
            ],
        )

def sas_py_proto(
        name,
        srcs,
        deps = [],
        grpc = False,
        root = "",
        visibility = None,
        testonly = None):
    """Python modules from .proto files, as data for a test: x_pb2.py, x_pb2_grpc.py.

    Set PYTHONPATH to `root` in the runfiles.

    Args:
      name: of the filegroup.
      srcs: .proto files of this package.
      deps: sas_proto_library targets whose files these import.
      grpc: also generate the stubs.
      root: as in sas_proto_library.
      visibility: as usual.
      testonly: as usual.
    """
    bases = [src[:-len(".proto")].replace("-", "_") for src in srcs]
    outs = [base + "_pb2.py" for base in bases]
    flags = ["--python_out=OUT"]
    if grpc:
        outs += [base + "_pb2_grpc.py" for base in bases]
        flags += ["--plugin=protoc-gen-grpc_python=" + _GRPC_PYTHON, "--grpc_python_out=OUT"]
    _protoc(
        name = name + "_py",
        srcs = srcs,
        deps = deps,
        root = root,
        flags = flags,
        outs = outs,
        testonly = testonly,
        visibility = ["//visibility:private"],
    )
    native.filegroup(
        name = name,
        srcs = outs,
        testonly = testonly,
        visibility = visibility,
    )
