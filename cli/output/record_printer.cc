#include "cli/output/record_printer.h"

#include "absl/strings/str_cat.h"
#include "cli/output/format.h"
#include "cli/output/json.h"
#include "cli/output/yaml.h"

namespace sasd::cli {
namespace {

class JsonPrinter : public RecordPrinter {
 public:
  explicit JsonPrinter(std::ostream& out) : out_(out) {}

  void Print(const Page& page) override {
    for (const google::protobuf::Message* record : page) {
      out_ << (empty_ ? "[\n" : ",\n") << ToJson(*record);
      empty_ = false;
    }
  }

  void Finish() override { out_ << (empty_ ? "[]\n" : "\n]\n"); }

 private:
  std::ostream& out_;
  bool empty_ = true;
};

class JsonlPrinter : public RecordPrinter {
 public:
  explicit JsonlPrinter(std::ostream& out) : out_(out) {}
  void Print(const Page& page) override {
    for (const google::protobuf::Message* record : page) out_ << ToJson(*record) << '\n';
  }

 private:
  std::ostream& out_;
};

class YamlPrinter : public RecordPrinter {
 public:
  explicit YamlPrinter(std::ostream& out) : out_(out) {}

  void Print(const Page& page) override {
    for (const google::protobuf::Message* record : page) {
      out_ << JsonToYaml(absl::StrCat("[", ToJson(*record), "]"));
      empty_ = false;
    }
  }

  void Finish() override {
    if (empty_) out_ << "[]\n";
  }

 private:
  std::ostream& out_;
  bool empty_ = true;
};

class NamePrinter : public RecordPrinter {
 public:
  explicit NamePrinter(std::ostream& out) : out_(out) {}
  void Print(const Page& page) override {
    for (const google::protobuf::Message* record : page) out_ << NameOf(*record) << '\n';
  }

 private:
  std::ostream& out_;
};

}  // namespace

std::unique_ptr<RecordPrinter> NewJsonPrinter(std::ostream& out) {
  return std::make_unique<JsonPrinter>(out);
}
std::unique_ptr<RecordPrinter> NewJsonlPrinter(std::ostream& out) {
  return std::make_unique<JsonlPrinter>(out);
}
std::unique_ptr<RecordPrinter> NewYamlPrinter(std::ostream& out) {
  return std::make_unique<YamlPrinter>(out);
}
std::unique_ptr<RecordPrinter> NewNamePrinter(std::ostream& out) {
  return std::make_unique<NamePrinter>(out);
}

}  // namespace sasd::cli
