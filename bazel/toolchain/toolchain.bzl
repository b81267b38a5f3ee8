"""C++ toolchains for Debian's compilers."""

load(
    "@bazel_tools//tools/cpp:unix_cc_toolchain_config.bzl",
    "cc_toolchain_config",
)
load("@rules_cc//cc:defs.bzl", "cc_toolchain", "cc_toolchain_suite")

# As Debian builds its daemons (dpkg-buildflags). Each use of a string or file function of libc whose
# bounds the compiler knows is checked at run time.
FORTIFY = ["-D_FORTIFY_SOURCE=2"]

def debian_toolchain(name, compiler, ar, cov, installed, precompiled = None, fortify = FORTIFY):
    """Declares the toolchain suite `name` for one compiler driver.

    Args:
      name: of the suite, for --crosstool_top.
      compiler: absolute path of the C and C++ driver.
      ar: absolute path of ar.
      cov: absolute path of the coverage tool.
      installed: files that change when the system's headers, libraries or tools do: then everything
        is compiled and linked again.
      fortify: options that need optimization and no sanitizer.
      precompiled: name of a precompiled_headers repository for C++ sources, for Clang.
    """
    native.filegroup(
        name = name + "_linker_files",
        srcs = installed,
    )
    native.filegroup(
        name = name + "_compiler_files",
        srcs = installed + (["@%s//:all" % precompiled] if precompiled else []),
    )
    cc_toolchain_config(
        name = name + "_config",
        cpu = "k8",
        compiler = name,
        toolchain_identifier = "debian12_" + name,
        host_system_name = "local",
        target_system_name = "local",
        target_libc = "local",
        abi_version = "local",
        abi_libc_version = "local",
        cxx_builtin_include_directories = [
            "/usr/include",
            "/usr/lib/gcc",
            "/usr/lib/clang",
            "/usr/lib/llvm-14/lib/clang",
        ],
        tool_paths = {
            "ar": ar,
            "cpp": "/usr/bin/cpp-12",
            "dwp": "/usr/bin/dwp",
            "gcc": compiler,
            "gcov": cov,
            "ld": "/usr/bin/ld",
            "llvm-cov": cov,
            "nm": "/usr/bin/nm",
            "objcopy": "/usr/bin/objcopy",
            "objdump": "/usr/bin/objdump",
            "strip": "/usr/bin/strip",
        },
        compile_flags = [
            "-fstack-protector-strong",
            "-fcf-protection",
            "-fno-omit-frame-pointer",
        ] + ([] if name == "gcc" else ["-Wthread-safety"]),
        opt_compile_flags = [
            "-O2",
            "-g0",
            "-ffunction-sections",
            "-fdata-sections",
        ] + fortify,
        dbg_compile_flags = ["-g"],
        cxx_flags = ["-std=c++17"] + ([
            "-include",
            "external/%s/common.h" % precompiled,
        ] if precompiled else []),
        link_flags = [
            "-fuse-ld=gold",
            "-Wl,-z,relro,-z,now",
            "-pass-exit-codes",
        ] if name == "gcc" else [
            "-fuse-ld=lld",
            "-Wl,-z,relro,-z,now",
        ],
        link_libs = [
            "-lstdc++",
            "-lm",
        ],
        opt_link_flags = ["-Wl,--gc-sections"],
        unfiltered_compile_flags = [
            "-no-canonical-prefixes",
            "-Wno-builtin-macro-redefined",
            "-D__DATE__=\"redacted\"",
            "-D__TIMESTAMP__=\"redacted\"",
            "-D__TIME__=\"redacted\"",
        ],
        coverage_compile_flags = ["--coverage"],
        coverage_link_flags = ["--coverage"],
        supports_start_end_lib = True,
    )

    cc_toolchain(
        name = name + "_toolchain",
        all_files = ":empty",
        ar_files = ":empty",
        as_files = ":empty",
        compiler_files = ":%s_compiler_files" % name,
        dwp_files = ":empty",
        linker_files = ":%s_linker_files" % name,
        objcopy_files = ":empty",
        strip_files = ":empty",
        supports_param_files = 1,
        toolchain_config = ":" + name + "_config",
        toolchain_identifier = "debian12_" + name,
    )

    # Bazel needs a registered toolchain; --crosstool_top then overrides it.
    native.toolchain(
        name = name + "_registered",
        toolchain = ":" + name + "_toolchain",
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )

    cc_toolchain_suite(
        name = name,
        toolchains = {
            cpu + suffix: ":" + name + "_toolchain"
            for cpu in ("k8", "aarch64")
            for suffix in ("", "|" + name)
        },
    )
