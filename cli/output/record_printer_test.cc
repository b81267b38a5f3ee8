#include "cli/output/record_printer.h"

#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {
namespace {

using Factory = std::unique_ptr<RecordPrinter> (*)(std::ostream&);

// Prints hosts with these names, page by page.
std::string Print(Factory factory, const std::vector<std::vector<std::string>>& pages) {
  std::ostringstream out;
  const auto printer = factory(out);
  for (const auto& names : pages) {
    std::vector<sas::v1::Host> hosts(names.size());
    RecordPrinter::Page page;
    for (size_t i = 0; i < names.size(); ++i) {
      hosts[i].set_name(names[i]);
      page.push_back(&hosts[i]);
    }
    printer->Print(page);
  }
  printer->Finish();
  return out.str();
}

TEST(RecordPrinterTest, PagesFormOneList) {
  const std::vector<std::vector<std::string>> pages = {{"hosts/1", "hosts/2"}, {}, {"hosts/3"}};
  EXPECT_EQ(Print(NewJsonPrinter, pages),
            "[\n{\"name\":\"hosts/1\"},\n{\"name\":\"hosts/2\"},\n{\"name\":\"hosts/3\"}\n]\n");
  EXPECT_EQ(Print(NewJsonlPrinter, pages),
            "{\"name\":\"hosts/1\"}\n{\"name\":\"hosts/2\"}\n{\"name\":\"hosts/3\"}\n");
  EXPECT_EQ(Print(NewYamlPrinter, pages), "- name: hosts/1\n- name: hosts/2\n- name: hosts/3\n");
  EXPECT_EQ(Print(NewNamePrinter, pages), "hosts/1\nhosts/2\nhosts/3\n");
}

TEST(RecordPrinterTest, NoPagesAreAnEmptyList) {
  EXPECT_EQ(Print(NewJsonPrinter, {}), "[]\n");
  EXPECT_EQ(Print(NewYamlPrinter, {{}}), "[]\n");
  EXPECT_EQ(Print(NewJsonlPrinter, {}), "");
  EXPECT_EQ(Print(NewNamePrinter, {}), "");
}

}  // namespace
}  // namespace sasd::cli
