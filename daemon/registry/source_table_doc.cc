#include "daemon/registry/source_table_doc.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace sasd::registry {
namespace {

constexpr char kIntroduction[] =
    R"(# Sources of each field

<!-- Generated from daemon/registry/source_table.cc:
     bazel run //daemon/registry:write_sources_doc > docs/sources.md -->

Each source reports what it knows. The registry keeps the reports side by side and merges them field
by field. `sasctl show --sources OBJECT` shows the reports on one object.

)";

constexpr char kRules[] = R"(
A source that only adds fields creates no object and keeps none. Its report on an object that does
not exist is dropped, and its reports go with the object: it reports again after its next reading.

The column "order" lists the sources that may report a field, the one that is asked first in front.
A field marked * makes, names or removes objects: only sources that prove existence may report it.
Fields that are not listed follow from others. `ses_slot` has no field in the API; findings compare
it with `slot`.

)";

std::string Order(const SourceTable& table, const FieldRow& row) {
  return absl::StrJoin(row.order, ", ", [&](std::string* out, Source source) {
    absl::StrAppend(out, table.info(source).name);
  });
}

}  // namespace

std::string SourceTableDoc(const SourceTable& table) {
  std::string out = kIntroduction;
  absl::StrAppend(&out, "| source | in messages | role |\n| --- | --- | --- |\n");
  for (const Source source : table.all()) {
    const SourceInfo& info = table.info(source);
    absl::StrAppend(&out, "| ", info.name, " | ", info.phrase, " | ", Describe(info.role), " |\n");
  }
  absl::StrAppend(&out, kRules, "| object | field | order | which value holds |\n",
                  "| --- | --- | --- | --- |\n");
  for (size_t kind = 1; kind <= kResourceKindCount; ++kind) {
    const auto resource_kind = static_cast<ResourceKind>(kind);
    table.VisitRows(resource_kind, [&](const FieldRow& row) {
      absl::StrAppend(&out, "| ", ToString(resource_kind), " | `",
                      absl::StrReplaceAll(row.fields, {{", ", "`, `"}}), "`",
                      row.makes_objects ? " *" : "", " | ", Order(table, row), " | ",
                      Describe(row.rule), " |\n");
    });
  }
  return out;
}

}  // namespace sasd::registry
