#include "cli/record_printer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/suggest.h"

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

absl::StatusOr<Output> ParseOutput(absl::string_view word) {
  static const std::vector<std::string> kWords = {"table", "wide", "json", "jsonl", "yaml", "name"};
  for (size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<Output>(i);
  }
  return absl::InvalidArgumentError(absl::StrCat("no output form \"", word, "\"",
                                                 DidYouMean(word, kWords),
                                                 " (forms: ", absl::StrJoin(kWords, ", "), ")"));
}

bool PrintMessage(const google::protobuf::Message& message, Output output, std::ostream& out) {
  switch (output) {
    case Output::kJson:
      out << ToIndentedJson(message) << '\n';
      return true;
    case Output::kJsonl:
      out << ToJson(message) << '\n';
      return true;
    case Output::kYaml:
      out << JsonToYaml(ToJson(message));
      return true;
    default:
      return false;
  }
}

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
