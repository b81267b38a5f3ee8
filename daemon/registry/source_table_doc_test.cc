#include "daemon/registry/source_table_doc.h"

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

TEST(SourceTableDocTest, DocsSourcesMatchesTheTable) {
  std::ifstream file("docs/sources.md");
  ASSERT_TRUE(file.good()) << "docs/sources.md cannot be opened";
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(text, SourceTableDoc(NodeSources()))
      << "run: bazel run //daemon/registry:write_sources_doc > docs/sources.md";
}

}  // namespace
}  // namespace sasd::registry
