"""The versions of Debian's packages as files that compilers and linkers have as an input."""

def _installed_packages_impl(ctx):
    # ctx.path() of a label makes Bazel evaluate this again once that file has changed.
    script = ctx.path(ctx.attr._script)
    status = ctx.path(ctx.attr.status)
    packages = ctx.path(ctx.attr.packages)
    for group in ctx.attr.groups:
        result = ctx.execute(["/usr/bin/python3", script, status, packages, group])
        if result.return_code != 0:
            fail("cannot list the installed packages: " + result.stderr)
        ctx.file(group, result.stdout)
    ctx.file("BUILD", "exports_files(%r)\n" % ctx.attr.groups)

installed_packages = repository_rule(
    implementation = _installed_packages_impl,
    doc = """A file per group: the versions of the installed packages that the group compiles with.

Bazel does not track headers and libraries of the system. These files stand for them: they change
when an upgrade changes a package, and then what was compiled or linked with it is built again.""",
    attrs = {
        "groups": attr.string_list(doc = "Groups of `packages`."),
        "packages": attr.label(doc = "bazel/packages.txt."),
        "status": attr.label(doc = "dpkg's status file."),
        "_script": attr.label(default = "//bazel/toolchain:installed_packages.py"),
    },
)
