#include "cli/event_printer.h"

#include "absl/strings/str_cat.h"
#include "cli/json.h"
#include "cli/record_printer.h"

namespace sasd::cli {
namespace {

// Everything as a JSON object, in JSON or in YAML.
class ObjectPrinter : public EventPrinter {
 public:
  ObjectPrinter(std::ostream& out, bool yaml) : out_(out), yaml_(yaml) {}

  void Snapshot(const sas::v1::SnapshotChunk& chunk) override {
    for (const sas::v1::Resource& resource : chunk.resources()) {
      Print(absl::StrCat("{\"snapshot\":{\"revision\":\"", chunk.revision(),
                         "\",\"resource\":", ToJson(resource), "}}"));
    }
  }

  void Synced(const sas::v1::Synced& synced) override {
    Print(absl::StrCat("{\"synced\":", ToJson(synced), "}"));
  }

  void Event(const sas::v1::Event& event) override { Print(ToJson(event)); }

  void Gap(int64_t sent_revision, int64_t revision, absl::string_view why) override {
    Print(absl::StrCat("{\"gap\":{\"sentRevision\":\"", sent_revision, "\",\"revision\":\"",
                       revision, "\",\"reason\":", JsonString(why.empty() ? "fell behind" : why),
                       "}}"));
  }

 private:
  void Print(const std::string& json) {
    yaml_ ? out_ << "---\n" << JsonToYaml(json) : out_ << json << '\n';
  }

  std::ostream& out_;
  const bool yaml_;
};

}  // namespace

std::unique_ptr<EventPrinter> NewEventJsonlPrinter(std::ostream& out) {
  return std::make_unique<ObjectPrinter>(out, false);
}

std::unique_ptr<EventPrinter> NewEventYamlPrinter(std::ostream& out) {
  return std::make_unique<ObjectPrinter>(out, true);
}

absl::StatusOr<std::unique_ptr<EventPrinter>> NewEventPrinter(absl::string_view output,
                                                              std::ostream& out, Paint paint) {
  const auto form = ParseOutput(output);
  if (!form.ok()) return form.status();
  switch (*form) {
    case Output::kTable:
    case Output::kWide:
      return NewEventLinePrinter(out, paint);
    case Output::kJson:
    case Output::kJsonl:
      return NewEventJsonlPrinter(out);
    case Output::kYaml:
      return NewEventYamlPrinter(out);
    case Output::kName:
      break;
  }
  return absl::InvalidArgumentError("events have no names (-o table, jsonl or yaml)");
}

}  // namespace sasd::cli
