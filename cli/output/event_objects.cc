#include "cli/output/event_objects.h"

#include "absl/strings/str_cat.h"
#include "cli/output/json.h"
#include "cli/output/yaml.h"

namespace sasd::cli {
namespace {

// Prints each item as an object, in JSON or in YAML.
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

  void Lost(const sas::v1::Gap& gap) override {
    Print(absl::StrCat("{\"lost\":", ToJson(gap), "}"));
  }

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

}  // namespace sasd::cli
