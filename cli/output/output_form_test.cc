#include "cli/output/output_form.h"

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

TEST(OutputFormTest, ParsesEveryFormat) {
  EXPECT_EQ(*ParseOutput("table"), Output::kTable);
  EXPECT_EQ(*ParseOutput("wide"), Output::kWide);
  EXPECT_EQ(*ParseOutput("json"), Output::kJson);
  EXPECT_EQ(*ParseOutput("jsonl"), Output::kJsonl);
  EXPECT_EQ(*ParseOutput("yaml"), Output::kYaml);
  EXPECT_EQ(*ParseOutput("name"), Output::kName);
  const absl::Status status = ParseOutput("yml").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "unknown output format \"yml\"; did you mean \"yaml\"? "
            "(formats: table, wide, json, jsonl, yaml, name)");
}

}  // namespace
}  // namespace sasd::cli
